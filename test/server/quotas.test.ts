/** Quotas: AWS's by default, others for a region of an account, none on request. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AllocateAddressCommand,
  CreateVpcCommand,
  DescribeAccountAttributesCommand,
} from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../sim/index.ts';
import { ACCOUNT, clientOf, REGION } from './scene.ts';

const put = async (simulator: RunningSimulator, account: string, body: object) => {
  const url = `${simulator.url}/_byoa/quotas/${account}/${REGION}`;
  const response = await fetch(url, { method: 'PUT', body: JSON.stringify(body) });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
};

/** The code with which the VPC after `count` of them is refused, or `made`. */
async function afterVpcs(simulator: RunningSimulator, count: number, account = ACCOUNT): Promise<string> {
  const client = clientOf(simulator, account);
  const vpc = (n: number) => client.send(new CreateVpcCommand({ CidrBlock: `10.${n}.0.0/16` }));
  for (let n = 1; n <= count; n++) await vpc(n);
  return vpc(count + 1).then(
    () => 'made',
    (error: Error) => error.name,
  );
}

test("are those of a new account, an account's own where it has some, and kept with the world", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-quotas-'));
  const state = join(folder, 'world');
  let simulator = await startSimulator({ state });
  const other = '999988887777';
  expect(await put(simulator, other, { vpcs: 2, addresses: 7 })).toMatchObject({
    status: 200,
    json: { vpcs: 2, addresses: 7, subnetsPerVpc: 200 },
  });
  expect(await put(simulator, other, { vpc: 2 })).toMatchObject({ status: 400 });
  expect(await afterVpcs(simulator, 5)).toBe('VpcLimitExceeded');
  expect(await afterVpcs(simulator, 2, other)).toBe('VpcLimitExceeded');
  await simulator.close();
  simulator = await startSimulator({ state });
  expect(await afterVpcs(simulator, 0, other)).toBe('VpcLimitExceeded');
  const shown = await clientOf(simulator, other).send(new DescribeAccountAttributesCommand({}));
  const most = shown.AccountAttributes?.find((each) => each.AttributeName === 'vpc-max-elastic-ips');
  expect(most?.AttributeValues?.[0]?.AttributeValue).toBe('7');
  await simulator.close();
  rmSync(folder, { recursive: true });
});

test('are off where the knob says so', async () => {
  const simulator = await startSimulator({ knobs: { quotas: 'off' } });
  expect(await afterVpcs(simulator, 6)).toBe('made');
  for (let n = 1; n <= 6; n++) await clientOf(simulator).send(new AllocateAddressCommand({}));
  simulator.knobs({ quotas: 'aws' });
  expect(await afterVpcs(simulator, 0)).toBe('VpcLimitExceeded');
  await simulator.close();
});

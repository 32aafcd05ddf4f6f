/**
 * Each design of `infra/` as the graph that its program registers, applied by the AWS provider that Pulumi's is
 * a bridge to: no plan changes anything after it was applied, nor after a failover.
 */
import {
  AssignPrivateIpAddressesCommand,
  AssociateAddressCommand,
  AttachNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  EC2Client,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import { beforeAll, describe, expect, it } from 'vitest';
import { present, unreachable } from '../../controller/base/result.ts';
import type { Appliance } from '../../controller/config/model.ts';
import { type Config, parseConfig } from '../../controller/config.ts';
import { EgressPair } from '../../infra/designs/egress-pair.ts';
import { FloatingEni } from '../../infra/designs/floating-eni.ts';
import { recorded, resolved } from '../infra/recorded.ts';
import { terraformOf } from './graph.ts';
import { ACCOUNT, REGION } from './simulator.ts';
import { live, openStack, type Stack, whyNoTerraform } from './stack.ts';

const LIFE_MS = 900_000;
const OWNER = 'whoever-owns-it';

const ARGS = {
  cidr: '10.0.0.0/16',
  ami: 'ami-0123456789abcdef0',
  instanceType: 't3.micro',
  daemonUrl: 'https://example.com/byoa',
  daemonSha256: 'a'.repeat(64),
  probeTarget: '203.0.113.10',
  tags: { owner: OWNER },
  workload: true,
};
const DESIGNS = {
  'egress-pair': () => new EgressPair('egress', { ...ARGS, zones: ['eu-central-1a', 'eu-central-1b'] }),
  'floating-eni': () => new FloatingEni('floating', { ...ARGS, zones: ['eu-central-1a'] }),
};

/** The design as configuration; its output `daemon` is the configuration of a daemon. */
async function configurationOf(design: keyof typeof DESIGNS): Promise<string> {
  const { made, seen } = await recorded(DESIGNS[design]);
  const daemon = present((await resolved(made.nodes))[0], 'a node').config;
  return JSON.stringify(terraformOf(seen, { variables: { [OWNER]: 'owner' }, outputs: { daemon } }));
}

async function daemonOf({ terraform }: Stack): Promise<Config> {
  const parsed = parseConfig(await terraform(0, 'output', '-raw', 'daemon'), 'output daemon');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const clientOf = ({ simulator: { url: endpoint } }: Stack): EC2Client =>
  new EC2Client({
    endpoint,
    region: REGION,
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'simulated' },
  });

async function attach(ec2: EC2Client, id: string, deviceIndex: number, to: Appliance): Promise<void> {
  const ids = [present(to.eni, 'its ENI')];
  const { NetworkInterfaces = [] } = await ec2.send(
    new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: ids }),
  );
  const InstanceId = NetworkInterfaces[0]?.Attachment?.InstanceId;
  await ec2.send(
    new AttachNetworkInterfaceCommand({ NetworkInterfaceId: id, DeviceIndex: deviceIndex, InstanceId }),
  );
}

/** Leads all that the groups own to their last members, as their daemons would. */
async function failOver(stack: Stack): Promise<number> {
  const config = await daemonOf(stack);
  const ec2 = clientOf(stack);
  let moved = 0;
  for (const { members, resources } of config.groups) {
    const heir = present(
      config.appliances.find(({ name }) => name === members.at(-1)),
      'the last member',
    );
    for (const resource of resources) {
      switch (resource.kind) {
        case 'routes':
          for (const { table: RouteTableId, destinations } of resource.sets)
            for (const DestinationCidrBlock of destinations) {
              const NetworkInterfaceId = heir.eni;
              const route = { RouteTableId, DestinationCidrBlock, NetworkInterfaceId };
              await ec2.send(new ReplaceRouteCommand(route));
              moved += 1;
            }
          break;
        case 'eni':
          await attach(ec2, resource.id, resource.deviceIndex, heir);
          moved += 1;
          break;
        case 'address':
          await ec2.send(
            new AssignPrivateIpAddressesCommand({
              NetworkInterfaceId: heir.eni,
              PrivateIpAddresses: [resource.address],
              AllowReassignment: true,
            }),
          );
          moved += 1;
          break;
        case 'eip':
          await ec2.send(
            new AssociateAddressCommand({
              AllocationId: resource.allocation,
              NetworkInterfaceId: heir.eni,
              AllowReassociation: true,
            }),
          );
          moved += 1;
          break;
        case 'transit-routes':
          throw new Error('no design here moves transit gateway routes');
        default:
          unreachable(resource);
      }
    }
  }
  return moved;
}

describe.skipIf(whyNoTerraform !== undefined)(`Terraform's AWS provider (skipped: ${whyNoTerraform})`, () => {
  const names = Object.keys(DESIGNS) as (keyof typeof DESIGNS)[];
  const configurations = new Map<string, string>();
  // A process records one program at a time.
  beforeAll(async () => {
    for (const design of names) configurations.set(design, await configurationOf(design));
  });

  it.concurrent.each(names)(
    '%s applies, fails over, and no plan ever changes what the daemons own',
    async (design) => {
      const stack = await openStack('main.tf.json', configurations.get(design) ?? '');
      try {
        await live(stack, async () => expect(await failOver(stack)).toBeGreaterThan(0));
      } finally {
        await stack.close();
      }
    },
    LIFE_MS,
  );
});

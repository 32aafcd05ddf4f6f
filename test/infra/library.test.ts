/**
 * Every design, deployed into one simulator: what it promises is traced there and back, the loss of the first
 * appliance is drilled, and a failover leaves nothing for Pulumi to do.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AssignPrivateIpAddressesCommand,
  AssociateAddressCommand,
  AttachNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeVpcsCommand,
  EC2Client,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { present, unreachable } from '../../controller/base/result.ts';
import { type Group, type Resource, routeSetsOf } from '../../controller/config.ts';
import { NAMES } from '../../infra/designs/catalog.ts';
import { type Failure, failuresOf } from '../../sim/drill/failure.ts';
import { stageOf } from '../../sim/drill/subject.ts';
import { outcomeText, titleOf } from '../../sim/drill/text.ts';
import { isMissed } from '../../sim/drill/verdict.ts';
import type { Deployed } from '../../sim/pulumi/design.ts';
import { deployLibrary, openLibrary, PLACE, play, run, type Shelved } from './library.ts';

// Operations start a process each, which takes seconds where other tests run beside it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const directory = mkdtempSync(join(tmpdir(), 'byoa-library-'));
let library: ReadonlyMap<string, Shelved> = new Map();
const shelved = (name: string): Shelved => present(library.get(name), name);

beforeAll(async () => {
  library = await deployLibrary(directory);
});

describe.each(NAMES)('%s', (name) => {
  it('carries every flow that it promises, there and back', () => {
    const { flows } = play(shelved(name), []);
    expect(flows.map(({ flow, verdict, lost }) => [flow, verdict, lost])).toEqual(
      shelved(name).deployed.flows.map((flow) => [flow.name, 'kept', undefined]),
    );
  });

  it('has every flow back in time from what can befall the appliance that works at first', () => {
    const missed = failuresOf(stageOf(shelved(name).subject, 1))
      .filter(befallsFirst)
      .map((failure) => play(shelved(name), [failure]))
      .flatMap((one) =>
        one.flows.filter(isMissed).map((flow) => `${titleOf(one)}: ${flow.flow}: ${outcomeText(flow)}`),
      );
    expect(missed).toEqual([]);
  });
});

/** A quarter of all, which takes something away; `npm run docs:designs` plays every single one. */
function befallsFirst(failure: Failure): boolean {
  switch (failure.kind) {
    case 'machine':
      return failure.machine === 'a' && (failure.how === 'kill' || failure.how === 'drop');
    case 'zone':
      return failure.zone === 'eu-central-1a';
    case 'cut':
      return failure.from === 'a' && failure.to === 'b';
    case 'daemon':
      return false;
    default:
      return unreachable(failure);
  }
}

/** Gives everything that a group moves to its second member, as a daemon would. */
async function moveOn(ec2: EC2Client, group: Group, { nodes }: Pick<Deployed, 'nodes'>): Promise<void> {
  const next = present(
    nodes.find(({ name }) => name === group.members[1]),
    'the second member',
  );
  const NetworkInterfaceId = next.networkInterfaceId;
  const move = async (resource: Resource): Promise<unknown> => {
    switch (resource.kind) {
      case 'routes':
        return Promise.all(
          routeSetsOf(group).flatMap(({ table: RouteTableId, destinations }) =>
            destinations.map((DestinationCidrBlock) =>
              ec2.send(new ReplaceRouteCommand({ RouteTableId, DestinationCidrBlock, NetworkInterfaceId })),
            ),
          ),
        );
      case 'eni': {
        const place = { InstanceId: next.instanceId, DeviceIndex: resource.deviceIndex };
        return ec2.send(new AttachNetworkInterfaceCommand({ NetworkInterfaceId: resource.id, ...place }));
      }
      case 'address': {
        const what = { PrivateIpAddresses: [resource.address], AllowReassignment: true };
        return ec2.send(new AssignPrivateIpAddressesCommand({ NetworkInterfaceId, ...what }));
      }
      case 'eip': {
        const { allocation: AllocationId, address: PrivateIpAddress } = resource;
        const what = { AllocationId, PrivateIpAddress, AllowReassociation: true };
        return ec2.send(new AssociateAddressCommand({ NetworkInterfaceId, ...what }));
      }
      case 'transit-routes':
        throw new Error('no design here moves routes of transit gateways');
      default:
        return unreachable(resource);
    }
  };
  for (const resource of group.resources.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)))
    await move(resource);
}

const ORDER: readonly Resource['kind'][] = ['eni', 'address', 'eip', 'routes', 'transit-routes'];

it('a failover of every group survives refresh and up, and destroy leaves nothing', async () => {
  const simulator = await openLibrary(directory);
  const credentials = { accessKeyId: PLACE.account, secretAccessKey: 'simulated' };
  const ec2 = new EC2Client({ endpoint: simulator.url, region: PLACE.region, credentials });
  try {
    for (const { deployed, subject } of library.values())
      for (const group of subject.configs[0]?.groups ?? []) await moveOn(ec2, group, deployed);
    const look = async () => [
      (await ec2.send(new DescribeRouteTablesCommand({}))).RouteTables,
      (await ec2.send(new DescribeNetworkInterfacesCommand({}))).NetworkInterfaces,
    ];
    const before = await look();
    const { steps: seen } = await run(directory, simulator, 'refresh');
    expect(seen.filter(({ changed }) => changed.length > 0).length).toBeGreaterThan(NAMES.length);
    const { steps } = await run(directory, simulator, 'up');
    expect(steps.filter(({ kind }) => kind !== 'same').map(({ kind, name }) => `${kind} ${name}`)).toEqual(
      [],
    );
    expect(await look()).toEqual(before);
    await run(directory, simulator, 'destroy');
    const { Vpcs } = await ec2.send(new DescribeVpcsCommand({}));
    expect(Vpcs?.filter(({ IsDefault }) => IsDefault !== true)).toEqual([]);
  } finally {
    ec2.destroy();
    await simulator.close();
  }
});

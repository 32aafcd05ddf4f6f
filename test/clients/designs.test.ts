/**
 * The designs of `infra/` as the graph that their programs register, applied by the AWS provider that
 * Pulumi's is a bridge to: no plan changes anything after it was applied, nor after a failover.
 */
import {
  AssignPrivateIpAddressesCommand,
  AssociateAddressCommand,
  AttachNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  EC2Client,
  ReplaceRouteCommand,
  ReplaceTransitGatewayRouteCommand,
} from '@aws-sdk/client-ec2';
import { describe, it } from 'vitest';
import { present, unreachable } from '../../controller/base/result.ts';
import type { Appliance, Resource } from '../../controller/config/model.ts';
import { type Config, parseConfig } from '../../controller/config.ts';
import type { Design } from '../../infra/design.ts';
import { DESIGNS, NAMES } from '../../infra/designs/catalog.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import type { NodeOutput } from '../../infra/outputs.ts';
import { recorded, resolved } from '../infra/recorded.ts';
import { terraformOf } from './graph.ts';
import { ACCOUNT, REGION } from './simulator.ts';
import { live, openStack, type Stack, whyNoTerraform } from './stack.ts';

const LIFE_MS = 900_000;
const OWNER = 'whoever-owns-it';
const ZONES = ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'];

/** All designs as one configuration; its output `NAME-daemon` is the configuration of a daemon of each. */
async function configurationOfAll(): Promise<string> {
  const { made, seen } = await recorded(() =>
    NAMES.map((name) => {
      const design: Design = DESIGNS[name];
      return new COMPONENTS[name](name, {
        cidr: '10.0.0.0/16',
        zones: ZONES.slice(0, design.zones.min),
        ami: 'ami-0123456789abcdef0',
        instanceType: 't3.micro',
        daemonUrl: 'https://example.com/byoa',
        daemonSha256: 'a'.repeat(64),
        tags: { owner: OWNER },
        workload: true,
      });
    }),
  );
  const outputs: Record<string, string> = {};
  for (const [index, name] of NAMES.entries()) {
    const nodes = (await resolved(present(made[index], name).nodes)) as readonly NodeOutput[];
    outputs[`${name}-daemon`] = present(nodes[0], `a node of ${name}`).config;
  }
  return JSON.stringify(terraformOf(seen, { variables: { [OWNER]: 'owner' }, outputs }), undefined, 1);
}

/** The configurations of the daemons, as they were deployed. */
async function daemonsOf({ terraform }: Stack): Promise<readonly Config[]> {
  const outputs: Record<string, { value: string }> = JSON.parse(await terraform(0, 'output', '-json'));
  return Object.entries(outputs).map(([name, { value }]) => {
    const parsed = parseConfig(value, name);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value;
  });
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

/** Leads a resource to a member, as a daemon would. */
async function lead(ec2: EC2Client, resource: Resource, heir: Appliance): Promise<void> {
  const NetworkInterfaceId = present(heir.eni, 'its ENI');
  switch (resource.kind) {
    case 'routes':
      for (const { table: RouteTableId, destinations } of resource.sets)
        for (const destination of destinations)
          await ec2.send(
            new ReplaceRouteCommand({
              RouteTableId,
              DestinationCidrBlock: destination,
              NetworkInterfaceId,
            }),
          );
      return;
    case 'eni':
      return attach(ec2, resource.id, resource.deviceIndex, heir);
    case 'address': {
      const PrivateIpAddresses = [resource.address];
      const move = { NetworkInterfaceId, PrivateIpAddresses, AllowReassignment: true };
      await ec2.send(new AssignPrivateIpAddressesCommand(move));
      return;
    }
    case 'eip': {
      const { allocation: AllocationId, address } = resource;
      const to = { NetworkInterfaceId, ...(address !== undefined && { PrivateIpAddress: address }) };
      await ec2.send(new AssociateAddressCommand({ AllocationId, ...to, AllowReassociation: true }));
      return;
    }
    case 'transit-routes':
      for (const { table, destinations } of resource.sets)
        for (const DestinationCidrBlock of destinations)
          await ec2.send(
            new ReplaceTransitGatewayRouteCommand({
              TransitGatewayRouteTableId: table,
              DestinationCidrBlock,
              TransitGatewayAttachmentId: heir.attachment,
            }),
          );
      return;
    default:
      unreachable(resource);
  }
}

/** Leads all that the groups own to their last members. */
async function failOver(stack: Stack): Promise<void> {
  const ec2 = clientOf(stack);
  for (const { groups, appliances } of await daemonsOf(stack))
    for (const { members, resources } of groups) {
      const heir = appliances.find(({ name }) => name === members.at(-1));
      for (const resource of resources) await lead(ec2, resource, present(heir, 'the last member'));
    }
}

describe.skipIf(whyNoTerraform !== undefined)(`Terraform's AWS provider (skipped: ${whyNoTerraform})`, () => {
  // Some 250 resources, and seven commands that look at each: minutes.
  it.skipIf(process.env.BYOA_SLOW === undefined)(
    'applies all designs; no plan changes anything, also after a failover (takes minutes: BYOA_SLOW=1 runs it)',
    async () => {
      const stack = await openStack('main.tf.json', await configurationOfAll());
      try {
        await live(stack, { befall: () => failOver(stack) });
      } finally {
        await stack.close();
      }
    },
    LIFE_MS,
  );
});

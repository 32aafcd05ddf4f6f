/** What people and their tools do to a group beside the daemons. */
import { present, unreachable } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { request } from '../world/api.ts';
import type { Logged } from '../world/happening.ts';
import { after } from '../world/kernel.ts';
import type { World } from '../world/state.ts';
import type { OwnedGroup, OwnedPart, Scene } from './scenario.ts';
import { type Machine, PLACE } from './scenes/network.ts';

/** An operator tries again so often until his call succeeds, ms. */
export const AGAIN_MS = 2000;

interface Stage {
  readonly world: World;
  readonly scene: Scene;
  readonly writes: readonly string[];
}

/** Runs `pulumi up` once, so long after the next move of a group begins; the answer calls it off. */
export function pulumiUp(stage: Stage, group: OwnedGroup, lateMs: Millis): () => void {
  const { world, writes } = stage;
  const listen = (logged: Logged): void => {
    if (logged.kind !== 'api' || !writes.includes(logged.action)) return;
    world.listeners.delete(listen);
    after(world, lateMs, () => operate(stage, group, group.members[0]));
  };
  world.listeners.add(listen);
  return () => world.listeners.delete(listen);
}

/** Somebody who does not know the daemons leads a group to a member, or takes it from all. */
export function operate(stage: Stage, { parts }: OwnedGroup, to: string | undefined): void {
  const target = to === undefined ? undefined : present(stage.scene.machines[to], to);
  for (const part of parts) lead(stage, part, target && { ...target, name: present(to, 'a name') });
}

function lead(
  { world }: Stage,
  part: OwnedPart,
  to: (Machine & { readonly name: string }) | undefined,
): void {
  const ec2: Ask = (action, input) =>
    request(world.api, { ...PLACE, service: 'ec2', action, input }, () => undefined);
  const look: Look = <T>(action: string, input: object, found: (output: T) => void) =>
    request(world.api, { ...PLACE, service: 'ec2', action, input }, (reply) => {
      if (reply.kind === 'ok') found(reply.output as T);
    });
  switch (part.kind) {
    case 'route': {
      const key = part.destination.includes(':') ? 'DestinationIpv6CidrBlock' : 'DestinationCidrBlock';
      const route = { RouteTableId: part.table, [key]: part.destination };
      if (to === undefined) ec2('DeleteRoute', route);
      else ec2('ReplaceRoute', { ...route, NetworkInterfaceId: to.eni });
      return;
    }
    case 'association': {
      // Who takes it from all tables wants no failover for it.
      if (to === undefined) return;
      const Filters = [{ Name: 'association.subnet-id', Values: [part.subnet] }];
      look<Tables>('DescribeRouteTables', { Filters }, ({ RouteTables: [table] = [] }) => {
        const one = table?.Associations.find(({ SubnetId }) => SubnetId === part.subnet);
        if (one === undefined) return;
        const AssociationId = one.RouteTableAssociationId;
        ec2('ReplaceRouteTableAssociation', { AssociationId, RouteTableId: part.tables[to.name] });
      });
      return;
    }
    case 'eni': {
      const { eni: NetworkInterfaceId } = part;
      const asked = { NetworkInterfaceIds: [NetworkInterfaceId] };
      look<Enis>('DescribeNetworkInterfaces', asked, ({ NetworkInterfaces: [found] = [] }) => {
        const AttachmentId = found?.Attachment?.AttachmentId;
        if (AttachmentId !== undefined) ec2('DetachNetworkInterface', { AttachmentId, Force: true });
      });
      if (to === undefined) return;
      const InstanceId = to.instance;
      after(world, 2 * AGAIN_MS, () =>
        ec2('AttachNetworkInterface', { NetworkInterfaceId, InstanceId, DeviceIndex: 1 }),
      );
      return;
    }
    case 'address':
      leadAddress(part.address, to?.eni, ec2, look);
      return;
    case 'eip':
      // It goes with its private address.
      return;
    default:
      unreachable(part);
  }
}

function leadAddress(address: string, to: string | undefined, ec2: Ask, look: Look): void {
  const PrivateIpAddresses = [address];
  if (to !== undefined) {
    ec2('AssignPrivateIpAddresses', { NetworkInterfaceId: to, PrivateIpAddresses, AllowReassignment: true });
    return;
  }
  const Filters = [{ Name: 'addresses.private-ip-address', Values: PrivateIpAddresses }];
  look<Enis>('DescribeNetworkInterfaces', { Filters }, ({ NetworkInterfaces: [found] = [] }) => {
    const NetworkInterfaceId = found?.NetworkInterfaceId;
    if (NetworkInterfaceId !== undefined)
      ec2('UnassignPrivateIpAddresses', { NetworkInterfaceId, PrivateIpAddresses });
  });
}

type Ask = (action: string, input: object) => void;
type Look = <T>(action: string, input: object, found: (output: T) => void) => void;

interface Tables {
  readonly RouteTables?: readonly {
    readonly Associations: readonly {
      readonly RouteTableAssociationId: string;
      readonly SubnetId?: string;
    }[];
  }[];
}

interface Enis {
  readonly NetworkInterfaces?: readonly {
    readonly NetworkInterfaceId: string;
    readonly Attachment?: { readonly AttachmentId: string };
  }[];
}

/** What people and their tools do to a group beside the daemons. */
import { present } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { request } from '../world/api.ts';
import type { Logged } from '../world/happening.ts';
import { after } from '../world/kernel.ts';
import type { World } from '../world/state.ts';
import type { OwnedGroup, Scene } from './scenario.ts';
import { PLACE } from './scenes/network.ts';

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
export function operate({ world, scene }: Stage, { resource }: OwnedGroup, to: string | undefined): void {
  const ec2 = (action: string, input: object): void =>
    request(world.api, { ...PLACE, service: 'ec2', action, input }, () => undefined);
  if (resource.kind === 'routes') {
    for (const { table: RouteTableId, destination: DestinationCidrBlock } of resource.routes) {
      const route = { RouteTableId, DestinationCidrBlock };
      if (to === undefined) ec2('DeleteRoute', route);
      else ec2('ReplaceRoute', { ...route, NetworkInterfaceId: present(scene.machines[to], to).eni });
    }
    return;
  }
  const { eni: NetworkInterfaceId } = resource;
  const filter = { NetworkInterfaceIds: [NetworkInterfaceId] };
  request(
    world.api,
    { ...PLACE, service: 'ec2', action: 'DescribeNetworkInterfaces', input: filter },
    (reply) => {
      if (reply.kind === 'error') return;
      const { NetworkInterfaces: [found] = [] } = reply.output as {
        NetworkInterfaces?: { Attachment?: { AttachmentId: string } }[];
      };
      const AttachmentId = found?.Attachment?.AttachmentId;
      if (AttachmentId !== undefined) ec2('DetachNetworkInterface', { AttachmentId, Force: true });
    },
  );
  if (to === undefined) return;
  const InstanceId = present(scene.machines[to], to).instance;
  after(world, 2 * AGAIN_MS, () =>
    ec2('AttachNetworkInterface', { NetworkInterfaceId, InstanceId, DeviceIndex: 1 }),
  );
}

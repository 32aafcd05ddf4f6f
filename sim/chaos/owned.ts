/** The parts of a group: who has each in the data plane, and which calls write to it. */
import { unreachable } from '../../controller/base/result.ts';
import type { Call, Write } from '../../controller/ec2/call.ts';
import { isRead } from '../../controller/ec2/call.ts';
import type { World } from '../world/state.ts';
import type { OwnedGroup, OwnedPart, Scene } from './scenario.ts';

interface Where {
  readonly world: World;
  readonly scene: Pick<Scene, 'machines' | 'groups' | 'synced'>;
}

/** Those that a group's parts are with; one that is no member by its id. */
export const ownersOf = (where: Where, { parts, members }: OwnedGroup): readonly string[] => [
  ...new Set(parts.map((part) => ownerOf(where, part, members))),
];

function ownerOf(where: Where, part: OwnedPart, members: readonly string[]): string {
  const { world, scene } = where;
  const { machines } = scene;
  const enis = world.records['network-interface'];
  const byEni = (eni: string | undefined): string =>
    eni === undefined ? 'nobody' : (members.find((name) => machines[name]?.eni === eni) ?? eni);
  switch (part.kind) {
    case 'route':
      return byEni(targetOf(world, part.table, part.destination));
    case 'association': {
      const table = [...world.records['route-table'].values()].find(({ subnets }) =>
        subnets.includes(part.subnet),
      );
      const targets = part.destinations.map((one) => byEni(targetOf(world, table?.id ?? '', one)));
      return [...new Set(targets)].join(' and ');
    }
    case 'eni': {
      const instance = enis.get(part.eni)?.attachment?.instance;
      if (instance === undefined) return 'nobody';
      return members.find((name) => machines[name]?.instance === instance) ?? instance;
    }
    case 'address':
      return byEni([...enis.values()].find(({ addresses }) => addresses.includes(part.address))?.id);
    case 'eip': {
      const has = ({ private: own, public: one }: { private: string; public: string }): boolean =>
        one === part.public && own === part.address;
      return byEni([...enis.values()].find(({ publicAddresses }) => publicAddresses.some(has))?.id);
    }
    default:
      return unreachable(part);
  }
}

/** The ENI that a route leads to; another target by its kind. */
function targetOf(world: World, table: string, destination: string): string | undefined {
  const route = world.records['route-table']
    .get(table)
    ?.routes.find((one) => one.destination === destination);
  return route?.target.kind === 'eni' ? route.target.eni : route?.target.kind;
}

/** Whether a route is a group's, or follows BGP. */
export const isOwnedRoute = ({ scene }: Where, table: string, destination: string): boolean =>
  scene.groups.some(({ parts }) => parts.some((part) => isRouteOf(part, table, destination))) ||
  isSynced({ scene }, table, destination);

const isSynced = ({ scene }: Pick<Where, 'scene'>, table: string, destination: string): boolean =>
  scene.synced?.some((one) => one.table === table && one.destination === destination) ?? false;

function isRouteOf(part: OwnedPart, table: string, destination: string): boolean {
  if (part.kind === 'route') return part.table === table && part.destination === destination;
  if (part.kind !== 'association') return false;
  return Object.values(part.tables).includes(table) && part.destinations.includes(destination);
}

/** What a call writes to: groups, or a route that follows BGP; undefined where it only reads. */
export function touched(where: Where, call: Call): readonly (OwnedGroup | 'synced')[] | undefined {
  if (isRead(call.kind)) return undefined;
  const write = call as Write;
  if ('destination' in write && 'table' in write && isSynced(where, write.table, write.destination))
    return ['synced'];
  return where.scene.groups.filter(({ parts }) => parts.some((part) => isWritten(part, write)));
}

function isWritten(part: OwnedPart, call: Write): boolean {
  switch (call.kind) {
    case 'replace-route':
    case 'create-route':
    case 'delete-route':
      return isRouteOf(part, call.table, call.destination);
    case 'replace-route-table-association':
      return (
        part.kind === 'association' &&
        part.subnet === call.place &&
        Object.values(part.tables).includes(call.table)
      );
    case 'assign-private-ip-addresses':
    case 'assign-ipv6-addresses':
    case 'unassign-ipv6-addresses':
      return part.kind === 'address' && part.address === call.address;
    case 'associate-address':
      return part.kind === 'eip' && part.allocation === call.allocation;
    case 'detach-network-interface':
      // An attachment does not name its ENI; whether it was a foreign one shows at the end.
      return part.kind === 'eni';
    case 'attach-network-interface':
      return part.kind === 'eni' && part.eni === call.eni;
    case 'replace-transit-gateway-route':
    case 'create-transit-gateway-route':
    case 'stop-instances':
      // No scene has a transit gateway, or fences.
      return false;
    default:
      return unreachable(call);
  }
}

/** Whether a write prepares a table that nothing uses, rather than moving traffic. */
export function isPreparation(where: Where, call: Call): boolean {
  if (!('destination' in call) || !('table' in call)) return false;
  const isUsed = (where.world.records['route-table'].get(call.table)?.subnets.length ?? 0) > 0;
  return (
    !isUsed &&
    !where.scene.groups.some(({ parts }) =>
      parts.some((part) => part.kind === 'route' && isRouteOf(part, call.table, call.destination)),
    )
  );
}

/** The write that brings a part to an appliance. */
import { unreachable } from '../base/result.ts';
import { type Appliance, sameRealm } from '../config.ts';
import { type RouteEnd, routeEnd, type Write } from '../ec2/call.ts';
import type { Step } from './group.ts';
import { LAST_RESORT, type Thing } from './part.ts';

/**
 * The write, in the place of the part; whether the part exists is what EC2 said last, in a look or in the
 * refusal of `step`.
 */
export const writeOf = (...[thing, exists, step, target]: Parameters<typeof plainWriteOf>): Write => ({
  ...plainWriteOf(thing, exists, step, target),
  ...sameRealm(thing),
});

function plainWriteOf(
  thing: Exclude<Thing, { kind: 'eni' }>,
  exists: boolean,
  step: Step | undefined,
  target: Appliance,
): Write {
  const create = step?.instead === undefined ? !exists : step.instead === 'create';
  switch (thing.kind) {
    case 'route': {
      const { table, destination } = thing;
      const end = endOf(thing, target);
      // What is local, EC2 has made.
      const makes = create && end.target !== 'local';
      return { kind: makes ? 'create-route' : 'replace-route', table, destination, ...end };
    }
    case 'association': {
      const { place, association = '', tables } = thing;
      return {
        kind: 'replace-route-table-association',
        association,
        place,
        table: tables[target.name] ?? '',
      };
    }
    case 'transit-route': {
      const { table, destination } = thing;
      const kind = create ? 'create-transit-gateway-route' : 'replace-transit-gateway-route';
      const isLast = target.name === LAST_RESORT;
      const attachment = (isLast ? thing.lastResort : target.attachment) ?? '';
      return { kind, table, destination, attachment };
    }
    case 'address':
      return addressWrite(thing, create, target.eni);
    case 'eip': {
      const { allocation, address } = thing;
      const at = address === undefined ? {} : { address };
      return { kind: 'associate-address', allocation, eni: target.eni, ...at };
    }
    default:
      return unreachable(thing);
  }
}

/** Where the route leads for that appliance, or last resort. */
function endOf(
  { lastResort = '' }: Pick<Extract<Thing, { kind: 'route' | 'transit-route' }>, 'lastResort'>,
  target: Appliance,
): RouteEnd {
  return target.name === LAST_RESORT ? routeEnd(lastResort) : { eni: target.eni };
}

/** `free`: no ENI has the address, by what was said last. */
function addressWrite(
  { address, holder }: Extract<Thing, { kind: 'address' }>,
  free: boolean,
  eni: string,
): Write {
  if (!address.includes(':')) return { kind: 'assign-private-ip-addresses', eni, address };
  if (free || holder === undefined || holder === eni) return { kind: 'assign-ipv6-addresses', eni, address };
  return { kind: 'unassign-ipv6-addresses', eni: holder, address };
}

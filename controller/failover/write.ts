/** The write that brings a part to an appliance. */
import { unreachable } from '../base/result.ts';
import type { Appliance } from '../config.ts';
import type { Write } from '../ec2/call.ts';
import type { Step } from './group.ts';
import type { Thing } from './part.ts';

/** The write; whether the part exists is what EC2 said last, in a look or in the refusal of `step`. */
export function writeOf(
  thing: Exclude<Thing, { kind: 'eni' }>,
  exists: boolean,
  step: Step | undefined,
  target: Appliance,
): Write {
  const create = step?.instead === undefined ? !exists : step.instead === 'create';
  switch (thing.kind) {
    case 'route': {
      const { table, destination } = thing;
      return { kind: create ? 'create-route' : 'replace-route', table, destination, eni: target.eni };
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
      return { kind, table, destination, attachment: target.attachment ?? '' };
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

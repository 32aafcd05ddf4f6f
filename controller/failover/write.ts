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
    default:
      return unreachable(thing);
  }
}

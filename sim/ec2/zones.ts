/** Regions and availability zones: every region that is asked for exists, with the zones of the settings. */
import type { Tx } from './handler.ts';
import { refuse } from './refusal.ts';

export interface Zone {
  /** `eu-central-1a` */
  readonly name: string;
  /** `euc1-az1` */
  readonly id: string;
}

const directions: Readonly<Record<string, string>> = {
  north: 'n',
  south: 's',
  east: 'e',
  west: 'w',
  central: 'c',
  northeast: 'ne',
  northwest: 'nw',
  southeast: 'se',
  southwest: 'sw',
};

/** The zones of the request's region. */
export function zonesOf(tx: Tx): Zone[] {
  const [area = '', direction = '', number = ''] = tx.region.split('-');
  const short = `${area}${directions[direction] ?? direction.slice(0, 1)}${number}`;
  return tx.settings.zones.map((letter, index) => ({
    name: tx.region + letter,
    id: `${short}-az${index + 1}`,
  }));
}

/** The zone of a name, or of an id. */
export function zoneNamed(tx: Tx, text: string): Zone {
  const zone = zonesOf(tx).find((each) => each.name === text || each.id === text);
  if (zone) return zone;
  const names = zonesOf(tx).map((each) => each.name);
  const only = 'Subnets can currently only be created in the following availability zones';
  return refuse(
    'InvalidParameterValue',
    `Value (${text}) for parameter availabilityZone is invalid. ${only}: ${names.join(', ')}.`,
  );
}

/** The table of knobs in docs/simulator.md, against the settings in the code: each with its default. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cloudSettings } from '../../sim/ec2/settings.ts';
import { DEFAULT_SETTINGS } from '../../sim/vpc/settings.ts';
import { AWS, settingsOf } from '../../sim/world/settings.ts';

type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value };

function shown(value: Value): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(shown).join(', ');
  return Object.entries(value)
    .map(([name, each]) => `${name} ${shown(each)}`)
    .join(', ');
}

/** Settings below a name; groups of settings by their members, as far as `groups` names them. */
function* settingsIn(prefix: string, values: object, groups: readonly string[]): Generator<[string, string]> {
  for (const [name, value] of Object.entries(values)) {
    if (groups.includes(name)) yield* settingsIn(`${prefix}.${name}`, value, []);
    else yield [`${prefix}.${name}`, shown(value)];
  }
}

/** Of the cloud what a world's knobs do not set, and what is no behaviour. */
const NO_KNOBS = [
  'seed',
  'run',
  'epochMs',
  'zones',
  'defaultVpc',
  'publicPool',
  'quotas',
  ...Object.keys(AWS),
];

it('docs/simulator.md has every knob, with its default, a meaning and a source', () => {
  const text = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+\.[\w.]+)` \| (.*?) \| (.+?) \| (.+?) \|$/gm)];
  const cloud = Object.entries(cloudSettings({})).filter(([name]) => !NO_KNOBS.includes(name));
  const settings = new Map([
    ...settingsIn('vpc', DEFAULT_SETTINGS, ['tracking', 'natGateway', 'masquerade', 'mtu']),
    ...settingsIn('knobs', AWS, []),
    ...settingsIn('links', settingsOf({}).links, []),
    ...settingsIn('cloud', Object.fromEntries(cloud), []),
  ]);
  expect(Object.fromEntries(rows.map(([, name = '', value = '']) => [name, value]))).toEqual(
    Object.fromEntries(settings),
  );
});

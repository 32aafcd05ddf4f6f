/** The configuration of leases: defaults, what a group has of its own, and how mistakes are told. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../controller/base/result.ts';
import { type Config, formatConfigError, parseConfig } from '../../../controller/config.ts';

const file = (lease: string, group = ''): string => `version: 1
node: w
aws: { region: eu-central-1 }
${lease}
appliances:
  - { name: a, address: 10.0.0.10, eni: eni-00000001, probes: [{ kind: icmp }] }
  - { name: b, address: 10.0.0.11, eni: eni-00000002, probes: [{ kind: icmp }] }
groups:
  - name: g
    members: [a, b]
    routes: [{ table: rtb-00000001, destinations: [0.0.0.0/0] }]
    ${group}
`;
const read = (lease: string, group = ''): Config => must(parseConfig(file(lease, group), 'byoa.yaml'));
const errorsOf = (lease: string, group = ''): string => {
  const parsed = parseConfig(file(lease, group), 'byoa.yaml');
  return parsed.ok ? '' : parsed.error.map(formatConfigError).join('\n');
};
const STORE = 'lease: { kind: dynamodb, table: leases }';

describe('lease', () => {
  it('is none by default', () => {
    for (const config of [read(''), read('lease: none'), read(STORE, 'lease: none')]) {
      expect(config.leaseStore).toBeUndefined();
      expect(config.groups[0]?.lease).toBeUndefined();
    }
  });

  it('has a term of 4 s, freezes when it is lost, and is in the region of aws', () => {
    const { leaseStore, groups } = read(STORE);
    expect(leaseStore).toEqual({ kind: 'dynamodb', table: 'leases', region: 'eu-central-1' });
    expect(groups[0]?.lease).toEqual({ termMs: 4000, lost: 'freeze' });
  });

  it('takes what is said for all, and of a group what it says itself', () => {
    const all = 'lease: { kind: dynamodb, table: leases, region: eu-west-1, term: 6s, lost: precedence }';
    expect(read(all).leaseStore?.region).toBe('eu-west-1');
    expect(read(all).groups[0]?.lease).toEqual({ termMs: 6000, lost: 'precedence' });
    expect(read(all, 'lease: { lost: freeze }').groups[0]?.lease).toEqual({ termMs: 6000, lost: 'freeze' });
  });

  it.each([
    ['a kind that does not exist', 'lease: { kind: etcd, table: leases }', '', 'lease'],
    ['no table', 'lease: { kind: dynamodb }', '', 'lease'],
    ['a term out of range', 'lease: { kind: dynamodb, table: leases, term: 100ms }', '', '1s and 1m'],
    ['a group with a lease and no store', '', 'lease: { term: 4s }', 'there is no store for it'],
  ])('%s: told with its line', (_what, lease, group, why) => {
    expect(errorsOf(lease, group)).toMatch(/byoa\.yaml:\d+/);
    expect(errorsOf(lease, group)).toContain(why);
  });
});

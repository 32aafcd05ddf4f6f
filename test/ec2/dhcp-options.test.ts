import type { DescribeDhcpOptionsResult, DescribeVpcsResult, DhcpOptions } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { name, refusal, type Site, site } from './site.ts';

const ALL = [
  { Key: 'domain-name', Values: ['example.com'] },
  { Key: 'domain-name-servers', Values: ['10.0.0.2', 'AmazonProvidedDNS', '2001:db8::53'] },
  { Key: 'ntp-servers', Values: ['169.254.169.123', 'fd00:ec2::123'] },
  { Key: 'netbios-name-servers', Values: ['10.0.0.3'] },
  { Key: 'netbios-node-type', Values: ['2'] },
  { Key: 'ipv6-address-preferred-lease-time', Values: ['140'] },
];

const create = (at: Site, DhcpConfigurations: readonly object[] = ALL): string =>
  name(
    at.call<{ DhcpOptions: DhcpOptions }>('CreateDhcpOptions', { DhcpConfigurations }).DhcpOptions
      .DhcpOptionsId,
  );

const optionsOf = (at: Site): string | undefined =>
  at.call<DescribeVpcsResult>('DescribeVpcs').Vpcs?.[0]?.DhcpOptionsId;

const found = (at: Site, Name: string, value: string): readonly (string | undefined)[] => {
  const input = { Filters: [{ Name, Values: [value] }] };
  const { DhcpOptions: sets } = at.call<DescribeDhcpOptionsResult>('DescribeDhcpOptions', input);
  return sets?.map((each) => each.DhcpOptionsId) ?? [];
};

describe('a set of DHCP options', () => {
  it('is shown with all that it was made of, and found by keys and values', () => {
    const at = site();
    const id = create(at);
    const { DhcpOptions: sets } = at.call<DescribeDhcpOptionsResult>('DescribeDhcpOptions', {
      DhcpOptionsIds: [id],
    });
    const shown = sets?.[0]?.DhcpConfigurations?.map(({ Key, Values }) => ({
      Key,
      Values: Values?.map((each) => each.Value),
    }));
    expect(shown).toEqual(ALL);
    expect(found(at, 'key', 'ntp-servers')).toEqual([id]);
    expect(found(at, 'value', '10.0.0.3')).toEqual([id]);
    expect(found(at, 'key', 'domain-name')).toHaveLength(2);
  });

  it('belongs to the VPCs that it is associated with until another, or none, takes its place', () => {
    const at = site();
    const first = optionsOf(at);
    const id = create(at);
    at.call('AssociateDhcpOptions', { DhcpOptionsId: id, VpcId: at.vpc });
    expect(optionsOf(at)).toBe(id);
    expect(at.code('DeleteDhcpOptions', { DhcpOptionsId: id })).toBe('DependencyViolation');
    at.call('AssociateDhcpOptions', { DhcpOptionsId: 'default', VpcId: at.vpc });
    expect([optionsOf(at), first]).toEqual(['default', expect.stringMatching(/^dopt-/)]);
    at.call('DeleteDhcpOptions', { DhcpOptionsId: id });
    expect(at.code('AssociateDhcpOptions', { DhcpOptionsId: id, VpcId: at.vpc })).toBe(
      'InvalidDhcpOptionID.NotFound',
    );
  });

  it.each<[string, readonly string[] | undefined, RegExp]>([
    ['colour', ['red'], /^InvalidParameterValue: .*colour/],
    ['domain-name', [], /^MissingParameter: .*domain-name/],
    ['domain-name', ['a.example', 'b.example'], /^InvalidParameterValue: .*At most 1/],
    ['domain-name-servers', ['dns.example'], /^InvalidParameterValue: .*dns\.example/],
    ['ntp-servers', ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'], /At most 4/],
    ['ntp-servers', ['AmazonProvidedDNS'], /^InvalidParameterValue/],
    ['netbios-name-servers', ['2001:db8::1'], /^InvalidParameterValue/],
    ['netbios-node-type', ['3'], /^InvalidParameterValue: .*1, 2, 4 or 8/],
    ['ipv6-address-preferred-lease-time', ['139'], /^InvalidParameterValue: .*140/],
    ['ipv6-address-preferred-lease-time', ['2147483648'], /^InvalidParameterValue/],
  ])('with %s %j is refused', (Key, Values, words) => {
    const at = site();
    const input = { DhcpConfigurations: [{ Key, ...(Values && { Values }) }] };
    expect(refusal(at, 'CreateDhcpOptions', input)).toMatch(words);
  });

  it('without any, or with one twice, is refused', () => {
    const at = site();
    expect(refusal(at, 'CreateDhcpOptions', { DhcpConfigurations: [] })).toMatch(/^MissingParameter/);
    const twice = { Key: 'netbios-node-type', Values: ['2'] };
    const input = { DhcpConfigurations: [twice, twice] };
    expect(refusal(at, 'CreateDhcpOptions', input)).toMatch(/^InvalidParameterValue: .*given twice/);
  });
});

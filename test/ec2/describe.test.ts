import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calls } from './calls.ts';
import { refusal, site } from './site.ts';

type Gateways = {
  readonly InternetGateways: { readonly InternetGatewayId: string }[];
  readonly NextToken?: string;
};

/** A cloud with gateways that carry the tag Name. */
function tagged(names: readonly string[]): ReturnType<typeof calls> {
  const at = calls({ quotas: { internetGateways: 1000 } });
  for (const Value of names) {
    const TagSpecifications = [{ ResourceType: 'internet-gateway', Tags: [{ Key: 'Name', Value }] }];
    at.call('CreateInternetGateway', { TagSpecifications });
  }
  return at;
}

const matching = (names: readonly string[], Values: string[], Name = 'tag:Name'): number =>
  tagged(names).call<Gateways>('DescribeInternetGateways', { Filters: [{ Name, Values }] }).InternetGateways
    .length;

describe('filters', () => {
  it.each([
    [['web'], 1],
    [['w*'], 2],
    [['w?b'], 1],
    [['*'], 4],
    [['web', 'db'], 2],
    [['W*'], 0],
    [['a\\*b'], 1],
    [['a*b'], 1],
    [['**b'], 3],
    [['?'], 0],
  ])('match %j', (values, expected) => {
    expect(matching(['web', 'worker', 'db', 'a*b'], values)).toBe(expected);
  });

  it('match like the obvious regular expression, and cost little when hostile', () => {
    const regular = new Map([
      ['*', '.*'],
      ['?', '.'],
      ['.', '\\.'],
    ]);
    const piece = fc.constantFrom('*', '?', 'a', 'b', '.');
    const words = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), words, (pieces, word) => {
        const source = pieces.map((each) => regular.get(each) ?? each).join('');
        const expected = new RegExp(`^${source}$`).test(word) ? 1 : 0;
        expect(matching([word], [pieces.join('')])).toBe(expected);
      }),
    );
    expect(matching(['a'.repeat(250)], [`${'*a'.repeat(100)}b`])).toBe(0);
  });

  it('combine: all of them, each by any of its values; tag-key and tag-value too', () => {
    const at = tagged(['web', 'db']);
    const found = (...Filters: object[]): number =>
      at.call<Gateways>('DescribeInternetGateways', { Filters }).InternetGateways.length;
    const name = { Name: 'tag:Name', Values: ['web'] };
    expect(found(name, { Name: 'owner-id', Values: ['111122223333'] })).toBe(1);
    expect(found(name, { Name: 'owner-id', Values: ['0'] })).toBe(0);
    expect(found({ Name: 'tag-key', Values: ['Name'] })).toBe(2);
    expect(found({ Name: 'tag-value', Values: ['d*'] })).toBe(1);
    expect(found({ Name: 'tag:constructor', Values: ['*'] })).toBe(0);
  });

  it('that are unknown, empty or too many are refused', () => {
    const at = site();
    const by = (Name: string, Values?: string[]): string =>
      refusal(at, 'DescribeVpcs', { Filters: [{ Name, ...(Values && { Values }) }] });
    expect(by('colour', ['red'])).toBe("InvalidParameterValue: The filter 'colour' is invalid");
    expect(by('constructor', ['red'])).toMatch(/^InvalidParameterValue/);
    expect(by('vpc-id')).toMatch(/^InvalidParameterValue/);
    expect(by('vpc-id', Array(201).fill('x'))).toMatch(/^FilterLimitExceeded/);
  });

  it('by an indexed id give what a scan gives', () => {
    const at = site();
    for (const subnet of [0, 0, 1] as const) at.eni(at.subnets[subnet]);
    const found = (value: string): number =>
      at.call<{ NetworkInterfaces: unknown[] }>('DescribeNetworkInterfaces', {
        Filters: [{ Name: 'subnet-id', Values: [value] }],
      }).NetworkInterfaces.length;
    expect([found(at.subnets[0]), found(`${at.subnets[0]}*`), found(at.vpc)]).toEqual([2, 2, 0]);
  });
});

describe('pages', () => {
  it('of any size show each resource once, in order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 5, max: 50 }), (count, MaxResults) => {
        const at = tagged(Array(count).fill('x'));
        const all = at.call<Gateways>('DescribeInternetGateways').InternetGateways;
        const paged: Gateways['InternetGateways'] = [];
        let token: string | undefined;
        do {
          const input = { MaxResults, ...(token !== undefined && { NextToken: token }) };
          const page = at.call<Gateways>('DescribeInternetGateways', input);
          expect(page.InternetGateways.length).toBeLessThanOrEqual(MaxResults);
          paged.push(...page.InternetGateways);
          token = page.NextToken;
        } while (token !== undefined);
        expect(paged).toEqual(all);
      }),
      { numRuns: 30 },
    );
  });

  it('neither skip nor repeat what stays, whatever is made and deleted between them', () => {
    const change = fc.record({ make: fc.nat({ max: 3 }), remove: fc.array(fc.nat(), { maxLength: 6 }) });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 25 }), fc.array(change, { maxLength: 8 }), (count, changes) => {
        const at = tagged(Array(count).fill('x'));
        const all = (): string[] =>
          at
            .call<Gateways>('DescribeInternetGateways')
            .InternetGateways.map((each) => each.InternetGatewayId);
        const stayed = new Set(all());
        const seen: string[] = [];
        let token: string | undefined;
        for (let page = 0; page === 0 || token !== undefined; page++) {
          const input = { MaxResults: 5, ...(token !== undefined && { NextToken: token }) };
          const found = at.call<Gateways>('DescribeInternetGateways', input);
          seen.push(...found.InternetGateways.map((each) => each.InternetGatewayId));
          token = found.NextToken;
          const { make = 0, remove = [] } = changes[page] ?? {};
          for (let made = 0; made < make; made++) at.call('CreateInternetGateway');
          for (const index of remove) {
            const ids = all();
            const id = ids[index % Math.max(1, ids.length)];
            if (id === undefined) continue;
            at.call('DeleteInternetGateway', { InternetGatewayId: id });
            stayed.delete(id);
          }
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect([...stayed].filter((id) => !seen.includes(id))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['DescribeRouteTables', {}, 5, 100],
    ['DescribeLaunchTemplates', {}, 1, 200],
    ['DescribeEgressOnlyInternetGateways', {}, 5, 255],
    ['DescribeSubnets', {}, 5, 1000],
  ] as const)('of %s have the sizes that EC2 allows', (action, input, least, most) => {
    const at = calls();
    for (const MaxResults of [least, most]) at.call(action, { ...input, MaxResults });
    for (const MaxResults of [least - 1, most + 1, -1, 1.5e9]) {
      expect(at.code(action, { ...input, MaxResults })).toBe('InvalidParameterValue');
    }
  });

  it('have sizes of 5 to 1000, tokens of ours, and no ids', () => {
    const at = site();
    expect(refusal(at, 'DescribeVpcs', { MaxResults: 4 })).toMatch(/^InvalidParameterValue: .*greater than/);
    expect(refusal(at, 'DescribeVpcs', { MaxResults: 1001 })).toMatch(/^InvalidParameterValue: .*less than/);
    for (const NextToken of [
      '',
      '???',
      btoa('page--1'),
      btoa('after []'),
      btoa('after [null]'),
      btoa('after %'),
    ]) {
      expect(refusal(at, 'DescribeVpcs', { NextToken })).toMatch(/^InvalidNextToken/);
    }
    expect(refusal(at, 'DescribeVpcs', { VpcIds: [at.vpc], MaxResults: 5 })).toMatch(
      /^InvalidParameterCombination/,
    );
  });

  it('list resources in the order in which they were made, also after an undone deletion', () => {
    const at = tagged(['a', 'b', 'c']);
    const ids = (): string[] =>
      at.call<Gateways>('DescribeInternetGateways').InternetGateways.map((each) => each.InternetGatewayId);
    const before = ids();
    expect(at.code('DeleteInternetGateway', { InternetGatewayId: before[0], DryRun: true })).toBe(
      'DryRunOperation',
    );
    expect(ids()).toEqual(before);
  });
});

describe('ids', () => {
  it.each([
    ['DescribeVpcs', 'VpcIds', 'vpc', 'InvalidVpcID.NotFound', 'InvalidVpcID.Malformed'],
    ['DescribeSubnets', 'SubnetIds', 'subnet', 'InvalidSubnetID.NotFound', 'InvalidSubnetID.Malformed'],
    [
      'DescribeRouteTables',
      'RouteTableIds',
      'rtb',
      'InvalidRouteTableID.NotFound',
      'InvalidRouteTableId.Malformed',
    ],
    [
      ...['DescribeNetworkInterfaces', 'NetworkInterfaceIds', 'eni'],
      ...['InvalidNetworkInterfaceID.NotFound', 'InvalidNetworkInterfaceId.Malformed'],
    ],
    [
      ...['DescribeInternetGateways', 'InternetGatewayIds', 'igw'],
      ...['InvalidInternetGatewayID.NotFound', 'InvalidInternetGatewayId.Malformed'],
    ],
    [
      'DescribeNetworkAcls',
      'NetworkAclIds',
      'acl',
      'InvalidNetworkAclID.NotFound',
      'InvalidNetworkAclId.Malformed',
    ],
  ] as [string, string, string, string, string][])('of %s', (action, list, prefix, notFound, malformed) => {
    const at = calls();
    expect(at.code(action, { [list]: [`${prefix}-0123456789abcdef0`] })).toBe(notFound);
    expect(at.code(action, { [list]: [`${prefix}-12345678`] })).toBe(notFound);
    for (const id of [`${prefix}-1`, `${prefix}-0123456789ABCDEF0`, 'x', '']) {
      expect(at.code(action, { [list]: [id] })).toBe(malformed);
    }
  });
});

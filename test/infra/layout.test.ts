/** The arithmetic of zones and subnets, as properties over all VPC blocks and choices of zones. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, formatPrefix, overlaps, prefix } from '../../controller/base/ip.ts';
import { halves, hostAddress, ipv6Block, layout, observerBlock, zoneLayout } from '../../infra/layout.ts';

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const ZONES = LETTERS.map((letter) => `eu-central-1${letter}`);

/** Any block that a VPC of ours can have. */
const vpcBlock = fc
  .record({ length: fc.integer({ min: 16, max: 24 }), bits: fc.nat({ max: 0xffff_ffff }) })
  .map(({ length, bits }) => {
    const base = Math.floor(bits / 2 ** (32 - length)) * 2 ** (32 - length);
    return `${[24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join('.')}/${length}`;
  });
const zones = fc.shuffledSubarray(ZONES, { minLength: 1 });

describe('layout', () => {
  it('gives every subnet a block of its own inside the VPC, /28 or larger', () => {
    fc.assert(
      fc.property(vpcBlock, zones, (cidr, names) => {
        const blocks = layout(cidr, names)
          .flatMap((zone) => Object.values(zone.blocks))
          .map(prefix);
        for (const [index, block] of blocks.entries()) {
          expect(covers(prefix(cidr), block)).toBe(true);
          expect(block.length).toBeLessThanOrEqual(28);
          for (const other of blocks.slice(index + 1)) expect(overlaps(block, other)).toBe(false);
        }
      }),
    );
  });

  it('never moves a subnet when zones are added, removed or given in another order', () => {
    fc.assert(
      fc.property(vpcBlock, zones, zones, (cidr, some, others) => {
        const one = new Map(layout(cidr, some).map((zone) => [zone.zone, zone]));
        for (const zone of layout(cidr, others))
          if (one.has(zone.zone)) expect(zone).toEqual(one.get(zone.zone));
      }),
    );
  });

  it('is what the documentation shows for 10.0.0.0/16', () => {
    expect(layout('10.0.0.0/16', ['eu-central-1a', 'eu-central-1b']).map((zone) => zone.blocks)).toEqual([
      { appliance: '10.0.0.0/24', workload: '10.0.16.0/20' },
      { appliance: '10.0.32.0/24', workload: '10.0.48.0/20' },
    ]);
    expect(zoneLayout('192.0.2.0/24', 'us-east-1h').blocks).toEqual({
      appliance: '192.0.2.224/28',
      workload: '192.0.2.240/28',
    });
  });

  it.each([
    ['10.0.0.1/16', /host bits set; did you mean 10.0.0.0\/16/],
    ['10.0.0.0/25', /between \/16 and \/24/],
    ['10.0.0.0/8', /between \/16 and \/24/],
    ['10.0.0/16', /not an IPv4 CIDR block/],
    ['10.0.0.256/16', /not an IPv4 CIDR block/],
    ['2001:db8::/32', /not an IPv4 CIDR block/],
  ])('refuses the block %s', (cidr, why) => {
    expect(() => layout(cidr, ['eu-central-1a'])).toThrow(why);
  });

  it.each([
    [['us-east-1-bos-1a'], /not an availability zone/],
    [['eu-central-1'], /not an availability zone/],
    [['eu-central-1a', 'eu-west-1a'], /not of one region/],
    [['eu-central-1a', 'eu-central-1a'], /name one zone twice/],
  ])('refuses the zones %j', (names, why) => {
    expect(() => layout('10.0.0.0/16', names)).toThrow(why);
  });
});

it('observerBlock is a /28 of the zone that no other subnet has, where there is room', () => {
  const roomy = vpcBlock.filter((cidr) => prefix(cidr).length <= 19);
  fc.assert(
    fc.property(roomy, fc.constantFrom(...ZONES), (cidr, zone) => {
      const block = prefix(observerBlock(cidr, zone));
      expect([block.length, covers(prefix(cidr), block)]).toEqual([28, true]);
      for (const { blocks } of layout(cidr, ZONES))
        for (const other of Object.values(blocks)) expect(overlaps(block, prefix(other))).toBe(false);
    }),
  );
  expect(() => observerBlock('10.0.0.0/20', 'eu-central-1a')).toThrow(/no room .*\/19 or larger/);
});

it('halves are two, and the whole', () => {
  expect(halves('10.0.16.0/20')).toEqual(['10.0.16.0/21', '10.0.24.0/21']);
  expect(halves('128.0.0.0/1')).toEqual(['128.0.0.0/2', '192.0.0.0/2']);
});

it('hostAddress leaves the addresses that EC2 reserves', () => {
  expect(hostAddress('10.0.0.0/24', 0)).toBe('10.0.0.4');
  expect(hostAddress('10.0.0.0/28', 10)).toBe('10.0.0.14');
  expect(() => hostAddress('10.0.0.0/28', 11)).toThrow(/11 addresses for us/);
});

it('ipv6Block gives every subnet of the eight zones a /64 of its own', () => {
  const blocks = ZONES.flatMap((zone) => [
    ipv6Block('2001:db8:1:ff00::/56', zone, 0),
    ipv6Block('2001:db8:1:ff00::/56', zone, 1),
  ]);
  expect(new Set(blocks).size).toBe(16);
  for (const block of blocks) expect(covers(prefix('2001:db8:1:ff00::/56'), prefix(block))).toBe(true);
  expect(ipv6Block('2001:db8:1::/56', 'eu-central-1b', 1)).toBe('2001:db8:1:21::/64');
  // As EC2 answers it, so that a refresh finds no difference.
  for (const wide of ['2001:db8:1::/56', '2001:db8::/56'])
    for (const zone of ZONES) {
      const block = ipv6Block(wide, zone, 0);
      expect(block).toBe(formatPrefix(prefix(block)));
    }
  expect(() => ipv6Block('2001:db8::/32', 'eu-central-1a', 0)).toThrow(/not the IPv6 \/56/);
});

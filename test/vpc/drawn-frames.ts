/** Random packets for the worlds of drawn-world.ts. Not a test itself. */
import fc from 'fast-check';
import { ENIS } from './drawn-routes.ts';
import { macOf, v4, v6 } from './drawn-world.ts';
import type { All, Frame } from './reference.ts';

const addresses4 = [
  '8.8.8.8',
  '192.168.0.9',
  '172.31.0.9',
  '100.64.0.1',
  '169.254.169.254',
  '224.0.0.18',
  '255.255.255.255',
];
const addresses6 = ['2001:db8:ffff::1', 'fe80::5', 'fd00:ec2::254', 'fc00::1', 'ff02::5'];
const inner4 = [0, 1].flatMap((n) => [10, 11, 99].map((host) => v4(n, host)));
const inner6 = [0, 1].flatMap((v) => [0, 1].flatMap((n) => [10, 11].map((host) => v6(v, n, host))));
const publics = ENIS.map((_, i) => `198.51.100.${i}`);

const ends = fc.oneof(
  fc.record({
    source: fc.constantFrom(...inner4, '8.8.8.8', '172.16.0.1'),
    destination: fc.constantFrom(...inner4, ...inner4, ...publics, ...addresses4),
  }),
  fc.record({
    source: fc.constantFrom(...inner6, 'fd00::9'),
    destination: fc.constantFrom(...inner6, ...inner6, ...addresses6),
  }),
);

export const frames = fc.array(
  fc
    .record({
      from: fc.option(fc.nat(7), { freq: 10, nil: undefined }),
      honest: fc.constantFrom(true, true, false),
      to: fc.constantFrom(
        ...Array<string>(16).fill('router'),
        ...ENIS.map((_, i) => macOf(i)),
        'ff:ff:ff:ff:ff:ff',
      ),
      ends,
      protocol: fc.constantFrom(1, 6, 17, 47),
      icmpCode: fc.constantFrom(0, 7),
      destinationPort: fc.constantFrom(7, 22),
      spoofsMac: fc.integer({ min: 0, max: 9 }),
      lengthBytes: fc.constantFrom(64, 64, 64, 1500, 1501, 8501, 9002),
      dontFragment: fc.boolean(),
    })
    .map(
      ({
        from,
        honest,
        to,
        ends: drawn,
        protocol,
        icmpCode,
        destinationPort,
        spoofsMac,
        ...rest
      }): Frame & { honest: boolean } => ({
        from: from === undefined ? undefined : ENIS[from],
        sourceMac: spoofsMac === 0 ? '02:ff:00:00:00:00' : macOf(from ?? 0),
        to,
        ...drawn,
        ...rest,
        ttl: 64,
        protocol,
        destinationPort: protocol === 47 || protocol === 1 ? 0 : destinationPort,
        ...(protocol === 1 && { icmp: { type: 8, code: icmpCode, id: 5 } }),
        honest,
      }),
    ),
  { minLength: 30, maxLength: 30 },
);

/**
 * An honest sender uses an address of its own, where it has one of the family: else few packets pass the
 * check.
 */
export function honestly(all: All, frame: Frame & { readonly honest: boolean }): Frame {
  const from = frame.from === undefined ? undefined : all['network-interface'].get(frame.from);
  const own = from?.addresses.find((text) => text.includes(':') === frame.destination.includes(':'));
  return frame.honest && own !== undefined ? { ...frame, source: own } : frame;
}

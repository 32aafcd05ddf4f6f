/** Random route tables of the worlds of drawn-world.ts. Not a test itself. */
import fc from 'fast-check';
import type { Route } from '../../sim/vpc/model.ts';

export const GATEWAYS = ['igw-1', 'igw-2'];
export const ENIS = Array.from({ length: 8 }, (_, i) => `eni-${i}`);

const destination = fc.constantFrom(
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/16',
  '10.0.1.0/24',
  '10.0.1.10/32',
  'pl-1',
  'pl-2',
  '8.0.0.0/5',
  '8.8.8.0/24',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '2001:db8:1::/48',
  '2001:db8:2::/48',
  '2001:db8:1:1::/64',
  '2001:db8:ffff::/56',
);

const target = fc.oneof(
  fc.constant<Route['target']>({ kind: 'local' }),
  fc.constantFrom(...ENIS, 'eni-absent').map((eni): Route['target'] => ({ kind: 'eni', eni })),
  fc
    .constantFrom(...GATEWAYS, 'igw-absent')
    .map((gateway): Route['target'] => ({ kind: 'internet-gateway', gateway })),
  fc.constantFrom('nat-1', 'nat-2').map((gateway): Route['target'] => ({ kind: 'nat-gateway', gateway })),
  fc.constantFrom('tgw-1').map((gateway): Route['target'] => ({ kind: 'transit-gateway', gateway })),
  fc.constantFrom('vgw-1', 'vgw-2').map((gateway): Route['target'] => ({ kind: 'vpn-gateway', gateway })),
  fc
    .constantFrom('pcx-1', 'pcx-absent')
    .map((connection): Route['target'] => ({ kind: 'vpc-peering-connection', connection })),
);

/** What most route tables hold: the local routes, and a default route of both families to a target. */
export const ordinary = (everywhere: Route['target']): Route[] => [
  ...['10.0.0.0/16', '2001:db8:1::/48', '2001:db8:2::/48'].map(
    (cidr): Route => ({ destination: cidr, target: { kind: 'local' }, origin: 'CreateRouteTable' }),
  ),
  ...['0.0.0.0/0', '::/0'].map(
    (cidr): Route => ({
      destination: cidr,
      target: everywhere,
      origin: 'CreateRoute',
    }),
  ),
];

export const internet = (gateway: string): Route['target'] => ({ kind: 'internet-gateway', gateway });

/** Internet gateways more often than all others. */
const exits: readonly Route['target'][] = [
  ...[...GATEWAYS, ...GATEWAYS, ...GATEWAYS, ...GATEWAYS].map(internet),
  { kind: 'transit-gateway', gateway: 'tgw-1' },
  { kind: 'vpn-gateway', gateway: 'vgw-1' },
  { kind: 'vpn-gateway', gateway: 'vgw-2' },
  { kind: 'nat-gateway', gateway: 'nat-1' },
];

const anyRoutes = fc.uniqueArray(
  fc
    .record({
      destination,
      target,
      origin: fc.constantFrom<Route['origin']>(
        'CreateRoute',
        'CreateRoute',
        'CreateRouteTable',
        'EnableVgwRoutePropagation',
      ),
    })
    .map(
      (route): Route => (route.destination.startsWith('pl-') ? { ...route, origin: 'CreateRoute' } : route),
    ),
  { selector: (route) => `${route.destination} ${route.origin}`, maxLength: 5 },
);

/** Any routes, mostly over the ordinary ones. */
export const routes = fc.tuple(anyRoutes, fc.constantFrom(undefined, ...exits)).map(([drawn, exit]) => {
  const base = exit === undefined ? [] : ordinary(exit);
  return [
    ...base.filter(
      ({ destination: own, origin }) =>
        !drawn.some((each) => each.destination === own && each.origin === origin),
    ),
    ...drawn,
  ];
});

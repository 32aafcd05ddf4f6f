/**
 * Which programs of other people the tests use, what each is for, and the command that installs the package.
 * Looks for them; starts none.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A program, the Debian package that holds it, and what tests use it for. */
export interface Peer {
  readonly program: string;
  readonly package: string;
  readonly use: string;
}

export const PEERS = [
  { program: 'ip', package: 'iproute2', use: 'routes, rules and namespaces of a real kernel' },
  { program: 'ping', package: 'iputils-ping', use: 'a second opinion on ICMP echo' },
  { program: 'nft', package: 'nftables', use: 'the rules that user data loads; packets held in a lab' },
  { program: 'conntrackd', package: 'conntrackd', use: 'connections that two firewalls share, in a lab' },
  { program: 'charon-systemd', package: 'charon-systemd', use: 'IPsec of an appliance, and of its peer' },
  { program: 'swanctl', package: 'strongswan-swanctl', use: 'what IPsec has agreed on' },
  {
    program: 'ipsec/plugins/libstrongswan-kernel-libipsec.so',
    package: 'libcharon-extra-plugins',
    use: 'ESP where the kernel has none',
  },
  { program: 'aws', package: 'awscli', use: 'an EC2 client that is not ours' },
  {
    program: 'bird',
    package: 'bird2',
    use: 'BGP and BFD peer: MD5, GTSM, roles, add-path, BFD authentication',
  },
  { program: 'frr/bgpd', package: 'frr', use: 'BGP and BFD peer: RFC 8538, 9234, 9384' },
  { program: 'gobgpd', package: 'gobgpd', use: 'BGP peer: dynamic neighbors, soft reset, add-path' },
  {
    program: 'exabgp',
    package: 'exabgp',
    use: 'BGP peer that injects raw attributes; decoder of what we send',
  },
  { program: 'bgpctl', package: 'openbgpd', use: 'BGP peer: MD5, GTSM, roles, RFC 9687' },
  { program: 'tshark', package: 'tshark', use: 'decoder of BGP and BFD that is not ours' },
] as const satisfies readonly Peer[];

/** Where Debian puts programs; sbin is not in everybody's PATH. */
const PLACES = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/lib'];

/** The path of a program; undefined where it is not installed. */
export const whereIs = (program: string): string | undefined =>
  PLACES.filter((place) => place !== '')
    .map((place) => join(place, program))
    .find((path) => existsSync(path));

export const absent = (): readonly Peer[] => PEERS.filter(({ program }) => whereIs(program) === undefined);

export const installCommand = (packages: readonly string[]): string =>
  `apt-get install -y --no-install-recommends ${packages.join(' ')}`;

/** Routing daemons that can be our peers. */
export const KINDS = ['bird', 'frr', 'gobgp', 'exabgp', 'openbgpd'] as const;

export type Kind = (typeof KINDS)[number];

const PACKAGE: Readonly<Record<Kind, string>> = {
  bird: 'bird2',
  frr: 'frr',
  gobgp: 'gobgpd',
  exabgp: 'exabgp',
  openbgpd: 'openbgpd',
};

/** Why a peer of this kind cannot be tested here, with what to do; undefined where it can. */
export function whyNot(kind: Kind): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  if (whereIs('ip') === undefined) return `ip not found; ${installCommand(['iproute2'])}`;
  if (whereIs('nft') === undefined) return `nft not found; ${installCommand(['nftables'])}`;
  const found = PEERS.find((peer) => peer.package === PACKAGE[kind]);
  if (found !== undefined && whereIs(found.program) !== undefined) return undefined;
  return `${kind} not found; ${installCommand([PACKAGE[kind]])}`;
}

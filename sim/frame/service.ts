/**
 * The services of the link: instance metadata and the resolver of Amazon (VPC User Guide, "Amazon DNS
 * server": 169.254.169.253, and the base of the VPC's block plus two). They live outside of the VPCs, in
 * one place for all; there an ENI is known by an address that stands for it, since VPCs may have the same
 * addresses.
 */
import type { Header } from '../vpc/header.ts';
import type { Port } from '../vpc/nodes.ts';

export const METADATA = 0xa9fea9fe | 0;
export const RESOLVER = 0xa9fea9fd | 0;

/** RFC 6598: what stands for ENIs towards the services. */
const FIRST_ALIAS = 0x64400000;
const ALIASES = 1 << 22;

/** The resolver's address in a VPC. */
export function resolverOf({ vpc }: Port): number | undefined {
  const cidr = vpc.cidrs.find(({ family }) => family === 4);
  return cidr && (cidr.w3 + 2) | 0;
}

/** Whether an IPv4 address is a service's, as an ENI sees it. */
export const isService = (port: Port, word: number): boolean =>
  word === METADATA || word === RESOLVER || word === resolverOf(port);

interface Asker {
  readonly port: Port;
  /** The address of the ENI, and of the service as it was asked for. */
  readonly own: number;
  readonly asked: number;
}

/** Who has asked, by alias. */
export interface Askers {
  readonly list: Asker[];
  readonly aliases: Map<string, number>;
  /** Told of each new alias, a word of IPv4, before a packet has it. */
  readonly added: (alias: number, port: Port) => void;
}

export const createAskers = (added: Askers['added']): Askers => ({ list: [], aliases: new Map(), added });

/** The packet of an ENI becomes one from its alias to the service's one address; false where none is left. */
export function toServices(askers: Askers, port: Port, h: Header): boolean {
  const key = `${port.id} ${h.s3} ${h.d3}`;
  let alias = askers.aliases.get(key);
  if (alias === undefined) {
    if (askers.list.length >= ALIASES) return false;
    alias = askers.list.push({ port, own: h.s3, asked: h.d3 }) - 1;
    askers.aliases.set(key, alias);
    askers.added(FIRST_ALIAS + alias, port);
  }
  h.s3 = FIRST_ALIAS + alias;
  if (h.d3 !== METADATA) h.d3 = RESOLVER;
  return true;
}

/** The answer to an alias gets its true addresses; undefined where nobody asked. */
export function fromServices(askers: Askers, h: Header): Port | undefined {
  const asker = askers.list[(h.d3 >>> 0) - FIRST_ALIAS];
  if (asker === undefined) return undefined;
  h.s3 = asker.asked;
  h.d3 = asker.own;
  return asker.port;
}

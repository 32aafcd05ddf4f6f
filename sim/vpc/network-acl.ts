/**
 * Network ACLs at a subnet's border: stateless, numbered, the first entry that matches decides, and no match
 * is a denial. Amazon VPC User Guide, "Network ACL rules". They are compiled here and evaluated here; where
 * a packet crosses a border is transit.ts's business.
 */
import { compileCidr, inCidr } from './cidr.ts';
import { type Header, ICMP, ICMP6, TCP, UDP } from './header.ts';
import type { NetworkAcl } from './model.ts';
import type { AclEntryNode, AclNode, SubnetNode } from './nodes.ts';

export const createAcl = (id: string): AclNode => ({
  id,
  record: undefined,
  ingress: [],
  egress: [],
  open: 0,
});

/** Takes a new record into the node. */
export function compileAcl(node: AclNode, record: NetworkAcl | undefined): void {
  const entries = [...(record?.entries ?? [])]
    .sort((a, b) => a.number - b.number)
    .map((entry): AclEntryNode & { readonly egress: boolean } => ({
      number: entry.number,
      egress: entry.egress,
      allow: entry.action === 'allow',
      protocol: entry.protocol,
      fromPort: entry.fromPort,
      toPort: entry.toPort,
      cidr: compileCidr(entry.cidr),
    }));
  node.record = record;
  node.egress = entries.filter((entry) => entry.egress);
  node.ingress = entries.filter((entry) => !entry.egress);
  node.open = 0;
  for (const egress of [true, false]) {
    for (const family of [4, 6] as const) {
      const first = (egress ? node.egress : node.ingress).find((entry) => entry.cidr.family === family);
      if (first?.allow && first.protocol === -1 && first.cidr.length === 0)
        node.open |= openBit(egress, family);
    }
  }
}

const openBit = (egress: boolean, family: 4 | 6): number => (egress ? 1 : 2) << (family === 4 ? 0 : 2);

/** Whether a packet may cross the border of a subnet; outwards is `egress`. */
export function passesAcl(subnet: SubnetNode, h: Header, egress: boolean): boolean {
  const { acl } = subnet;
  if (acl === undefined || (acl.open & openBit(egress, h.family)) !== 0) return true;
  return entryFor(acl, h, egress)?.allow === true;
}

/** The entry that decides about a packet, if one matches. */
export function entryFor(acl: AclNode, h: Header, egress: boolean): AclEntryNode | undefined {
  const entries = egress ? acl.egress : acl.ingress;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if (entry !== undefined && matches(entry, h, egress)) return entry;
  }
  return undefined;
}

function matches(entry: AclEntryNode, h: Header, egress: boolean): boolean {
  const { protocol, fromPort, toPort, cidr } = entry;
  if (cidr.family !== h.family || !inCidr(cidr, h, egress)) return false;
  if (protocol === -1) return true;
  if (protocol !== h.protocol) return false;
  if (protocol === TCP || protocol === UDP) {
    return h.destinationPort >= fromPort && h.destinationPort <= toPort;
  }
  if (protocol !== ICMP && protocol !== ICMP6) return true;
  return (fromPort === -1 || fromPort === h.icmpType) && (toPort === -1 || toPort === h.icmpCode);
}

/** In words which ACL decided, by which entry. */
export function explainAcl(acl: AclNode, h: Header, egress: boolean): string {
  const entry = entryFor(acl, h, egress);
  const way = egress ? 'outbound' : 'inbound';
  if (entry === undefined) return `no ${way} entry matches: dropped`;
  const verdict = entry.allow ? 'allows it' : 'denies it: dropped';
  return `${way} entry ${entry.number} ${verdict}`;
}

/** Security groups as compiled: rules with numeric peers. Evaluation is in security.ts. */
import { compileCidr } from './cidr.ts';
import { TCP, UDP } from './header.ts';
import type { SecurityGroup, SecurityGroupRule } from './model.ts';
import type { GroupNode, RuleNode } from './nodes.ts';

export const createGroup = (id: string): GroupNode => ({
  kind: 'group',
  id,
  record: undefined,
  ingress: [],
  egress: [],
  openIngress: 0,
  openEgress: 0,
});

/** Takes a new record into the node; `groupOf` finds the nodes of the groups that its rules name. */
export function compileGroup(
  node: GroupNode,
  record: SecurityGroup | undefined,
  groupOf: (id: string) => GroupNode,
): void {
  const compile = (rule: SecurityGroupRule): RuleNode => ({
    protocol: rule.protocol,
    fromPort: rule.fromPort,
    toPort: rule.toPort,
    peer: rule.peer.kind === 'cidr' ? compileCidr(rule.peer.cidr) : groupOf(rule.peer.group),
  });
  node.record = record;
  node.ingress = (record?.ingress ?? []).map(compile);
  node.egress = (record?.egress ?? []).map(compile);
  node.openIngress = openBits(node.ingress);
  node.openEgress = openBits(node.egress);
}

/** One bit for each of TCP and UDP over IPv4 and IPv6; 0 for other protocols, which are always tracked. */
export function openBit(protocol: number, family: 4 | 6): number {
  if (protocol === TCP) return family === 4 ? 1 : 2;
  if (protocol === UDP) return family === 4 ? 4 : 8;
  return 0;
}

/** The bits of all protocols and families whose every port the rules open to everywhere. */
function openBits(rules: readonly RuleNode[]): number {
  let bits = 0;
  for (const { peer, protocol, fromPort, toPort } of rules) {
    if (peer.kind !== 'cidr' || peer.length !== 0) continue;
    if (protocol === -1) bits |= openBit(TCP, peer.family) | openBit(UDP, peer.family);
    else if (fromPort <= 0 && toPort >= 65535) bits |= openBit(protocol, peer.family);
  }
  return bits;
}

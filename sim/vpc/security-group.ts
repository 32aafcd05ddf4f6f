/** Security groups as compiled: rules with numeric peers. Evaluation is in security.ts. */
import { unreachable } from '../../controller/base/result.ts';
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

/** What the rules of a group name, by its id. */
export interface Named {
  readonly groupOf: (id: string) => GroupNode;
  /** The CIDR blocks of a prefix list. */
  readonly entriesOf: (list: string) => readonly string[];
}

/** Takes a new record into the node, or the entries that its prefix lists have now. */
export function compileGroup(node: GroupNode, record: SecurityGroup | undefined, named: Named): void {
  const compile = (rule: SecurityGroupRule): readonly RuleNode[] => {
    const { protocol, fromPort, toPort } = rule;
    return peersOf(rule.peer, named).map((peer) => ({ record: rule, protocol, fromPort, toPort, peer }));
  };
  node.record = record;
  node.ingress = (record?.ingress ?? []).flatMap(compile);
  node.egress = (record?.egress ?? []).flatMap(compile);
  node.openIngress = openBits(node.ingress);
  node.openEgress = openBits(node.egress);
}

function peersOf(
  peer: SecurityGroupRule['peer'],
  { groupOf, entriesOf }: Named,
): readonly RuleNode['peer'][] {
  switch (peer.kind) {
    case 'cidr':
      return [compileCidr(peer.cidr)];
    case 'group':
      return [groupOf(peer.group)];
    case 'prefix-list':
      return entriesOf(peer.list).map(compileCidr);
    default:
      return unreachable(peer);
  }
}

/** The prefix lists that the rules of a group name. */
export const listsOf = (group: SecurityGroup | undefined): readonly string[] =>
  [...(group?.ingress ?? []), ...(group?.egress ?? [])].flatMap(({ peer }) =>
    peer.kind === 'prefix-list' ? [peer.list] : [],
  );

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

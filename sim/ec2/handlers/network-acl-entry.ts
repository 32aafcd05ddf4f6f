/** The numbered entries of network ACLs. */
import type {
  CreateNetworkAclEntryRequest,
  DeleteNetworkAclEntryRequest,
  ReplaceNetworkAclEntryRequest,
} from '@aws-sdk/client-ec2';
import { formatPrefix } from '../../../controller/base/ip.ts';
import { cidrParameter } from '../addressing.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { NetworkAclEntry, NetworkAclRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { LAST_RULE } from './network-acl.ts';
import { protocolNumber } from './permission.ts';

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMP6 = 58;

function entryNumber(number: number | undefined): number {
  if (number === undefined) return missing('ruleNumber');
  if (!Number.isInteger(number) || number < 1 || number >= LAST_RULE) {
    const why = `Rule numbers are 1 to ${LAST_RULE - 1}; the entries from ${LAST_RULE} cannot be changed.`;
    invalidValue('ruleNumber', number, why);
  }
  return number;
}

/** Ports of TCP and UDP, type and code of ICMP; nothing of either for other protocols. */
function selectorOf(
  input: CreateNetworkAclEntryRequest,
  protocol: number,
  family: 4 | 6,
): Pick<NetworkAclEntry, 'ports' | 'icmp'> {
  if (protocol === TCP || protocol === UDP) {
    const { From: from, To: to } = input.PortRange ?? missing('portRange');
    if (from === undefined || to === undefined) return missing('portRange.from and portRange.to');
    for (const port of [from, to]) if (port < 0 || port > 65_535) invalidValue('portRange', port);
    if (from > to) refuse('InvalidParameterValue', `Invalid TCP/UDP port range (${from}:${to})`);
    return { ports: { from, to } };
  }
  if (protocol !== ICMP && protocol !== ICMP6) return {};
  if (protocol === ICMP6 && family === 4) {
    refuse('InvalidParameterValue', 'Protocol 58 (ICMPv6) needs an ipv6CidrBlock.');
  }
  const { Type: type = -1, Code: code = -1 } = input.IcmpTypeCode ?? missing('icmpTypeCode');
  for (const value of [type, code]) if (value < -1 || value > 255) invalidValue('icmpTypeCode', value);
  if (type === -1 && code !== -1) {
    refuse('InvalidParameterValue', `ICMP code (${code}) must be -1 (all) when the type is -1 (all)`);
  }
  return { icmp: { type, code } };
}

function entryOf(input: CreateNetworkAclEntryRequest): NetworkAclEntry {
  const { CidrBlock: v4, Ipv6CidrBlock: v6, RuleAction: action, Egress: egress } = input;
  if (v4 !== undefined && v6 !== undefined) {
    const why = 'The request must contain exactly one of cidrBlock and ipv6CidrBlock';
    refuse('InvalidParameterCombination', why);
  }
  const family = v6 === undefined ? 4 : 6;
  const text = v6 ?? v4 ?? missing('cidrBlock');
  const block = cidrParameter(family === 4 ? 'cidrBlock' : 'ipv6CidrBlock', text, family);
  if (action !== 'allow' && action !== 'deny') return invalidValue('ruleAction', action);
  const protocol = protocolNumber(input.Protocol ?? missing('protocol'));
  return {
    number: entryNumber(input.RuleNumber),
    egress: egress ?? missing('egress'),
    protocol,
    action,
    cidr: formatPrefix(block),
    ...selectorOf(input, protocol, family),
  };
}

const indexOf = (acl: NetworkAclRecord, number: number, egress: boolean): number =>
  acl.entries.findIndex((each) => each.number === number && each.egress === egress);

/** Entries stand in order of their numbers, outbound ones first, as EC2 shows them. */
const ordered = (entries: readonly NetworkAclEntry[]): NetworkAclEntry[] =>
  entries.toSorted((a, b) => Number(b.egress) - Number(a.egress) || a.number - b.number);

function createEntry(tx: Tx, input: CreateNetworkAclEntryRequest): undefined {
  const acl = tx.need('network-acl', input.NetworkAclId ?? '');
  const entry = entryOf(input);
  if (indexOf(acl, entry.number, entry.egress) >= 0) {
    const why = `The network acl entry identified by ${entry.number} already exists.`;
    refuse('NetworkAclEntryAlreadyExists', why);
  }
  const sixth = entry.cidr.includes(':');
  const alike = acl.entries.filter(
    ({ number, egress, cidr }) =>
      number < LAST_RULE && egress === entry.egress && cidr.includes(':') === sixth,
  );
  if (alike.length >= tx.settings.quotas.entriesPerNetworkAcl) {
    const why = `The maximum number of entries has been reached (${alike.length}).`;
    refuse('NetworkAclEntryLimitExceeded', why);
  }
  tx.put('network-acl', { ...acl, entries: ordered([...acl.entries, entry]) });
  return undefined;
}

function needEntry(acl: NetworkAclRecord, number: number, egress: boolean): number {
  const index = indexOf(acl, number, egress);
  if (index >= 0) return index;
  const way = egress ? 'egress' : 'ingress';
  const why = `The ${way} entry ${number} does not exist in network ACL ${acl.id}`;
  return refuse('InvalidNetworkAclEntry.NotFound', why);
}

function replaceEntry(tx: Tx, input: ReplaceNetworkAclEntryRequest): undefined {
  const acl = tx.need('network-acl', input.NetworkAclId ?? '');
  const entry = entryOf(input);
  const index = needEntry(acl, entry.number, entry.egress);
  tx.put('network-acl', { ...acl, entries: acl.entries.with(index, entry) });
  return undefined;
}

function deleteEntry(tx: Tx, input: DeleteNetworkAclEntryRequest): undefined {
  const acl = tx.need('network-acl', input.NetworkAclId ?? '');
  const number = entryNumber(input.RuleNumber);
  const index = needEntry(acl, number, input.Egress ?? missing('egress'));
  tx.put('network-acl', { ...acl, entries: acl.entries.toSpliced(index, 1) });
  return undefined;
}

export const networkAclEntryHandlers: Handlers = {
  CreateNetworkAclEntry: handler(createEntry),
  ReplaceNetworkAclEntry: handler(replaceEntry),
  DeleteNetworkAclEntry: handler(deleteEntry),
};

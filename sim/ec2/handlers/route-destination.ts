/** Where a route may lead: destinations of requests, and the rules for those inside the VPC. */
import { covers, formatPrefix, type Prefix, prefix } from '../../../controller/base/ip.ts';
import type { RouteTarget } from '../../vpc/model.ts';
import { cidrParameter } from '../addressing.ts';
import type { Tx } from '../handler.ts';
import type { RouteTableRecord } from '../record/network.ts';
import { missing, refuse } from '../refusal.ts';
import { usedPrefixList } from '../service-lists.ts';

interface DestinationInput {
  readonly DestinationCidrBlock?: string | undefined;
  readonly DestinationIpv6CidrBlock?: string | undefined;
  readonly DestinationPrefixListId?: string | undefined;
}

/** A destination as a request names it; `block` is absent for a prefix list. */
export interface Destination {
  /** As given. */
  readonly text: string;
  /** Canonical: host bits cleared, or the id of the prefix list. */
  readonly name: string;
  readonly block?: Prefix;
}

/** The destination that a request names; refuses none, several, what is no CIDR, and an unknown list. */
export function destinationOf(tx: Tx, input: DestinationInput): Destination {
  const { DestinationCidrBlock: v4, DestinationIpv6CidrBlock: v6, DestinationPrefixListId: list } = input;
  const given = [v4, v6, list].filter((each) => each !== undefined);
  if (given.length > 1) {
    const names = 'destinationCidrBlock, destinationIpv6CidrBlock and destinationPrefixListId';
    refuse('InvalidParameterCombination', `The request must contain exactly one of ${names}`);
  }
  if (list !== undefined) return { text: list, name: usedPrefixList(tx, list).id };
  const text = v4 ?? v6 ?? missing('destinationCidrBlock');
  const parameter = v4 === undefined ? 'destinationIpv6CidrBlock' : 'destinationCidrBlock';
  const block = cidrParameter(parameter, text, v4 === undefined ? 6 : 4);
  return { text, name: formatPrefix(block), block };
}

/** The block of a stored route's destination; none for a prefix list. */
export const blockOf = (name: string): Pick<Destination, 'block'> =>
  name.startsWith('pl-') ? {} : { block: prefix(name) };

/** Link-local and IMDS addresses that AWS keeps for itself. Route tables page, "Considerations". */
const reserved = ['169.254.168.0/22', 'fd00:ec2::/32'].map(prefix);

/** Whether the account's tables have the rules of 2020: nothing inside the VPC but in edge tables. */
const hasRulesOf2020 = (tx: Tx): boolean =>
  tx.settings.rulesOf2020.includes('*') || tx.settings.rulesOf2020.includes(tx.account);

export const isEdgeTable = (table: RouteTableRecord): boolean =>
  table.associations.some((each) => each.gateway !== undefined);

/** Targets that may stand for destinations inside the VPC. */
const mayBeInside = ({ kind }: RouteTarget): boolean =>
  kind === 'eni' || kind === 'nat-gateway' || kind === 'vpc-endpoint';

/** Refuses a static route whose destination is reserved, or breaks the rules for the VPC's own blocks. */
export function checkDestination(
  tx: Tx,
  table: RouteTableRecord,
  destination: Destination,
  target: RouteTarget,
): void {
  const { name, block } = destination;
  if (isEdgeTable(table)) checkEdgeRoute(tx, table, destination, target);
  const family = block?.address.family ?? tx.need('prefix-list', name).family;
  if (target.kind === 'egress-only-gateway' && family === 4) {
    refuse('InvalidParameterValue', `Egress-only internet gateways carry IPv6 only, and ${name} is IPv4.`);
  }
  if (block === undefined) return;
  if (reserved.some((each) => covers(each, block))) {
    refuse('InvalidParameterValue', `The destination CIDR block ${name} lies in a range that AWS reserves.`);
  }
  const vpc = tx.need('vpc', table.vpc);
  if (![...vpc.ipv4, ...vpc.ipv6].some((each) => covers(prefix(each.cidr), block))) return;
  checkInside(tx, table, name, target);
  if (!isWholeSubnet(tx, table, name)) {
    const why = 'It must be the entire CIDR block of a subnet of the VPC.';
    refuse('InvalidParameterValue', `${inside(name)} ${why}`);
  }
}

/** Refuses a target that the account's rules do not allow for a destination inside the VPC. */
export function checkInside(tx: Tx, table: RouteTableRecord, name: string, target: RouteTarget): void {
  if (hasRulesOf2020(tx) && !isEdgeTable(table)) {
    const only = 'This route only supports interface and instance targets.';
    refuse('InvalidParameterValue', `Route target is not supported. ${only}`);
  }
  if (!mayBeInside(target)) {
    refuse(
      'InvalidParameterValue',
      `${inside(name)} This route can target only an interface or an instance.`,
    );
  }
}

/** How EC2 begins its refusals of destinations inside the VPC. */
export const inside = (name: string): string =>
  `The destination CIDR block ${name} is equal to or more specific than one of this VPC's CIDR blocks.`;

const isWholeSubnet = (tx: Tx, table: RouteTableRecord, name: string): boolean =>
  tx.referring('subnet', table.vpc).some((subnet) => subnet.cidr === name || subnet.ipv6?.cidr === name);

/**
 * The rules of an edge table: no prefix lists, only whole subnets, only to ENIs; the VPC's whole blocks have
 * the local routes. Amazon VPC User Guide, "Gateway route tables".
 */
export function checkEdgeRoute(
  tx: Tx,
  table: RouteTableRecord,
  { name, block }: Pick<Destination, 'name' | 'block'>,
  target: RouteTarget,
): void {
  const refuseEdge = (why: string): never =>
    refuse('InvalidParameterValue', `The route ${name} of gateway route table ${table.id} ${why}`);
  if (block === undefined) refuseEdge('has a prefix list as its destination, which is not supported.');
  if (target.kind !== 'eni' && target.kind !== 'vpc-endpoint') {
    refuseEdge('has a target that is neither local nor a network interface nor an endpoint.');
  }
  if (!isWholeSubnet(tx, table, name)) refuseEdge('must be the entire CIDR block of a subnet of the VPC.');
}

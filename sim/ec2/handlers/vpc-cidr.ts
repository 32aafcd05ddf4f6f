/** Further CIDR blocks of a VPC. */
import type {
  AssociateVpcCidrBlockRequest,
  AssociateVpcCidrBlockResult,
  DisassociateVpcCidrBlockRequest,
  DisassociateVpcCidrBlockResult,
} from '@aws-sdk/client-ec2';
import { covers, formatPrefix, overlaps, type Prefix, prefix } from '../../../controller/base/ip.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { giveBack, takeIpv6Block } from '../public-address.ts';
import type { CidrAssociation, VpcRecord } from '../record/network.ts';
import { missing, refuse } from '../refusal.ts';
import { admitIpv6 } from './network-acl.ts';
import { putBlocks, vpcBlock } from './vpc.ts';

const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(prefix);
const alwaysRestricted = prefix('198.19.0.0/16');

/**
 * A second block from another private range, or from 198.19.0.0/16, is refused. "IPv4 CIDR block
 * association".
 */
function checkRestrictions(vpc: VpcRecord, block: Prefix): void {
  const primary = prefix(vpc.ipv4[0]?.cidr ?? '0.0.0.0/0');
  const foreign = privateRanges.some((range) => covers(range, block) && !covers(range, primary));
  if (foreign || overlaps(alwaysRestricted, block)) {
    const use =
      'Use a CIDR from the same private address range as the current VPC CIDR, ' +
      'or use a publicly-routable CIDR.';
    refuse('InvalidVpc.Range', `The CIDR '${formatPrefix(block)}' is restricted. ${use}`);
  }
}

function addIpv4(tx: Tx, vpc: VpcRecord, text: string): AssociateVpcCidrBlockResult {
  const block = vpcBlock(text);
  const clash = vpc.ipv4.find((each) => overlaps(prefix(each.cidr), block));
  if (clash) {
    refuse('CidrConflict', `The CIDR '${text}' conflicts with another CIDR of the VPC: ${clash.cidr}`);
  }
  checkRestrictions(vpc, block);
  const most = tx.settings.quotas.ipv4BlocksPerVpc;
  if (vpc.ipv4.length >= most) {
    refuse(
      'CidrLimitExceeded',
      `This network '${vpc.id}' has met its maximum number of allowed CIDRs: ${most}`,
    );
  }
  const added: CidrAssociation = { association: tx.newId('vpc-cidr-assoc'), cidr: formatPrefix(block) };
  putBlocks(tx, { ...vpc, ipv4: [...vpc.ipv4, added] });
  return { VpcId: vpc.id, CidrBlockAssociation: shownIpv4(added, 'associating') };
}

function addIpv6(tx: Tx, vpc: VpcRecord): AssociateVpcCidrBlockResult {
  const most = tx.settings.quotas.ipv6BlocksPerVpc;
  if (vpc.ipv6.length >= most) {
    refuse(
      'CidrLimitExceeded',
      `This network '${vpc.id}' has met its maximum number of allowed CIDRs: ${most}`,
    );
  }
  const added: CidrAssociation = { association: tx.newId('vpc-cidr-assoc'), cidr: takeIpv6Block(tx, vpc.id) };
  putBlocks(tx, { ...vpc, ipv6: [...vpc.ipv6, added] });
  admitIpv6(tx, vpc.id);
  return { VpcId: vpc.id, Ipv6CidrBlockAssociation: shownIpv6(added, 'associating') };
}

const shownIpv4 = ({ association, cidr }: CidrAssociation, state: 'associating' | 'disassociating') => ({
  AssociationId: association,
  CidrBlock: cidr,
  CidrBlockState: { State: state },
});

const shownIpv6 = ({ association, cidr }: CidrAssociation, state: 'associating' | 'disassociating') => ({
  AssociationId: association,
  Ipv6CidrBlock: cidr,
  Ipv6CidrBlockState: { State: state },
});

function disassociate(tx: Tx, association: string): DisassociateVpcCidrBlockResult {
  const [vpc] = tx.referring('vpc', association);
  if (vpc === undefined) {
    return refuse(
      'InvalidVpcCidrBlockAssociationID.NotFound',
      `The vpc CIDR block association ID '${association}' does not exist`,
    );
  }
  const removed = [...vpc.ipv4, ...vpc.ipv6].find((each) => each.association === association);
  if (removed === undefined || removed === vpc.ipv4[0]) {
    return refuse(
      'OperationNotPermitted',
      `The vpc CIDR block with association ID ${association} may not be disassociated. ` +
        'It is the primary IPv4 CIDR block of the VPC',
    );
  }
  const subnets = tx.referring('subnet', vpc.id).flatMap((each) => [each.cidr, each.ipv6?.cidr ?? each.cidr]);
  if (subnets.some((cidr) => covers(prefix(removed.cidr), prefix(cidr)))) {
    refuse(
      'DependencyViolation',
      `The vpc CIDR block ${removed.cidr} has dependencies and cannot be disassociated.`,
    );
  }
  const kept = (blocks: readonly CidrAssociation[]): CidrAssociation[] =>
    blocks.filter((each) => each !== removed);
  putBlocks(tx, { ...vpc, ipv4: kept(vpc.ipv4), ipv6: kept(vpc.ipv6) });
  if (vpc.ipv4.includes(removed)) {
    return { VpcId: vpc.id, CidrBlockAssociation: shownIpv4(removed, 'disassociating') };
  }
  giveBack(tx, removed.cidr);
  return { VpcId: vpc.id, Ipv6CidrBlockAssociation: shownIpv6(removed, 'disassociating') };
}

export const vpcCidrHandlers: Handlers = {
  AssociateVpcCidrBlock: handler((tx, input: AssociateVpcCidrBlockRequest): AssociateVpcCidrBlockResult => {
    const vpc = tx.need('vpc', input.VpcId ?? '');
    const { CidrBlock: cidr, AmazonProvidedIpv6CidrBlock: ipv6 = false } = input;
    if (cidr !== undefined && ipv6) {
      const why = 'Only one of cidrBlock and amazonProvidedIpv6CidrBlock may be given.';
      refuse('InvalidParameterCombination', why);
    }
    if (ipv6) return addIpv6(tx, vpc);
    return addIpv4(tx, vpc, cidr ?? missing('cidrBlock'));
  }),

  DisassociateVpcCidrBlock: handler(
    (
      tx,
      { AssociationId: association = '' }: DisassociateVpcCidrBlockRequest,
    ): DisassociateVpcCidrBlockResult => disassociate(tx, association),
  ),
};

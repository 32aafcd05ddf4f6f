/**
 * VPC peering connections between VPCs of one account and region: requested, accepted or rejected, deleted. A
 * connection that ended stays visible for a while. Amazon VPC Peering Guide, "Connection lifecycle".
 */
import type {
  AcceptVpcPeeringConnectionRequest,
  AcceptVpcPeeringConnectionResult,
  CreateVpcPeeringConnectionRequest,
  CreateVpcPeeringConnectionResult,
  DeleteVpcPeeringConnectionRequest,
  DeleteVpcPeeringConnectionResult,
  DescribeVpcPeeringConnectionsRequest,
  DescribeVpcPeeringConnectionsResult,
  ModifyVpcPeeringConnectionOptionsRequest,
  ModifyVpcPeeringConnectionOptionsResult,
  PeeringConnectionOptionsRequest,
  RejectVpcPeeringConnectionRequest,
  RejectVpcPeeringConnectionResult,
  VpcPeeringConnection,
  VpcPeeringConnectionVpcInfo,
} from '@aws-sdk/client-ec2';
import { overlaps, prefix } from '../../../controller/base/ip.ts';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import { isId } from '../identifier.ts';
import type { PeeringRecord, PeeringState } from '../record/connectivity.ts';
import type { VpcRecord } from '../record/network.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const KIND = 'vpc-peering-connection';
/** A request that nobody accepts expires after 7 days; an ended connection is shown for 2 hours more. */
const EXPIRES_MS = 7 * 86_400_000;
const VISIBLE_MS = 2 * 3_600_000;

const MESSAGES: Readonly<Record<PeeringState, string>> = {
  'initiating-request': '',
  'pending-acceptance': 'Pending Acceptance',
  provisioning: 'Provisioning',
  active: 'Active',
  rejected: 'Rejected',
  expired: 'Expired',
  failed: 'Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range',
  deleting: 'Deleting',
  deleted: 'Deleted',
};

const ended: readonly PeeringState[] = ['rejected', 'expired', 'failed', 'deleted'];

/** Whether two VPCs have an active connection; then rules may name groups of the other. */
export const arePeered = (tx: Tx, one: string, other: string): boolean =>
  tx
    .referring(KIND, one)
    .some(
      ({ state, requesterVpc, accepterVpc }) =>
        state === 'active' && [requesterVpc, accepterVpc].includes(other),
    );

const cidrOf = (tx: Tx, vpc: string): string | undefined => tx.get('vpc', vpc)?.ipv4[0]?.cidr;

const filters: Filters<PeeringRecord> = {
  'accepter-vpc-info.cidr-block': (peering, tx) => cidrOf(tx, peering.accepterVpc),
  'accepter-vpc-info.owner-id': (peering) => peering.account,
  'accepter-vpc-info.vpc-id': (peering) => peering.accepterVpc,
  'expiration-time': (peering) => peering.expiresAt.toISOString(),
  'requester-vpc-info.cidr-block': (peering, tx) => cidrOf(tx, peering.requesterVpc),
  'requester-vpc-info.owner-id': (peering) => peering.account,
  'requester-vpc-info.vpc-id': (peering) => peering.requesterVpc,
  'status-code': (peering) => peering.state,
  'status-message': (peering) => peering.message,
  'vpc-peering-connection-id': (peering) => peering.id,
};

function side(
  tx: Tx,
  { account, region }: PeeringRecord,
  id: string,
  dns: boolean,
): VpcPeeringConnectionVpcInfo {
  const vpc = tx.get('vpc', id);
  return {
    VpcId: id,
    OwnerId: account,
    Region: region,
    PeeringOptions: {
      AllowDnsResolutionFromRemoteVpc: dns,
      AllowEgressFromLocalClassicLinkToRemoteVpc: false,
      AllowEgressFromLocalVpcToRemoteClassicLink: false,
    },
    ...(vpc && {
      CidrBlock: vpc.ipv4[0]?.cidr,
      CidrBlockSet: vpc.ipv4.map(({ cidr }) => ({ CidrBlock: cidr })),
      Ipv6CidrBlockSet: vpc.ipv6.map(({ cidr }) => ({ Ipv6CidrBlock: cidr })),
    }),
  };
}

const shown = (tx: Tx, peering: PeeringRecord): VpcPeeringConnection => ({
  VpcPeeringConnectionId: peering.id,
  RequesterVpcInfo: side(tx, peering, peering.requesterVpc, peering.requesterDns),
  AccepterVpcInfo: side(tx, peering, peering.accepterVpc, peering.accepterDns),
  Status: { Code: peering.state, Message: peering.message },
  ...(peering.state === 'pending-acceptance' && { ExpirationTime: peering.expiresAt }),
  Tags: shownTags(peering.tags),
});

const to = (tx: Tx, peering: PeeringRecord, state: PeeringState): PeeringRecord => {
  if (ended.includes(state)) tx.after(VISIBLE_MS, { name: 'peering-forgotten', id: peering.id });
  return tx.put(KIND, { ...peering, state, message: MESSAGES[state] });
};

const blocksOf = (vpc: VpcRecord) => [...vpc.ipv4, ...vpc.ipv6].map(({ cidr }) => prefix(cidr));

const overlap = (one: VpcRecord, other: VpcRecord): boolean =>
  blocksOf(one).some((block) => blocksOf(other).some((each) => overlaps(each, block)));

function checkPair(tx: Tx, requester: VpcRecord, accepter: string): void {
  const live = tx.referring(KIND, requester.id);
  const other = live.find((each) => each.requesterVpc === accepter || each.accepterVpc === accepter);
  if (other !== undefined && accepter !== requester.id) {
    const why = `A VPC peering connection between ${requester.id} and ${accepter} already exists: ${other.id}`;
    refuse('VpcPeeringConnectionAlreadyExists', why);
  }
  const { peeringsPerVpc, pendingPeerings } = tx.settings.quotas;
  if (live.length >= peeringsPerVpc) {
    const most = `The maximum number of VPC peering connections of ${requester.id} has been reached`;
    refuse('VpcPeeringConnectionsPerVpcLimitExceeded', `${most} (${live.length}).`);
  }
  const pending = tx.list(KIND).filter((each) => each.state === 'pending-acceptance').length;
  if (pending >= pendingPeerings) {
    const most = 'The maximum number of pending VPC peering connection requests has been reached';
    refuse('PendingVpcPeeringConnectionLimitExceeded', `${most} (${pending}).`);
  }
}

/** A request for a VPC that is not there, or whose blocks overlap, is taken and then shown as failed. */
function create(tx: Tx, input: CreateVpcPeeringConnectionRequest): CreateVpcPeeringConnectionResult {
  const requester = tx.need('vpc', input.VpcId ?? missing('vpcId'));
  const accepter = input.PeerVpcId ?? missing('peerVpcId');
  if (!isId('vpc', accepter)) tx.need('vpc', accepter);
  const { PeerOwnerId: owner = tx.account, PeerRegion: region = tx.region } = input;
  if (owner !== tx.account || region !== tx.region) {
    const why = 'is not simulated: both VPCs must be of one account and region.';
    refuse('UnsupportedOperation', `Peering with account ${owner} in ${region} ${why}`);
  }
  const tags = specifiedTags(tx, input.TagSpecifications, KIND);
  checkPair(tx, requester, accepter);
  const peering = tx.put(KIND, {
    id: tx.newId('pcx'),
    tags,
    account: tx.account,
    region: tx.region,
    requesterVpc: requester.id,
    accepterVpc: accepter,
    state: 'initiating-request',
    message: `Initiating Request to ${tx.account}`,
    expiresAt: new Date(tx.date().getTime() + EXPIRES_MS),
    requesterDns: false,
    accepterDns: false,
  });
  tx.after(0, { name: 'peering-requested', id: peering.id });
  return { VpcPeeringConnection: shown(tx, peering) };
}

function move(tx: Tx, id: string, from: readonly PeeringState[], state: PeeringState): PeeringRecord {
  const peering = tx.need(KIND, id);
  if (!from.includes(peering.state)) {
    const why = `attempted to transition from ${peering.state} to ${state}`;
    refuse('InvalidStateTransition', `Invalid state transition for ${id}, ${why}`);
  }
  return to(tx, peering, state);
}

function accept(tx: Tx, id: string): AcceptVpcPeeringConnectionResult {
  const peering = move(tx, id, ['pending-acceptance'], 'provisioning');
  tx.after(0, { name: 'peering-provisioned', id });
  return { VpcPeeringConnection: shown(tx, peering) };
}

function modifyOptions(
  tx: Tx,
  input: ModifyVpcPeeringConnectionOptionsRequest,
): ModifyVpcPeeringConnectionOptionsResult {
  const { RequesterPeeringConnectionOptions: requester, AccepterPeeringConnectionOptions: accepter } = input;
  const peering = tx.need(KIND, input.VpcPeeringConnectionId ?? missing('vpcPeeringConnectionId'));
  if (peering.state !== 'active') {
    const why = 'is not active. Peering options can be added only to active peerings.';
    refuse('OperationNotPermitted', `Peering ${peering.id} ${why}`);
  }
  if (requester === undefined && accepter === undefined) {
    missing('requesterPeeringConnectionOptions or accepterPeeringConnectionOptions');
  }
  const dns = (asked: PeeringConnectionOptionsRequest | undefined, old: boolean): boolean =>
    asked?.AllowDnsResolutionFromRemoteVpc ?? old;
  const changed = tx.put(KIND, {
    ...peering,
    requesterDns: dns(requester, peering.requesterDns),
    accepterDns: dns(accepter, peering.accepterDns),
  });
  const options = (asked: object | undefined, allowed: boolean) =>
    asked && { AllowDnsResolutionFromRemoteVpc: allowed };
  return {
    RequesterPeeringConnectionOptions: options(requester, changed.requesterDns),
    AccepterPeeringConnectionOptions: options(accepter, changed.accepterDns),
  };
}

export const vpcPeeringHandlers: Handlers = {
  CreateVpcPeeringConnection: handler(create),

  DescribeVpcPeeringConnections: handler(
    (tx, input: DescribeVpcPeeringConnectionsRequest): DescribeVpcPeeringConnectionsResult => {
      const page = describe(tx, { kind: KIND, ids: input.VpcPeeringConnectionIds, input, filters });
      return { VpcPeeringConnections: page.records.map((each) => shown(tx, each)), ...page.next };
    },
  ),

  AcceptVpcPeeringConnection: handler(
    (tx, { VpcPeeringConnectionId: id }: AcceptVpcPeeringConnectionRequest) =>
      accept(tx, id ?? missing('vpcPeeringConnectionId')),
  ),

  RejectVpcPeeringConnection: handler(
    (tx, { VpcPeeringConnectionId: id = '' }: RejectVpcPeeringConnectionRequest) => {
      move(tx, id, ['pending-acceptance'], 'rejected');
      return { Return: true } satisfies RejectVpcPeeringConnectionResult;
    },
  ),

  DeleteVpcPeeringConnection: handler(
    (tx, { VpcPeeringConnectionId: id = '' }: DeleteVpcPeeringConnectionRequest) => {
      move(tx, id, ['active', 'pending-acceptance'], 'deleting');
      tx.after(0, { name: 'peering-deleted', id });
      return { Return: true } satisfies DeleteVpcPeeringConnectionResult;
    },
  ),

  ModifyVpcPeeringConnectionOptions: handler(modifyOptions),
};

/** A step that applies only while the connection is in the state that it was planned for. */
const step =
  (from: PeeringState, next: (tx: Tx, peering: PeeringRecord) => void) =>
  (tx: Tx, id: string): void => {
    const peering = tx.get(KIND, id);
    if (peering?.state === from) next(tx, peering);
  };

export const peeringTransitions: Transitions = {
  'peering-requested': step('initiating-request', (tx, peering) => {
    const [requester, accepter] = [tx.get('vpc', peering.requesterVpc), tx.get('vpc', peering.accepterVpc)];
    const sound = requester !== undefined && accepter !== undefined && !overlap(requester, accepter);
    to(tx, peering, sound ? 'pending-acceptance' : 'failed');
    if (sound) tx.after(EXPIRES_MS, { name: 'peering-expired', id: peering.id });
  }),
  'peering-provisioned': step('provisioning', (tx, peering) => to(tx, peering, 'active')),
  'peering-expired': step('pending-acceptance', (tx, peering) => to(tx, peering, 'expired')),
  'peering-deleted': step('deleting', (tx, peering) => to(tx, peering, 'deleted')),
  'peering-forgotten': (tx, id) => tx.remove(KIND, id),
};

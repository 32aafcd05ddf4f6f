/**
 * NAT gateways. Each has an ENI of its own that nobody else may touch, and a public one an Elastic IP. A
 * deleted one stays visible for a while.
 */
import type {
  CreateNatGatewayRequest,
  CreateNatGatewayResult,
  DeleteNatGatewayRequest,
  DeleteNatGatewayResult,
  DescribeNatGatewaysRequest,
  DescribeNatGatewaysResult,
  NatGateway,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { associateAddress } from '../elastic-address.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import { makeInterface, removeInterface } from '../network-interface.ts';
import type { NatAddress, NatGatewayRecord } from '../record/egress.ts';
import type { AddressRecord, SubnetRecord } from '../record/network.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const shownAddress = ({ address, state }: NatGatewayRecord): NatGateway['NatGatewayAddresses'] => [
  {
    NetworkInterfaceId: address.eni,
    PrivateIp: address.private,
    IsPrimary: true,
    Status: state === 'deleting' || state === 'deleted' ? 'disassociating' : 'succeeded',
    ...(address.allocation !== undefined && {
      AllocationId: address.allocation,
      AssociationId: address.association,
      PublicIp: address.public,
    }),
  },
];

const shown = (nat: NatGatewayRecord): NatGateway => ({
  NatGatewayId: nat.id,
  VpcId: nat.vpc,
  SubnetId: nat.subnet,
  ConnectivityType: nat.connectivity,
  State: nat.state,
  NatGatewayAddresses: shownAddress(nat),
  CreateTime: nat.createdAt,
  ...(nat.deletedAt && { DeleteTime: nat.deletedAt }),
  ...(nat.failure && { FailureCode: nat.failure.code, FailureMessage: nat.failure.message }),
  Tags: shownTags(nat.tags),
});

const filters: Filters<NatGatewayRecord> = {
  'nat-gateway-id': (nat) => nat.id,
  state: (nat) => nat.state,
  'subnet-id': (nat) => nat.subnet,
  'vpc-id': (nat) => nat.vpc,
};

/** The Elastic IP of a public gateway; a private one has none. */
function allocationOf(
  tx: Tx,
  { AllocationId: id, ConnectivityType: type }: CreateNatGatewayRequest,
): AddressRecord | undefined {
  if (type === 'private') {
    if (id === undefined) return undefined;
    const why = 'AllocationId may not be given where connectivityType is private.';
    return refuse('InvalidParameterCombination', why);
  }
  const address = tx.need('address', id ?? missing('AllocationId'));
  if (address.association !== undefined) {
    const why = `is already associated with associate-id ${address.association.id}`;
    refuse('Resource.AlreadyAssociated', `resource ${address.id} ${why}`);
  }
  return address;
}

function checkQuota(tx: Tx, subnet: SubnetRecord): void {
  const alive = tx.list('nat-gateway').filter(({ state }) => state === 'pending' || state === 'available');
  const here = alive.filter((nat) => tx.get('subnet', nat.subnet)?.zone === subnet.zone);
  if (here.length < tx.settings.quotas.natGatewaysPerZone) return;
  const why = `Performing this operation would exceed the limit of ${here.length} NAT gateways`;
  refuse('NatGatewayLimitExceeded', `${why} in ${subnet.zone}`);
}

function create(tx: Tx, input: CreateNatGatewayRequest): CreateNatGatewayResult {
  const { ConnectivityType: type = 'public', PrivateIpAddress: wanted } = input;
  if (type !== 'public' && type !== 'private') return invalidValue('connectivityType', type);
  const simple =
    !input.SecondaryAllocationIds?.length &&
    !input.SecondaryPrivateIpAddresses?.length &&
    !input.SecondaryPrivateIpAddressCount;
  if (!simple) refuse('UnsupportedOperation', 'Secondary addresses of NAT gateways are not simulated.');
  if (input.AvailabilityMode === 'regional' || input.VpcId !== undefined) {
    refuse('UnsupportedOperation', 'Regional NAT gateways are not simulated; name a SubnetId.');
  }
  const subnet = tx.need('subnet', input.SubnetId ?? missing('SubnetId'));
  const allocation = allocationOf(tx, input);
  checkQuota(tx, subnet);
  const id = tx.newId('nat');
  const eni = makeInterface(tx, {
    subnet: subnet.id,
    description: `Interface for NAT Gateway ${id}`,
    interfaceType: 'nat_gateway',
    ...(wanted !== undefined && { ipv4: [wanted] }),
  });
  tx.put('network-interface', { ...eni, groups: [], sourceDestCheck: false, manager: id });
  const [own = ''] = eni.ipv4;
  const attached = tx.referring('internet-gateway', subnet.vpc).length > 0;
  const failed = allocation !== undefined && !attached;
  const nat = tx.put('nat-gateway', {
    id,
    tags: specifiedTags(tx, input.TagSpecifications, 'natgateway'),
    account: tx.account,
    vpc: subnet.vpc,
    subnet: subnet.id,
    connectivity: type,
    state: 'pending',
    address: failed ? { eni: eni.id, private: own } : addressOf(tx, eni.id, own, allocation),
    createdAt: tx.date(),
    ...(failed && {
      failure: {
        code: 'Gateway.NotAttached',
        message: `Network ${subnet.vpc} has no Internet gateway attached`,
      },
    }),
  });
  tx.after(tx.settings.natGatewayMs, { name: 'nat-gateway-made', id });
  return { NatGateway: shown(nat), ...(input.ClientToken && { ClientToken: input.ClientToken }) };
}

function addressOf(tx: Tx, eni: string, own: string, allocation: AddressRecord | undefined): NatAddress {
  if (allocation === undefined) return { eni, private: own };
  const association = associateAddress(tx, allocation, eni, own);
  return { eni, private: own, allocation: allocation.id, association, public: allocation.publicIp };
}

function remove(tx: Tx, { NatGatewayId: id = '' }: DeleteNatGatewayRequest): DeleteNatGatewayResult {
  const nat = tx.need('nat-gateway', id);
  if (nat.state !== 'deleting' && nat.state !== 'deleted') {
    tx.put('nat-gateway', { ...nat, state: 'deleting', deletedAt: tx.date() });
    tx.after(tx.settings.natGatewayMs, { name: 'nat-gateway-deleted', id });
  }
  return { NatGatewayId: nat.id };
}

export const natGatewayHandlers: Handlers = {
  CreateNatGateway: handler(create),
  DeleteNatGateway: handler(remove),

  DescribeNatGateways: handler((tx, request: DescribeNatGatewaysRequest): DescribeNatGatewaysResult => {
    const { NatGatewayIds: ids, Filter, ...paging } = request;
    const input = { ...paging, Filters: Filter };
    const page = describe(tx, { kind: 'nat-gateway', ids, input, filters, indexed: ['vpc-id', 'subnet-id'] });
    return { NatGateways: page.records.map(shown), ...page.next };
  }),
};

export const natGatewayTransitions: Transitions = {
  'nat-gateway-made': (tx, id) => {
    const nat = tx.get('nat-gateway', id);
    if (nat?.state !== 'pending') return;
    tx.put('nat-gateway', { ...nat, state: nat.failure ? 'failed' : 'available' });
    if (nat.failure) dropInterface(tx, nat);
  },
  'nat-gateway-deleted': (tx, id) => {
    const nat = tx.get('nat-gateway', id);
    if (nat?.state !== 'deleting') return;
    tx.put('nat-gateway', { ...nat, state: 'deleted' });
    dropInterface(tx, nat);
    tx.after(tx.settings.natGatewayVisibleMs, { name: 'nat-gateway-forgotten', id });
  },
  'nat-gateway-forgotten': (tx, id) => tx.remove('nat-gateway', id),
};

function dropInterface(tx: Tx, nat: NatGatewayRecord): void {
  const eni = tx.get('network-interface', nat.address.eni);
  if (eni !== undefined) removeInterface(tx, eni);
}

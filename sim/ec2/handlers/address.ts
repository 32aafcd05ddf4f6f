/** Elastic IP addresses. */
import type {
  Address,
  AllocateAddressRequest,
  AllocateAddressResult,
  AssociateAddressRequest,
  AssociateAddressResult,
  DescribeAddressesAttributeRequest,
  DescribeAddressesAttributeResult,
  DescribeAddressesRequest,
  DescribeAddressesResult,
  DisassociateAddressRequest,
  ReleaseAddressRequest,
} from '@aws-sdk/client-ec2';
import { type Filters, matcher, paginate, shownTags } from '../describe.ts';
import { associateAddress, disassociateAddress } from '../elastic-address.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import { giveBack, takePublicAddress } from '../public-address.ts';
import type { AddressRecord, NetworkInterfaceRecord } from '../record/network.ts';
import { missing, refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const instanceOf = (tx: Tx, address: AddressRecord): string | undefined =>
  address.association && tx.get('network-interface', address.association.eni)?.attachment?.instance;

const filters: Filters<AddressRecord> = {
  'allocation-id': (address) => address.id,
  'association-id': (address) => address.association?.id,
  domain: () => 'vpc',
  'instance-id': (address, tx) => instanceOf(tx, address),
  'network-border-group': (address) => address.networkBorderGroup,
  'network-interface-id': (address) => address.association?.eni,
  'network-interface-owner-id': (address) => address.association && address.account,
  'private-ip-address': (address) => address.association?.private,
  'public-ip': (address) => address.publicIp,
};

function shown(tx: Tx, address: AddressRecord): Address {
  const { association } = address;
  const instance = instanceOf(tx, address);
  return {
    AllocationId: address.id,
    PublicIp: address.publicIp,
    PublicIpv4Pool: 'amazon',
    NetworkBorderGroup: address.networkBorderGroup,
    Domain: 'vpc',
    ...(instance !== undefined && { InstanceId: instance }),
    ...(association && {
      AssociationId: association.id,
      NetworkInterfaceId: association.eni,
      NetworkInterfaceOwnerId: address.account,
      PrivateIpAddress: association.private,
    }),
    Tags: shownTags(address.tags),
  };
}

function allocate(tx: Tx, input: AllocateAddressRequest): AllocateAddressResult {
  if (input.Address !== undefined || input.PublicIpv4Pool !== undefined || input.IpamPoolId !== undefined) {
    refuse('UnsupportedOperation', 'Recovering an address and own pools are not simulated.');
  }
  if (tx.count('address') >= tx.settings.quotas.addresses) {
    refuse('AddressLimitExceeded', 'The maximum number of addresses has been reached.');
  }
  const id = tx.newId('eipalloc');
  const address = tx.put('address', {
    id,
    tags: specifiedTags(tx, input.TagSpecifications, 'elastic-ip'),
    account: tx.account,
    publicIp: takePublicAddress(tx, id),
    networkBorderGroup: input.NetworkBorderGroup ?? tx.region,
  });
  return {
    AllocationId: id,
    PublicIp: address.publicIp,
    PublicIpv4Pool: 'amazon',
    NetworkBorderGroup: address.networkBorderGroup,
    Domain: 'vpc',
  };
}

function byPublicIp(tx: Tx, ip: string): AddressRecord {
  const found = tx.referring('address', ip).find((each) => each.publicIp === ip);
  return found ?? refuse('InvalidAddress.NotFound', `Address '${ip}' not found.`);
}

/** The address that a request names by allocation id or public IP. */
function addressOf(
  tx: Tx,
  {
    AllocationId: id,
    PublicIp: ip,
  }: { readonly AllocationId?: string | undefined; readonly PublicIp?: string | undefined },
): AddressRecord {
  if (id !== undefined && ip !== undefined) {
    refuse(
      'InvalidParameterCombination',
      'You may specify public IP or allocation id, but not both in the same call',
    );
  }
  if (ip !== undefined) return byPublicIp(tx, ip);
  return tx.need('address', id ?? missing('allocationId'));
}

/** The ENI that a request names itself or by its instance, which then has only the one. */
function targetOf(
  tx: Tx,
  { NetworkInterfaceId: eni, InstanceId: id }: AssociateAddressRequest,
): NetworkInterfaceRecord {
  if (eni !== undefined && id !== undefined) {
    const why = 'You may specify an instance or a network interface, but not both in the same call';
    refuse('InvalidParameterCombination', why);
  }
  if (eni !== undefined) return tx.need('network-interface', eni);
  const instance = tx.need('instance', id ?? missing('networkInterfaceId or instanceId'));
  if (instance.state === 'terminated' || instance.state === 'shutting-down') {
    refuse('InvalidInstanceID', `The instance '${instance.id}' is not in a valid state for this operation.`);
  }
  const [first, ...others] = tx.referring('network-interface', instance.id);
  if (first === undefined || others.length > 0) {
    const why = `There are multiple interfaces attached to instance '${instance.id}'.`;
    return refuse('InvalidInstanceID', `${why} Please specify an interface ID for the operation instead.`);
  }
  return first;
}

function associate(tx: Tx, input: AssociateAddressRequest): AssociateAddressResult {
  const address = addressOf(tx, input);
  const eni = targetOf(tx, input);
  const privateIp = input.PrivateIpAddress ?? eni.ipv4[0] ?? '';
  if (!eni.ipv4.includes(privateIp)) {
    const why = `The private IP address ${privateIp} is not assigned to interface ${eni.id}`;
    refuse('InvalidParameterValue', why);
  }
  if (tx.referring('internet-gateway', eni.vpc).length === 0) {
    refuse('Gateway.NotAttached', `Network ${eni.vpc} is not attached to any internet gateway`);
  }
  const { association } = address;
  if (association?.eni === eni.id && association.private === privateIp)
    return { AssociationId: association.id };
  if (input.AllowReassociation === false) {
    const other = eni.publicAddresses.find(
      (pair) => pair.private === privateIp && pair.allocation !== undefined,
    );
    const [resource, held] = association ? [address.id, association.id] : [eni.id, other?.association];
    if (held !== undefined) {
      const why = `resource ${resource} is already associated with associate-id ${held}`;
      refuse('Resource.AlreadyAssociated', why);
    }
  }
  return { AssociationId: associateAddress(tx, address, eni.id, privateIp) };
}

function disassociate(tx: Tx, { AssociationId: id, PublicIp: ip }: DisassociateAddressRequest): undefined {
  if (id === undefined) {
    disassociateAddress(tx, byPublicIp(tx, ip ?? missing('associationId')));
    return undefined;
  }
  const [found] = tx.referring('address', id).filter(({ association, formerAssociation }) => {
    return association?.id === id || formerAssociation === id;
  });
  if (found?.formerAssociation === id) return undefined;
  if (!found) refuse('InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`);
  else disassociateAddress(tx, found);
  return undefined;
}

/** By allocation ids and public addresses at once, as EC2 takes them. */
function named(
  tx: Tx,
  allocations: readonly string[] = [],
  ips: readonly string[] = [],
): readonly AddressRecord[] {
  if (allocations.length + ips.length === 0) return tx.list('address');
  return [...allocations.map((id) => tx.need('address', id)), ...ips.map((ip) => byPublicIp(tx, ip))];
}

export const addressHandlers: Handlers = {
  AllocateAddress: handler(allocate),
  AssociateAddress: handler(associate),
  DisassociateAddress: handler(disassociate),

  ReleaseAddress: handler((tx, input: ReleaseAddressRequest) => {
    const address = addressOf(tx, input);
    if (address.association) refuse('InvalidIPAddress.InUse', `Address ${address.publicIp} is in use.`);
    giveBack(tx, address.publicIp);
    tx.remove('address', address.id);
    return undefined;
  }),

  DescribeAddresses: handler((tx, input: DescribeAddressesRequest): DescribeAddressesResult => {
    const found = named(tx, input.AllocationIds, input.PublicIps).filter(
      matcher(tx, input.Filters ?? [], filters),
    );
    return { Addresses: found.map((address) => shown(tx, address)) };
  }),

  DescribeAddressesAttribute: handler(
    (tx, input: DescribeAddressesAttributeRequest): DescribeAddressesAttributeResult => {
      const page = paginate(named(tx, input.AllocationIds), input, ({ id }) => [tx.order('address', id)]);
      return {
        Addresses: page.records.map(({ id, publicIp }) => ({ AllocationId: id, PublicIp: publicIp })),
        ...page.next,
      };
    },
  ),
};

/**
 * Associations of Direct Connect gateways with VPN gateways or transit gateways, asked for in the region of
 * the gateway. AWS Direct Connect User Guide, "Virtual private gateway associations" and "Transit gateway
 * associations". Proposals to other accounts are not simulated.
 */
import type {
  CreateDirectConnectGatewayAssociationRequest,
  CreateDirectConnectGatewayAssociationResult,
  DeleteDirectConnectGatewayAssociationRequest,
  DeleteDirectConnectGatewayAssociationResult,
  DescribeDirectConnectGatewayAssociationsRequest,
  DescribeDirectConnectGatewayAssociationsResult,
  DirectConnectGatewayAssociation,
  RouteFilterPrefix,
  UpdateDirectConnectGatewayAssociationRequest,
  UpdateDirectConnectGatewayAssociationResult,
} from '@aws-sdk/client-direct-connect';
import { formatPrefix, overlaps, parsePrefix, prefix } from '../../../controller/base/ip.ts';
import { invalid, pageOf, refreshDirectConnect, uuid } from '../direct-connect.ts';
import { announcedBy } from '../direct-connect-paths.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { GatewayAssociationRecord } from '../record/direct-connect.ts';
import { closeAttachment, openAttachment } from '../transit-gateway.ts';
import { refreshVpn } from '../vpn.ts';

const KIND = 'direct-connect-association';

const isTransit = (gateway: string): boolean => gateway.startsWith('tgw-');

function shown(tx: Tx, association: GatewayAssociationRecord): DirectConnectGatewayAssociation {
  const { id, account, directConnectGateway, state, gateway, region } = association;
  const prefixes = association.prefixes ?? announcedBy(tx, association);
  return {
    directConnectGatewayId: directConnectGateway,
    directConnectGatewayOwnerAccount: account,
    associationState: state,
    associationId: id,
    associatedGateway: {
      id: gateway,
      type: isTransit(gateway) ? 'transitGateway' : 'virtualPrivateGateway',
      ownerAccount: account,
      region,
    },
    allowedPrefixesToDirectConnectGateway: prefixes.map((cidr) => ({ cidr })),
    ...(!isTransit(gateway) && {
      virtualGatewayId: gateway,
      virtualGatewayRegion: region,
      virtualGatewayOwnerAccount: account,
    }),
  };
}

function checkedPrefixes(given: readonly RouteFilterPrefix[] = []): readonly string[] {
  return given.map(({ cidr = '' }) => {
    const parsed = parsePrefix(cidr);
    if (!parsed.ok || formatPrefix(parsed.value) !== cidr) return invalid(`CIDR ${cidr} is not valid.`);
    return cidr;
  });
}

/** A VPN gateway that is attached, to a VPC that overlaps no other one behind the Direct Connect gateway. */
function checkVpnGateway(tx: Tx, id: string, others: readonly GatewayAssociationRecord[]): void {
  const gateway = tx.get('vpn-gateway', id);
  if (gateway?.state !== 'available') invalid(`The VirtualGateway ${id} does not exist.`);
  if (gateway.vpc === undefined) invalid(`The VirtualGateway ${id} is not attached to a VPC.`);
  const { vpnGatewaysPerDirectConnectGateway: most } = tx.settings.quotas;
  if (others.length >= most)
    invalid(`You have reached the maximum of ${most} virtual private gateways per Direct Connect gateway.`);
  const blocks = (region: string, gatewayId: string) => {
    const vpc = tx.at(region).get('vpn-gateway', gatewayId)?.vpc ?? '';
    return (tx.at(region).get('vpc', vpc)?.ipv4 ?? []).map(({ cidr }) => prefix(cidr));
  };
  const own = blocks(tx.region, id);
  const clash = others.find((other) =>
    blocks(other.region, other.gateway).some((each) => own.some((block) => overlaps(block, each))),
  );
  if (clash !== undefined) invalid(`The CIDR blocks of the VPCs of ${id} and ${clash.gateway} overlap.`);
}

function checkTransitGateway(
  tx: Tx,
  id: string,
  asn: number,
  others: readonly GatewayAssociationRecord[],
): void {
  const gateway = tx.get('transit-gateway', id);
  if (gateway?.state !== 'available') invalid(`The TransitGateway ${id} does not exist.`);
  if (gateway.asn === asn) invalid(`The ASN ${asn} of the Direct Connect gateway is that of ${id}, too.`);
  const { transitGatewaysPerDirectConnectGateway: most } = tx.settings.quotas;
  if (others.length >= most)
    invalid(`You have reached the maximum of ${most} transit gateways per Direct Connect gateway.`);
}

function checkTransitPrefixes(
  tx: Tx,
  prefixes: readonly string[],
  others: readonly GatewayAssociationRecord[],
): void {
  if (prefixes.length === 0) invalid('A transit gateway association needs allowed prefixes.');
  const { prefixesPerTransitGatewayAssociation: most } = tx.settings.quotas;
  if (prefixes.length > most) invalid(`There are ${prefixes.length} allowed prefixes, above ${most}.`);
  const taken = prefixes.find((each) => others.some((other) => other.prefixes?.includes(each)));
  if (taken !== undefined) invalid(`The prefix ${taken} is allowed of another transit gateway.`);
}

function create(
  tx: Tx,
  input: CreateDirectConnectGatewayAssociationRequest,
): CreateDirectConnectGatewayAssociationResult {
  const direct = tx.need('direct-connect-gateway', input.directConnectGatewayId ?? '');
  if (direct.state !== 'available') invalid(`Direct Connect gateway ${direct.id} is not available.`);
  const gateway = input.gatewayId ?? input.virtualGatewayId ?? invalid('The parameter gatewayId is missing.');
  const others = tx.referring(KIND, direct.id);
  const twin = others.find((each) => each.gateway === gateway);
  if (twin !== undefined)
    invalid(`${gateway} is associated with Direct Connect gateway ${direct.id} already.`);
  const transit = isTransit(gateway);
  const lines = tx.referring('virtual-interface', direct.id);
  if (
    others.some((each) => isTransit(each.gateway) !== transit) ||
    lines.some((each) => (each.type === 'transit') !== transit)
  ) {
    const kinds = 'either virtual private gateways and private virtual interfaces, or transit ones';
    invalid(`Direct Connect gateway ${direct.id} leads to ${kinds}.`);
  }
  const prefixes = checkedPrefixes(input.addAllowedPrefixesToDirectConnectGateway);
  if (transit) {
    checkTransitGateway(tx, gateway, direct.asn, others);
    checkTransitPrefixes(tx, prefixes, others);
  } else checkVpnGateway(tx, gateway, others);
  const attachment = transit ? makeAttachment(tx, gateway, direct.id) : undefined;
  const association = tx.put(KIND, {
    id: uuid(tx),
    tags: {},
    account: tx.account,
    directConnectGateway: direct.id,
    state: 'associating',
    gateway,
    region: tx.region,
    ...(attachment !== undefined && { attachment }),
    ...(prefixes.length > 0 && { prefixes }),
  });
  later(tx, association);
  return { directConnectGatewayAssociation: shown(tx, association) };
}

/** What an association is on the way to comes after a while. */
const later = (tx: Tx, { id }: GatewayAssociationRecord): void =>
  tx.after(tx.settings.directConnectMs, { name: 'direct-connect-association-settled', id });

function makeAttachment(tx: Tx, transitGateway: string, gateway: string): string {
  const id = tx.newId('tgw-attach');
  tx.put('transit-gateway-attachment', {
    id,
    tags: {},
    account: tx.account,
    region: tx.region,
    gateway: transitGateway,
    state: 'pending',
    created: tx.date(),
    link: { kind: 'direct-connect-gateway', gateway },
    propagations: [],
  });
  return id;
}

function update(
  tx: Tx,
  input: UpdateDirectConnectGatewayAssociationRequest,
): UpdateDirectConnectGatewayAssociationResult {
  const association = tx.need(
    KIND,
    input.associationId ?? invalid('The parameter associationId is missing.'),
  );
  if (association.state !== 'associated') invalid(`Association ${association.id} is ${association.state}.`);
  const added = checkedPrefixes(input.addAllowedPrefixesToDirectConnectGateway);
  const removed = checkedPrefixes(input.removeAllowedPrefixesToDirectConnectGateway);
  const held = association.prefixes ?? announcedBy(tx, association);
  const prefixes = [...new Set([...held.filter((each) => !removed.includes(each)), ...added])];
  if (isTransit(association.gateway)) {
    const others = tx
      .referring(KIND, association.directConnectGateway)
      .filter((each) => each.id !== association.id);
    checkTransitPrefixes(tx, prefixes, others);
  }
  const updating = tx.put(KIND, { ...association, state: 'updating', prefixes });
  later(tx, updating);
  return { directConnectGatewayAssociation: shown(tx, updating) };
}

function remove(
  tx: Tx,
  input: DeleteDirectConnectGatewayAssociationRequest,
): DeleteDirectConnectGatewayAssociationResult {
  const { associationId, directConnectGatewayId: direct = '', virtualGatewayId: gateway } = input;
  const association =
    associationId === undefined
      ? tx.referring(KIND, direct).find((each) => each.gateway === gateway)
      : tx.need(KIND, associationId);
  if (association === undefined) return invalid(`No association of ${gateway} with ${direct} exists.`);
  const leaving = tx.put(KIND, { ...association, state: 'disassociating' });
  later(tx, leaving);
  return { directConnectGatewayAssociation: shown(tx, leaving) };
}

function describe(
  tx: Tx,
  input: DescribeDirectConnectGatewayAssociationsRequest,
): DescribeDirectConnectGatewayAssociationsResult {
  const { associationId: id, directConnectGatewayId: direct } = input;
  const gateway = input.associatedGatewayId ?? input.virtualGatewayId;
  if (id === undefined && direct === undefined && gateway === undefined)
    invalid('Name an association, a Direct Connect gateway, or a gateway.');
  const held = id === undefined ? undefined : tx.get(KIND, id);
  const candidates = id === undefined ? tx.list(KIND) : held === undefined ? [] : [held];
  const found = candidates.filter(
    (each) =>
      each.directConnectGateway === (direct ?? each.directConnectGateway) &&
      each.gateway === (gateway ?? each.gateway),
  );
  const page = pageOf(tx, KIND, found, input);
  return {
    directConnectGatewayAssociations: page.records.map((each) => shown(tx, each)),
    ...page.next,
  };
}

export const directConnectAssociationHandlers: Handlers = {
  CreateDirectConnectGatewayAssociation: handler(create),
  UpdateDirectConnectGatewayAssociation: handler(update),
  DeleteDirectConnectGatewayAssociation: handler(remove),
  DescribeDirectConnectGatewayAssociations: handler(describe),
};

/** The association works, or works with other prefixes. */
function settle(tx: Tx, association: GatewayAssociationRecord): void {
  const there = tx.at(association.region);
  tx.put(KIND, { ...association, state: 'associated' });
  const attachment = there.get('transit-gateway-attachment', association.attachment ?? '');
  if (attachment?.state === 'pending') openAttachment(there, attachment);
  refreshDirectConnect(tx, association.directConnectGateway);
}

function dissolve(tx: Tx, association: GatewayAssociationRecord): void {
  const { id, gateway, region, directConnectGateway: direct } = association;
  const there = tx.at(region);
  tx.remove(KIND, id);
  const attachment = there.get('transit-gateway-attachment', association.attachment ?? '');
  if (attachment === undefined) refreshVpn(there, gateway);
  else closeAttachment(there, attachment, 'deleted');
  refreshDirectConnect(tx, direct);
}

export const directConnectAssociationTransitions: Transitions = {
  'direct-connect-association-settled': (tx, id) => {
    const association = tx.get(KIND, id);
    if (association?.state === 'disassociating') dissolve(tx, association);
    else if (association !== undefined) settle(tx, association);
  },
};

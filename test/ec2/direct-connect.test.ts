/** Direct Connect's API: what it makes, in which states it shows it, and what it refuses. */
import type {
  BGPPeer,
  Connection,
  CreateDirectConnectGatewayResult,
  CreateTransitVirtualInterfaceResult,
  DescribeDirectConnectGatewayAssociationsResult,
  DescribeDirectConnectGatewayAttachmentsResult,
  DescribeTagsResponse,
  DirectConnectGatewayAssociation,
  VirtualInterface,
  VirtualInterfaces,
} from '@aws-sdk/client-direct-connect';
import type {
  DescribeTransitGatewayAttachmentsResult,
  TransitGateway,
  Vpc,
  VpnGateway,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { handle } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { name, type Site, site } from './site.ts';

const DX = 'directconnect';
const CODE = 'DirectConnectClientException';

const ask = <O>(at: Site, action: string, input: object = {}): O => at.call<O>(action, input, DX);
const refused = (at: Site, action: string, input: object): string => at.code(action, input, DX);

const connection = (at: Site): string =>
  name(
    ask<Connection>(at, 'CreateConnection', { location: 'SIM-A', bandwidth: '1Gbps', connectionName: 'port' })
      .connectionId,
  );

const direct = (at: Site, amazonSideAsn = 65_100): string =>
  name(
    ask<CreateDirectConnectGatewayResult>(at, 'CreateDirectConnectGateway', {
      directConnectGatewayName: 'direct',
      amazonSideAsn,
    }).directConnectGateway?.directConnectGatewayId,
  );

function vpnGateway(at: Site, VpcId = at.vpc): string {
  const { VpnGateway: made } = at.call<{ VpnGateway: VpnGateway }>('CreateVpnGateway', { Type: 'ipsec.1' });
  at.call('AttachVpnGateway', { VpnGatewayId: made.VpnGatewayId, VpcId });
  return name(made.VpnGatewayId);
}

const vpc = (at: Site, CidrBlock: string): string =>
  name(at.call<{ Vpc: Vpc }>('CreateVpc', { CidrBlock }).Vpc.VpcId);

const transitGateway = (at: Site, AmazonSideAsn = 64_800): string =>
  name(
    at.call<{ TransitGateway: TransitGateway }>('CreateTransitGateway', { Options: { AmazonSideAsn } })
      .TransitGateway.TransitGatewayId,
  );

const line = (gateway: object, vlan = 101) => ({
  virtualInterfaceName: 'line',
  vlan,
  asn: 65_010,
  ...gateway,
});

const privateLine = (at: Site, connectionId: string, gateway: object, vlan = 101): VirtualInterface =>
  ask(at, 'CreatePrivateVirtualInterface', {
    connectionId,
    newPrivateVirtualInterface: line(gateway, vlan),
  });

const transitLine = (at: Site, connectionId: string, gateway: object, vlan = 101) =>
  ask<CreateTransitVirtualInterfaceResult>(at, 'CreateTransitVirtualInterface', {
    connectionId,
    newTransitVirtualInterface: line(gateway, vlan),
  }).virtualInterface;

const associate = (at: Site, directConnectGatewayId: string, gatewayId: string, prefixes: string[] = []) => ({
  directConnectGatewayId,
  gatewayId,
  addAllowedPrefixesToDirectConnectGateway: prefixes.map((cidr) => ({ cidr })),
  at,
});

const association = ({
  at,
  ...input
}: ReturnType<typeof associate>): DirectConnectGatewayAssociation | undefined =>
  ask<{ directConnectGatewayAssociation: DirectConnectGatewayAssociation }>(
    at,
    'CreateDirectConnectGatewayAssociation',
    input,
  ).directConnectGatewayAssociation;

const notAssociated = ({ at, ...input }: ReturnType<typeof associate>): string =>
  refused(at, 'CreateDirectConnectGatewayAssociation', input);

const shown = (at: Site, virtualInterfaceId: string | undefined): VirtualInterface | undefined =>
  ask<VirtualInterfaces>(at, 'DescribeVirtualInterfaces', { virtualInterfaceId }).virtualInterfaces?.[0];

const opened = (options: CloudOptions = {}) => site({ quotas: { vpcs: 50, vpnGateways: 50 }, ...options });

describe('a connection', () => {
  it('is requested, available, and gone with its interfaces only', () => {
    const at = opened({ directConnectMs: 1000 });
    const id = connection(at);
    const state = () =>
      ask<{ connections: Connection[] }>(at, 'DescribeConnections', { connectionId: id }).connections[0]
        ?.connectionState;
    expect([id, state()]).toEqual([expect.stringMatching(/^dxcon-f[0-9a-f]{7}$/), 'requested']);
    const gateway = { virtualGatewayId: vpnGateway(at) };
    const input = { connectionId: id, newPrivateVirtualInterface: line(gateway) };
    expect(refused(at, 'CreatePrivateVirtualInterface', input)).toBe(CODE);
    at.pass(1000);
    expect(state()).toBe('available');
    const { virtualInterfaceId } = privateLine(at, id, gateway);
    expect(refused(at, 'DeleteConnection', { connectionId: id })).toBe(CODE);
    expect(at.code('DeleteVpnGateway', { VpnGatewayId: gateway.virtualGatewayId })).toBe('IncorrectState');
    ask(at, 'DeleteVirtualInterface', { virtualInterfaceId });
    expect(shown(at, virtualInterfaceId)?.virtualInterfaceState).toBe('deleting');
    at.pass(1000);
    expect(shown(at, virtualInterfaceId)?.virtualInterfaceState).toBe('deleted');
    ask(at, 'DeleteConnection', { connectionId: id });
    expect(state()).toBe('deleting');
    at.pass(1000);
    expect(state()).toBe('deleted');
    at.pass(3_600_000);
    expect(refused(at, 'DescribeConnections', { connectionId: id })).toBe(CODE);
  });

  it.each([
    { bandwidth: '3Gbps', location: 'SIM-A' },
    { bandwidth: '1Gbps', location: '' },
    { bandwidth: '1Gbps', location: 'SIM-A', lagId: 'dxlag-1' },
  ])('is not made of %j', (input) => {
    expect(refused(opened(), 'CreateConnection', { connectionName: 'port', ...input })).toBe(CODE);
  });
});

describe('a virtual interface', () => {
  it('shows its peer, its gateway and the configuration for a router', () => {
    const at = opened();
    const gateway = direct(at);
    const made = privateLine(at, connection(at), { directConnectGatewayId: gateway });
    expect(made).toMatchObject({
      virtualInterfaceState: 'pending',
      virtualInterfaceType: 'private',
      directConnectGatewayId: gateway,
      virtualGatewayId: '',
      amazonSideAsn: 65_100,
      mtu: 1500,
      addressFamily: 'ipv4',
    });
    expect(made.amazonAddress).toMatch(/^169\.254\.\d+\.\d+\/30$/);
    expect(made.customerRouterConfig).toContain('<bgp_asn>65010</bgp_asn>');
    const now = shown(at, made.virtualInterfaceId);
    expect(now).toMatchObject({ virtualInterfaceState: 'down', bgpPeers: [{ bgpStatus: 'down' }] });
    const attachments = ask<DescribeDirectConnectGatewayAttachmentsResult>(
      at,
      'DescribeDirectConnectGatewayAttachments',
      { directConnectGatewayId: gateway },
    ).directConnectGatewayAttachments;
    expect(attachments).toMatchObject([
      {
        attachmentState: 'attached',
        attachmentType: 'PrivateVirtualInterface',
        virtualInterfaceRegion: 'eu-central-1',
      },
    ]);
    expect(refused(at, 'DeleteDirectConnectGateway', { directConnectGatewayId: gateway })).toBe(CODE);
  });

  it.each([
    { vlan: 0 },
    { vlan: 4095 },
    { vlan: 1.5 },
    { mtu: 8500 },
    { asn: 0 },
    { asn: 4_200_000_000 },
    { virtualInterfaceName: '' },
    { authKey: 'short' },
    { addressFamily: 'ipx' },
    { amazonAddress: '10.0.0.1/30' },
    { amazonAddress: '10.0.0.1/30', customerAddress: '10.9.0.2/30' },
    { amazonAddress: '10.0.0.1', customerAddress: '10.0.0.2' },
    { directConnectGatewayId: '8d2cb3ae-1111-4222-8333-444455556666' },
    { virtualGatewayId: undefined },
    { virtualGatewayId: 'vgw-00000000000000000' },
    { enableSiteLink: true },
  ])('is not made with %j', (wrong) => {
    const at = opened();
    const connectionId = connection(at);
    const asked = { ...line({ virtualGatewayId: vpnGateway(at) }), ...wrong };
    const input = { connectionId, newPrivateVirtualInterface: asked };
    expect(refused(at, 'CreatePrivateVirtualInterface', input)).toBe(CODE);
  });

  it('has a VLAN of its own, and 51 fit on a connection, four of them transit ones', () => {
    const at = opened();
    const connectionId = connection(at);
    const gateway = { virtualGatewayId: vpnGateway(at) };
    const transit = { directConnectGatewayId: direct(at) };
    for (let vlan = 1; vlan <= 47; vlan++) privateLine(at, connectionId, gateway, vlan);
    for (let vlan = 48; vlan <= 51; vlan++) transitLine(at, connectionId, transit, vlan);
    const more = (vlan: number) => ({ connectionId, newPrivateVirtualInterface: line(gateway, vlan) });
    expect(() => privateLine(at, connectionId, gateway, 7)).toThrow('VLAN 7 is already in use');
    expect(() => privateLine(at, connectionId, gateway, 52)).toThrow('maximum of 51');
    expect(refused(at, 'CreatePrivateVirtualInterface', more(52))).toBe(CODE);
    const other = connection(at);
    for (let vlan = 1; vlan <= 4; vlan++) transitLine(at, other, transit, vlan);
    expect(() => transitLine(at, other, transit, 5)).toThrow('maximum of 4 transit');
  });

  it('changes its MTU, and has one peer of each address family', () => {
    const at = opened();
    const { virtualInterfaceId } = privateLine(at, connection(at), { virtualGatewayId: vpnGateway(at) });
    const changed = ask<VirtualInterface>(at, 'UpdateVirtualInterfaceAttributes', {
      ...{ virtualInterfaceId, mtu: 9001, virtualInterfaceName: 'other' },
    });
    expect(changed).toMatchObject({ mtu: 9001, virtualInterfaceName: 'other' });
    expect(refused(at, 'UpdateVirtualInterfaceAttributes', { virtualInterfaceId, mtu: 8500 })).toBe(CODE);
    const peer = (addressFamily: string) => ({
      virtualInterfaceId,
      newBGPPeer: { asn: 65_010, addressFamily },
    });
    expect(refused(at, 'CreateBGPPeer', peer('ipv4'))).toBe(CODE);
    const peers = (action: string, input: object): BGPPeer[] =>
      ask<{ virtualInterface: VirtualInterface }>(at, action, input).virtualInterface.bgpPeers ?? [];
    const [, added] = peers('CreateBGPPeer', peer('ipv6'));
    expect(added).toMatchObject({ addressFamily: 'ipv6', amazonAddress: expect.stringMatching(/::1\/125$/) });
    expect(refused(at, 'DeleteBGPPeer', { virtualInterfaceId })).toBe(CODE);
    expect(peers('DeleteBGPPeer', { virtualInterfaceId, bgpPeerId: added?.bgpPeerId })).toHaveLength(1);
  });

  it('is refused where it would be public', () => {
    const at = opened();
    const newPublicVirtualInterface = { virtualInterfaceName: 'public', vlan: 1, asn: 65_010 };
    const input = { connectionId: connection(at), newPublicVirtualInterface };
    expect(() => ask(at, 'CreatePublicVirtualInterface', input)).toThrow('not simulated');
  });
});

describe('a Direct Connect gateway', () => {
  it('is global, has a private AS, and is renamed', () => {
    const at = opened();
    const id = direct(at);
    const elsewhere = { account: '111122223333', region: 'us-east-1', service: DX } as const;
    const there = handle(
      at.cloud,
      { ...elsewhere, action: 'DescribeDirectConnectGateways', input: { directConnectGatewayId: id } },
      0,
    );
    expect(there).toMatchObject({
      kind: 'ok',
      output: { directConnectGateways: [{ amazonSideAsn: 65_100 }] },
    });
    ask(at, 'UpdateDirectConnectGateway', { directConnectGatewayId: id, newDirectConnectGatewayName: 'new' });
    const wrong = { directConnectGatewayName: 'direct', amazonSideAsn: 3320 };
    expect(refused(at, 'CreateDirectConnectGateway', wrong)).toBe(CODE);
  });

  it('leads to at most 20 VPN gateways', () => {
    const at = opened();
    const gateway = direct(at);
    const next = (n: number): string => vpnGateway(at, vpc(at, `10.${n}.0.0/16`));
    for (let n = 1; n <= 20; n++) association(associate(at, gateway, next(n)));
    expect(() => association(associate(at, gateway, next(21)))).toThrow('maximum of 20');
  });

  it('leads to no VPCs that overlap, and to no gateway twice or without a VPC', () => {
    const at = opened();
    const gateway = direct(at);
    const first = vpnGateway(at);
    association(associate(at, gateway, first));
    expect(() => association(associate(at, gateway, first))).toThrow('already');
    const inside = vpnGateway(at, vpc(at, '10.0.128.0/17'));
    expect(() => association(associate(at, gateway, inside))).toThrow('overlap');
    at.call('DetachVpnGateway', {
      VpnGatewayId: inside,
      VpcId: at.call<{ VpnGateways: VpnGateway[] }>('DescribeVpnGateways', { VpnGatewayIds: [inside] })
        .VpnGateways[0]?.VpcAttachments?.[0]?.VpcId,
    });
    expect(() => association(associate(at, gateway, inside))).toThrow('not attached');
  });

  it('leads to at most 6 transit gateways of other ASes, with prefixes of their own', () => {
    const at = opened({ quotas: { transitGateways: 10 } });
    const gateway = direct(at);
    const next = (n: number) => associate(at, gateway, transitGateway(at), [`10.${n}.0.0/16`]);
    expect(notAssociated(associate(at, gateway, transitGateway(at)))).toBe(CODE);
    expect(() => association(associate(at, gateway, transitGateway(at, 65_100), ['10.0.0.0/8']))).toThrow(
      'ASN',
    );
    for (let n = 1; n <= 6; n++) association(next(n));
    expect(() => association(next(7))).toThrow('maximum of 6');
    const many = Array.from({ length: 201 }, (_, n) => `10.${n}.0.0/16`);
    expect(() => association(associate(at, direct(at), transitGateway(at), many))).toThrow('above 200');
  });

  it('does not mix private and transit', () => {
    const at = opened();
    const port = connection(at);
    const [toVpn, toTransit, withPrivate, withTransit] = [direct(at), direct(at), direct(at), direct(at)];
    const [vgw, tgw] = [vpnGateway(at), transitGateway(at)];
    association(associate(at, toVpn, vgw));
    association(associate(at, toTransit, tgw, ['10.0.0.0/8']));
    privateLine(at, port, { directConnectGatewayId: withPrivate }, 1);
    transitLine(at, port, { directConnectGatewayId: withTransit }, 2);
    for (const wrong of [toVpn, withPrivate]) {
      expect(notAssociated(associate(at, wrong, tgw, ['10.0.0.0/8']))).toBe(CODE);
      expect(() => transitLine(at, port, { directConnectGatewayId: wrong }, 3)).toThrow(CODE);
    }
    for (const wrong of [toTransit, withTransit]) {
      expect(notAssociated(associate(at, wrong, vgw))).toBe(CODE);
      expect(() => privateLine(at, port, { directConnectGatewayId: wrong }, 3)).toThrow(CODE);
    }
    expect(() => transitLine(at, port, { virtualGatewayId: vgw }, 3)).toThrow(CODE);
  });
});

describe('an association', () => {
  const list = (at: Site, input: object) =>
    ask<DescribeDirectConnectGatewayAssociationsResult>(at, 'DescribeDirectConnectGatewayAssociations', input)
      .directConnectGatewayAssociations;

  it('goes through its states, and shows the blocks of the VPC where no prefixes were given', () => {
    const at = opened({ directConnectMs: 1000 });
    const gateway = direct(at);
    at.pass(1000);
    const made = association(associate(at, gateway, vpnGateway(at)));
    const { associationId } = made ?? {};
    const now = () => list(at, { associationId })?.map((each) => [each.associationState, prefixesOf(each)]);
    const prefixesOf = (each: DirectConnectGatewayAssociation) =>
      each.allowedPrefixesToDirectConnectGateway?.map(({ cidr }) => cidr);
    expect(now()).toEqual([['associating', ['10.0.0.0/16']]]);
    at.pass(1000);
    const added = { associationId, addAllowedPrefixesToDirectConnectGateway: [{ cidr: '10.0.0.0/8' }] };
    ask(at, 'UpdateDirectConnectGatewayAssociation', added);
    expect(now()).toEqual([['updating', ['10.0.0.0/16', '10.0.0.0/8']]]);
    at.pass(1000);
    expect(now()?.[0]?.[0]).toBe('associated');
    ask(at, 'DeleteDirectConnectGatewayAssociation', { associationId });
    expect(now()?.[0]?.[0]).toBe('disassociating');
    at.pass(1000);
    expect(now()).toEqual([]);
    expect(refused(at, 'DescribeDirectConnectGatewayAssociations', {})).toBe(CODE);
  });

  it('with a transit gateway is an attachment of it', () => {
    const at = opened({ directConnectMs: 1000 });
    const gateway = direct(at);
    at.pass(1000);
    const tgw = transitGateway(at);
    const made = association(associate(at, gateway, tgw, ['10.0.0.0/8']));
    const attachments = () =>
      at
        .call<DescribeTransitGatewayAttachmentsResult>('DescribeTransitGatewayAttachments', {
          Filters: [{ Name: 'resource-type', Values: ['direct-connect-gateway'] }],
        })
        .TransitGatewayAttachments?.map((each) => [each.ResourceId, each.State, each.Association?.State]);
    expect(attachments()).toEqual([[gateway, 'pending', undefined]]);
    at.pass(1000);
    expect(attachments()).toEqual([[gateway, 'available', 'associated']]);
    const { associationId } = made ?? {};
    const removed = { associationId, removeAllowedPrefixesToDirectConnectGateway: [{ cidr: '10.0.0.0/8' }] };
    expect(refused(at, 'UpdateDirectConnectGatewayAssociation', removed)).toBe(CODE);
    ask(at, 'DeleteDirectConnectGatewayAssociation', { associationId });
    at.pass(1000);
    expect(attachments()).toEqual([[gateway, 'deleted', undefined]]);
  });
});

describe('tags', () => {
  it('are laid over, taken away, and shown by ARN', () => {
    const at = opened();
    const resourceArn = `arn:aws:directconnect:eu-central-1:111122223333:dxcon/${connection(at)}`;
    ask(at, 'TagResource', { resourceArn, tags: [{ key: 'a', value: '1' }, { key: 'b' }] });
    ask(at, 'UntagResource', { resourceArn, tagKeys: ['a'] });
    expect(
      ask<DescribeTagsResponse>(at, 'DescribeTags', { resourceArns: [resourceArn] }).resourceTags,
    ).toEqual([{ resourceArn, tags: [{ key: 'b', value: '' }] }]);
    const twice = { resourceArn, tags: [{ key: 'a' }, { key: 'a' }] };
    expect(refused(at, 'TagResource', twice)).toBe('DuplicateTagKeysException');
    const many = Array.from({ length: 51 }, (_, n) => ({ key: `k${n}` }));
    expect(refused(at, 'TagResource', { resourceArn, tags: many })).toBe('TooManyTagsException');
    expect(refused(at, 'TagResource', { resourceArn: 'arn:aws:s3:::x', tags: [] })).toBe(CODE);
  });
});

describe('pages', () => {
  it('of virtual interfaces come one after the other', () => {
    const at = opened();
    const port = connection(at);
    const gateway = { virtualGatewayId: vpnGateway(at) };
    const ids = [1, 2, 3].map((vlan) => privateLine(at, port, gateway, vlan).virtualInterfaceId);
    const page = (input: object) => ask<VirtualInterfaces>(at, 'DescribeVirtualInterfaces', input);
    const first = page({ maxResults: 2 });
    const second = page({ maxResults: 2, nextToken: first.nextToken });
    const both = [...(first.virtualInterfaces ?? []), ...(second.virtualInterfaces ?? [])];
    expect(both.map((each) => each.virtualInterfaceId)).toEqual(ids);
    expect(second.nextToken).toBeUndefined();
    expect(refused(at, 'DescribeVirtualInterfaces', { nextToken: 'x' })).toBe(CODE);
  });
});

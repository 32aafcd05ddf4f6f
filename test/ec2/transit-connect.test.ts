/** Connect attachments and Connect peers through the EC2 API; their BGP is in test/world/connect.test.ts. */
import type {
  CreateTransitGatewayConnectPeerResult,
  CreateTransitGatewayConnectResult,
  CreateTransitGatewayResult,
  CreateTransitGatewayVpcAttachmentResult,
  DescribeTransitGatewayAttachmentsResult,
  DescribeTransitGatewayConnectPeersResult,
  DescribeTransitGatewayConnectsResult,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { name, refusal, type Site, site } from './site.ts';

/** A transit gateway with a block, an attachment of the site's VPC, and a Connect attachment over it. */
function scene(options: CloudOptions = {}) {
  const at = site(options);
  const tgw = name(
    at.call<CreateTransitGatewayResult>('CreateTransitGateway', {
      Options: { TransitGatewayCidrBlocks: ['192.0.2.0/24'] },
    }).TransitGateway?.TransitGatewayId,
  );
  const vpc = name(
    at.call<CreateTransitGatewayVpcAttachmentResult>('CreateTransitGatewayVpcAttachment', {
      ...{ TransitGatewayId: tgw, VpcId: at.vpc, SubnetIds: [at.subnets[0]] },
    }).TransitGatewayVpcAttachment?.TransitGatewayAttachmentId,
  );
  const made = at.call<CreateTransitGatewayConnectResult>('CreateTransitGatewayConnect', over(vpc));
  const connect = name(made.TransitGatewayConnect?.TransitGatewayAttachmentId);
  return { at, tgw, vpc, connect, made: made.TransitGatewayConnect };
}

const over = (TransportTransitGatewayAttachmentId: string, Protocol: string | undefined = 'gre') => ({
  TransportTransitGatewayAttachmentId,
  Options: { Protocol },
});

const peerInput = (TransitGatewayAttachmentId: string, n: number, more: object = {}) => ({
  TransitGatewayAttachmentId,
  PeerAddress: `10.0.0.${n}`,
  InsideCidrBlocks: [`169.254.6.${8 * n}/29`],
  BgpOptions: { PeerAsn: 65_001 },
  ...more,
});

const peer = (at: Site, connect: string, n: number, more: object = {}) =>
  at.call<CreateTransitGatewayConnectPeerResult>(
    'CreateTransitGatewayConnectPeer',
    peerInput(connect, n, more),
  ).TransitGatewayConnectPeer;

describe('Connect attachments', () => {
  it('are attachments over that of a VPC, found by filters, associated and propagating by default', () => {
    const { at, tgw, vpc, connect, made } = scene();
    expect(made).toMatchObject({ State: 'pending', TransitGatewayId: tgw, Options: { Protocol: 'gre' } });
    const find = (Name: string, Value: string) =>
      at
        .call<DescribeTransitGatewayConnectsResult>('DescribeTransitGatewayConnects', {
          Filters: [{ Name, Values: [Value] }],
        })
        .TransitGatewayConnects?.map((each) => `${each.TransitGatewayAttachmentId} ${each.State}`);
    for (const [filter, value] of [
      ['options.protocol', 'gre'],
      ['state', 'available'],
      ['transit-gateway-attachment-id', connect],
      ['transit-gateway-id', tgw],
      ['transport-transit-gateway-attachment-id', vpc],
    ] as const) {
      expect(find(filter, value)).toEqual([`${connect} available`]);
      expect(find(filter, 'other')).toEqual([]);
    }
    const { TransitGatewayAttachments: all } = at.call<DescribeTransitGatewayAttachmentsResult>(
      'DescribeTransitGatewayAttachments',
      { Filters: [{ Name: 'resource-type', Values: ['connect'] }] },
    );
    expect(all).toMatchObject([{ ResourceId: vpc, Association: { State: 'associated' } }]);
  });

  it('are refused over another kind, by another protocol, and stand in the way of what carries them', () => {
    const { at, vpc, connect } = scene();
    const create = (input: object) => at.code('CreateTransitGatewayConnect', input);
    expect(create(over(connect))).toBe('InvalidParameterValue');
    expect(create(over(vpc, 'ipip'))).toBe('InvalidParameterValue');
    expect(create(over('tgw-attach-0123456789abcdef0'))).toBe('InvalidTransitGatewayAttachmentID.NotFound');
    const named = { TransitGatewayAttachmentId: vpc };
    expect(refusal(at, 'DeleteTransitGatewayVpcAttachment', named)).toContain(connect);
    expect(at.code('DeleteTransitGatewayConnect', named)).toBe('InvalidTransitGatewayAttachmentID.NotFound');
    at.call('DeleteTransitGatewayConnect', { TransitGatewayAttachmentId: connect });
    at.call('DeleteTransitGatewayVpcAttachment', named);
    const { TransitGatewayConnects: left } = at.call<DescribeTransitGatewayConnectsResult>(
      'DescribeTransitGatewayConnects',
    );
    expect(left).toMatchObject([{ TransitGatewayAttachmentId: connect, State: 'deleted' }]);
  });

  it('need a block of the gateway, a /24 or larger', () => {
    const { at, tgw, vpc } = scene();
    const block = (...TransitGatewayCidrBlocks: string[]) =>
      at.code('CreateTransitGateway', { Options: { TransitGatewayCidrBlocks } });
    for (const text of ['192.0.2.0/25', '2001:db8::/65', '192.0.2.7', 'x']) {
      expect(block(text)).toBe('InvalidParameterValue');
    }
    const without = { RemoveTransitGatewayCidrBlocks: ['192.0.2.0/24'] };
    at.call('ModifyTransitGateway', { TransitGatewayId: tgw, Options: without });
    const { TransitGatewayConnect: made } = at.call<CreateTransitGatewayConnectResult>(
      'CreateTransitGatewayConnect',
      over(vpc),
    );
    const input = peerInput(name(made?.TransitGatewayAttachmentId), 1);
    expect(refusal(at, 'CreateTransitGatewayConnectPeer', input)).toContain('no free address');
  });

  it('take no static routes', () => {
    const { at, tgw, connect } = scene();
    const tables = at.call<{ TransitGatewayRouteTables: { TransitGatewayRouteTableId: string }[] }>(
      'DescribeTransitGatewayRouteTables',
      { Filters: [{ Name: 'transit-gateway-id', Values: [tgw] }] },
    ).TransitGatewayRouteTables;
    const route = {
      TransitGatewayRouteTableId: tables[0]?.TransitGatewayRouteTableId,
      DestinationCidrBlock: '0.0.0.0/0',
      TransitGatewayAttachmentId: connect,
    };
    expect(refusal(at, 'CreateTransitGatewayRoute', route)).toContain('no static routes');
  });
});

describe('Connect peers', () => {
  it('get the first free address of the gateway, two sessions inside, and reach the data plane', () => {
    const { at, connect } = scene();
    takeChanges(at.cloud);
    const first = peer(at, connect, 1);
    expect(first?.ConnectPeerConfiguration).toEqual({
      TransitGatewayAddress: '192.0.2.1',
      PeerAddress: '10.0.0.1',
      InsideCidrBlocks: ['169.254.6.8/29'],
      Protocol: 'gre',
      BgpConfigurations: ['169.254.6.10', '169.254.6.11'].map((TransitGatewayAddress) => ({
        TransitGatewayAddress,
        ...{ TransitGatewayAsn: 64_512, PeerAsn: 65_001, PeerAddress: '169.254.6.9', BgpStatus: 'down' },
      })),
    });
    const changes = takeChanges(at.cloud);
    expect(changes.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      `transit-gateway-connect-peer ${first?.TransitGatewayConnectPeerId}`,
      `transit-gateway-connect-peer ${first?.TransitGatewayConnectPeerId}`,
      ...[1, 2].map((n) => `gateway-speaker ${first?.TransitGatewayConnectPeerId}/${n}`),
    ]);
    expect(peer(at, connect, 2)?.ConnectPeerConfiguration?.TransitGatewayAddress).toBe('192.0.2.2');
    const own = peer(at, connect, 3, { BgpOptions: undefined })?.ConnectPeerConfiguration;
    expect(own?.BgpConfigurations?.[0]?.PeerAsn).toBe(64_512);
  });

  it('are refused where addresses are of no use, taken, or too many', () => {
    const { at, connect, vpc } = scene({ quotas: { connectPeersPerAttachment: 2 } });
    const create = (more: object, n = 1) =>
      at.code('CreateTransitGatewayConnectPeer', peerInput(connect, n, more));
    expect(create({ TransitGatewayAddress: '198.51.100.1' })).toBe('InvalidParameterValue');
    expect(create({ TransitGatewayAttachmentId: vpc })).toBe('InvalidTransitGatewayAttachmentID.NotFound');
    expect(create({ PeerAddress: '10.0.0' })).toBe('InvalidParameterValue');
    expect(create({ PeerAddress: '2001:db8::1' })).toBe('UnsupportedOperation');
    for (const block of ['169.254.6.0/30', '169.254.6.4/29', '169.254.0.0/29', '10.0.0.0/29']) {
      expect(create({ InsideCidrBlocks: [block] })).toBe('InvalidParameterValue');
    }
    peer(at, connect, 1, { TransitGatewayAddress: '192.0.2.2' });
    expect(create({ TransitGatewayAddress: '192.0.2.2', InsideCidrBlocks: ['169.254.9.0/29'] })).toBe(
      'InvalidParameterValue',
    );
    expect(create({ PeerAddress: '10.0.0.7' })).toBe('InvalidParameterValue');
    peer(at, connect, 2);
    expect(create({}, 3)).toBe('TransitGatewayConnectPeerLimitExceeded');
  });

  it('are found by filters, keep their attachment, and are shown as deleted for an hour', () => {
    const { at, connect } = scene();
    const id = name(peer(at, connect, 1)?.TransitGatewayConnectPeerId);
    const find = (Name: string, Value: string) =>
      at
        .call<DescribeTransitGatewayConnectPeersResult>('DescribeTransitGatewayConnectPeers', {
          Filters: [{ Name, Values: [Value] }],
        })
        .TransitGatewayConnectPeers?.map((each) => `${each.TransitGatewayConnectPeerId} ${each.State}`);
    expect(find('transit-gateway-connect-peer-id', id)).toEqual([`${id} available`]);
    expect(find('transit-gateway-attachment-id', connect)).toEqual([`${id} available`]);
    expect(find('state', 'deleted')).toEqual([]);
    const attachment = { TransitGatewayAttachmentId: connect };
    expect(refusal(at, 'DeleteTransitGatewayConnect', attachment)).toContain(id);
    at.call('DeleteTransitGatewayConnectPeer', { TransitGatewayConnectPeerId: id });
    expect(find('state', 'deleted')).toEqual([`${id} deleted`]);
    at.call('DeleteTransitGatewayConnect', attachment);
    at.pass(3_600_000);
    expect(at.code('DescribeTransitGatewayConnectPeers', { TransitGatewayConnectPeerIds: [id] })).toBe(
      'InvalidTransitGatewayConnectPeerID.NotFound',
    );
  });
});

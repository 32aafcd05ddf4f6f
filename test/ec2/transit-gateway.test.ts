/** Transit gateways through the EC2 API: their life, attachments, route tables, routes and peerings. */
import type {
  CreateTransitGatewayPeeringAttachmentResult,
  CreateTransitGatewayResult,
  CreateTransitGatewayRouteTableResult,
  CreateTransitGatewayVpcAttachmentResult,
  DescribeTransitGatewayAttachmentsResult,
  DescribeTransitGatewayPeeringAttachmentsResult,
  DescribeTransitGatewayRouteTablesResult,
  DescribeTransitGatewaysResult,
  DescribeTransitGatewayVpcAttachmentsResult,
  GetTransitGatewayAttachmentPropagationsResult,
  GetTransitGatewayRouteTableAssociationsResult,
  GetTransitGatewayRouteTablePropagationsResult,
  SearchTransitGatewayRoutesResult,
  Subnet,
  TransitGateway,
  Vpc,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { takeChanges } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { name, refusal, type Site, site } from './site.ts';

const HOUR_MS = 3_600_000;

const create = (at: Site, Options: object = {}): string =>
  name(
    at.call<CreateTransitGatewayResult>('CreateTransitGateway', { Options }).TransitGateway?.TransitGatewayId,
  );

const gatewayOf = (at: Site, id: string): TransitGateway =>
  present(
    at.call<DescribeTransitGatewaysResult>('DescribeTransitGateways', { TransitGatewayIds: [id] })
      .TransitGateways?.[0],
    id,
  );

const attachTo = (
  at: Site,
  gateway: string,
  VpcId: string,
  SubnetIds: readonly string[],
  more = {},
): string => {
  const input = { TransitGatewayId: gateway, VpcId, SubnetIds, ...more };
  const made = at.call<CreateTransitGatewayVpcAttachmentResult>('CreateTransitGatewayVpcAttachment', input);
  return name(made.TransitGatewayVpcAttachment?.TransitGatewayAttachmentId);
};

const tableOf = (at: Site, TransitGatewayId: string): string => {
  const made = at.call<CreateTransitGatewayRouteTableResult>('CreateTransitGatewayRouteTable', {
    TransitGatewayId,
  });
  return name(made.TransitGatewayRouteTable?.TransitGatewayRouteTableId);
};

/** Another VPC, with one subnet in zone a. */
function spoke(at: Site, n: number): { readonly vpc: string; readonly subnet: string } {
  const vpc = name(at.call<{ Vpc: Vpc }>('CreateVpc', { CidrBlock: `10.${n}.0.0/16` }).Vpc.VpcId);
  const zone = { AvailabilityZone: 'eu-central-1a' };
  const input = { VpcId: vpc, CidrBlock: `10.${n}.0.0/24`, ...zone };
  return { vpc, subnet: name(at.call<{ Subnet: Subnet }>('CreateSubnet', input).Subnet.SubnetId) };
}

/** A gateway with the site's VPC attached, and its default table. */
function attached(options: CloudOptions = {}) {
  const at = site(options);
  const gateway = create(at);
  const attachment = attachTo(at, gateway, at.vpc, [at.subnets[0]]);
  const table = name(gatewayOf(at, gateway).Options?.AssociationDefaultRouteTableId);
  return { at, gateway, attachment, table };
}

const search = (at: Site, table: string, ...filters: readonly (readonly [string, ...string[]])[]) =>
  (
    at.call<SearchTransitGatewayRoutesResult>('SearchTransitGatewayRoutes', {
      TransitGatewayRouteTableId: table,
      Filters: filters.map(([Name, ...Values]) => ({ Name, Values })),
    }).Routes ?? []
  ).map((route) => {
    const [to] = route.TransitGatewayAttachments ?? [];
    const target = to?.TransitGatewayAttachmentId ?? '-';
    return `${route.DestinationCidrBlock} ${route.Type} ${route.State} ${target}`;
  });

const all = ['type', 'static', 'propagated'] as const;

describe('transit gateways', () => {
  it('are made with a default table for associations and propagations, and shown when deleted', () => {
    const at = site();
    const id = create(at, { AmazonSideAsn: 64_700 });
    const { Options: options, State: state } = gatewayOf(at, id);
    expect([state, options?.AmazonSideAsn, options?.DnsSupport]).toEqual(['available', 64_700, 'enable']);
    expect(options?.PropagationDefaultRouteTableId).toBe(options?.AssociationDefaultRouteTableId);
    at.call('DeleteTransitGateway', { TransitGatewayId: id });
    expect(gatewayOf(at, id).State).toBe('deleted');
    at.pass(HOUR_MS);
    expect(at.code('DescribeTransitGateways', { TransitGatewayIds: [id] })).toBe(
      'InvalidTransitGatewayID.NotFound',
    );
    const tables = at.call<DescribeTransitGatewayRouteTablesResult>('DescribeTransitGatewayRouteTables');
    expect(tables.TransitGatewayRouteTables).toEqual([]);
  });

  it('have no default table where none is wanted, and get one by modification', () => {
    const at = site();
    const off = { DefaultRouteTableAssociation: 'disable', DefaultRouteTablePropagation: 'disable' };
    const id = create(at, off);
    expect(gatewayOf(at, id).Options).not.toHaveProperty('AssociationDefaultRouteTableId');
    const table = tableOf(at, id);
    const modify = (Options: object) => ({ TransitGatewayId: id, Options });
    const on = modify({ DefaultRouteTableAssociation: 'enable' });
    expect(at.code('ModifyTransitGateway', on)).toBe('InvalidParameterCombination');
    const named = { DefaultRouteTableAssociation: 'enable', AssociationDefaultRouteTableId: table };
    at.call('ModifyTransitGateway', modify({ ...named, DnsSupport: 'disable' }));
    expect(gatewayOf(at, id).Options).toMatchObject({
      DnsSupport: 'disable',
      DefaultRouteTableAssociation: 'enable',
      AssociationDefaultRouteTableId: table,
    });
    expect(refusal(at, 'DeleteTransitGatewayRouteTable', { TransitGatewayRouteTableId: table })).toMatch(
      /^IncorrectState: .* default route table/,
    );
  });

  it('are refused: strange AS numbers, more than the quota, deletion with attachments or tables', () => {
    const { at, gateway, attachment } = attached({ quotas: { transitGateways: 1 } });
    expect(at.code('CreateTransitGateway')).toBe('TransitGatewayLimitExceeded');
    const other = site();
    expect(other.code('CreateTransitGateway', { Options: { AmazonSideAsn: 1 } })).toBe(
      'InvalidParameterValue',
    );
    expect(refusal(at, 'DeleteTransitGateway', { TransitGatewayId: gateway })).toBe(
      `IncorrectState: ${gateway} has non-deleted Transit Gateway Attachments: ${attachment}.`,
    );
    at.call('DeleteTransitGatewayVpcAttachment', { TransitGatewayAttachmentId: attachment });
    const table = tableOf(at, gateway);
    expect(at.code('DeleteTransitGateway', { TransitGatewayId: gateway })).toBe('IncorrectState');
    at.call('DeleteTransitGatewayRouteTable', { TransitGatewayRouteTableId: table });
    at.call('DeleteTransitGateway', { TransitGatewayId: gateway });
  });
});

describe('VPC attachments', () => {
  it('are associated and propagate by default, and reach the data plane', () => {
    const { at, gateway, attachment, table } = attached();
    const { TransitGatewayVpcAttachments: shown } = at.call<DescribeTransitGatewayVpcAttachmentsResult>(
      'DescribeTransitGatewayVpcAttachments',
    );
    expect(shown?.[0]).toMatchObject({ State: 'available', VpcId: at.vpc, SubnetIds: [at.subnets[0]] });
    expect(search(at, table, all)).toEqual([`10.0.0.0/16 propagated active ${attachment}`]);
    const link = { kind: 'vpc', vpc: at.vpc, subnets: [at.subnets[0]] };
    const changes = takeChanges(at.cloud).filter(({ kind }) => kind.startsWith('transit-gateway'));
    const value = { id: attachment, gateway, available: true, link, applianceMode: false, routeTable: table };
    expect(changes.findLast(({ kind }) => kind === 'transit-gateway-attachment')?.value).toEqual(value);
    expect(changes.at(-1)?.value).toEqual({
      id: table,
      gateway,
      routes: [{ destination: '10.0.0.0/16', paths: [{ attachment }] }],
      shadowed: [],
    });
  });

  it('are one for each VPC and gateway, with one subnet for each zone, of the VPC', () => {
    const { at, gateway } = attached();
    const ask = (more: object): string =>
      at.code('CreateTransitGatewayVpcAttachment', { TransitGatewayId: gateway, ...more });
    expect(ask({ VpcId: at.vpc, SubnetIds: [at.subnets[1]] })).toBe('DuplicateTransitGatewayAttachment');
    const other = spoke(at, 1);
    expect(ask({ VpcId: other.vpc, SubnetIds: [at.subnets[0]] })).toBe('InvalidParameterValue');
    const twin = at.call<{ Subnet: Subnet }>('CreateSubnet', {
      VpcId: other.vpc,
      CidrBlock: '10.1.1.0/24',
      AvailabilityZone: 'eu-central-1a',
    }).Subnet;
    const SubnetIds = [other.subnet, name(twin.SubnetId)];
    expect(ask({ VpcId: other.vpc, SubnetIds })).toBe('DuplicateSubnetsInSameZone');
  });

  it('are modified: subnets added and removed, appliance mode', () => {
    const { at, attachment } = attached();
    at.call('ModifyTransitGatewayVpcAttachment', {
      TransitGatewayAttachmentId: attachment,
      AddSubnetIds: [at.subnets[1]],
      RemoveSubnetIds: [at.subnets[0]],
      Options: { ApplianceModeSupport: 'enable' },
    });
    const value = takeChanges(at.cloud).findLast(({ id }) => id === attachment)?.value;
    expect(value).toMatchObject({ available: true, applianceMode: true, link: { subnets: [at.subnets[1]] } });
    const strange = { TransitGatewayAttachmentId: attachment, RemoveSubnetIds: [at.subnets[0]] };
    expect(at.code('ModifyTransitGatewayVpcAttachment', strange)).toBe('InvalidParameterValue');
  });

  it('keep VPC and subnets from being deleted; when deleted, static routes to them turn blackhole', () => {
    const { at, attachment, table } = attached();
    expect(at.code('DeleteSubnet', { SubnetId: at.subnets[0] })).toBe('DependencyViolation');
    at.call('CreateTransitGatewayRoute', {
      TransitGatewayRouteTableId: table,
      DestinationCidrBlock: '0.0.0.0/0',
      TransitGatewayAttachmentId: attachment,
    });
    at.call('DeleteTransitGatewayVpcAttachment', { TransitGatewayAttachmentId: attachment });
    expect(search(at, table, all)).toEqual([`0.0.0.0/0 static blackhole ${attachment}`]);
    at.call('DeleteSubnet', { SubnetId: at.subnets[0] });
    const found = at.call<DescribeTransitGatewayAttachmentsResult>('DescribeTransitGatewayAttachments');
    expect(found.TransitGatewayAttachments?.map(({ State }) => State)).toEqual(['deleted']);
    at.pass(HOUR_MS);
    const gone = { TransitGatewayAttachmentIds: [attachment] };
    expect(at.code('DescribeTransitGatewayVpcAttachments', gone)).toBe(
      'InvalidTransitGatewayAttachmentID.NotFound',
    );
  });

  it('propagate new blocks of their VPC, and none that overlaps an older attachment', () => {
    const { at, gateway, attachment, table } = attached();
    const late = spoke(at, 0);
    attachTo(at, gateway, late.vpc, [late.subnet]);
    const block = { VpcId: at.vpc, CidrBlock: '10.50.0.0/16' };
    at.call('AssociateVpcCidrBlock', block);
    expect(search(at, table, all)).toEqual([
      `10.0.0.0/16 propagated active ${attachment}`,
      `10.50.0.0/16 propagated active ${attachment}`,
    ]);
    at.call('DeleteTransitGatewayVpcAttachment', { TransitGatewayAttachmentId: attachment });
    expect(search(at, table, all)).toEqual([expect.stringContaining('10.0.0.0/16 propagated active')]);
  });
});

describe('transit gateway route tables', () => {
  it('have one association for each attachment, and say which', () => {
    const { at, gateway, attachment, table } = attached();
    const other = tableOf(at, gateway);
    const pair = { TransitGatewayRouteTableId: other, TransitGatewayAttachmentId: attachment };
    expect(refusal(at, 'AssociateTransitGatewayRouteTable', pair)).toMatch(/^Resource.AlreadyAssociated/);
    expect(at.code('DisassociateTransitGatewayRouteTable', pair)).toBe('InvalidAssociation.NotFound');
    at.call('DisassociateTransitGatewayRouteTable', { ...pair, TransitGatewayRouteTableId: table });
    at.call('AssociateTransitGatewayRouteTable', pair);
    const get = (TransitGatewayRouteTableId: string, ...Values: string[]) =>
      at.call<GetTransitGatewayRouteTableAssociationsResult>('GetTransitGatewayRouteTableAssociations', {
        TransitGatewayRouteTableId,
        Filters: [{ Name: 'transit-gateway-attachment-id', Values }],
      }).Associations;
    expect(get(table, attachment)).toEqual([]);
    expect(get(other, 'tgw-attach-0')).toEqual([]);
    expect(get(other, attachment)).toEqual([
      {
        TransitGatewayAttachmentId: attachment,
        ResourceId: at.vpc,
        ResourceType: 'vpc',
        State: 'associated',
      },
    ]);
    const inUse = { TransitGatewayRouteTableId: other };
    expect(refusal(at, 'DeleteTransitGatewayRouteTable', inUse)).toMatch(/^IncorrectState: .*associated/);
  });

  it('learn from any number of attachments, each once', () => {
    const { at, gateway, attachment, table } = attached();
    const other = tableOf(at, gateway);
    const pair = { TransitGatewayRouteTableId: other, TransitGatewayAttachmentId: attachment };
    at.call('EnableTransitGatewayRouteTablePropagation', pair);
    expect(at.code('EnableTransitGatewayRouteTablePropagation', pair)).toBe(
      'TransitGatewayRouteTablePropagation.Duplicate',
    );
    const propagations = at.call<GetTransitGatewayAttachmentPropagationsResult>(
      'GetTransitGatewayAttachmentPropagations',
      { TransitGatewayAttachmentId: attachment },
    );
    const tables = propagations.TransitGatewayAttachmentPropagations?.map(
      (each) => each.TransitGatewayRouteTableId,
    );
    expect(tables).toEqual([table, other]);
    const learnt = () =>
      at.call<GetTransitGatewayRouteTablePropagationsResult>('GetTransitGatewayRouteTablePropagations', {
        TransitGatewayRouteTableId: other,
      }).TransitGatewayRouteTablePropagations?.length;
    expect([learnt(), search(at, other, all).length]).toEqual([1, 1]);
    at.call('DisableTransitGatewayRouteTablePropagation', pair);
    expect([learnt(), search(at, other, all).length]).toEqual([0, 0]);
    expect(at.code('DisableTransitGatewayRouteTablePropagation', pair)).toBe(
      'TransitGatewayRouteTablePropagation.NotFound',
    );
  });
});

describe('transit gateway routes', () => {
  const routeOf = (table: string, DestinationCidrBlock: string, more: object = {}) => ({
    TransitGatewayRouteTableId: table,
    DestinationCidrBlock,
    ...more,
  });

  it('are static or blackholes, once for each destination, replaced and deleted by it', () => {
    const { at, attachment, table } = attached();
    const to = { TransitGatewayAttachmentId: attachment };
    const make = (destination: string, more: object) =>
      at.call('CreateTransitGatewayRoute', routeOf(table, destination, more));
    make('192.0.2.77/24', to);
    make('198.51.100.0/24', { Blackhole: true, TransitGatewayAttachmentId: '' });
    const ask = (action: string, destination: string, more: object = {}): string =>
      at.code(action, routeOf(table, destination, more));
    expect(ask('CreateTransitGatewayRoute', '192.0.2.0/24', to)).toBe('RouteAlreadyExists');
    expect(ask('CreateTransitGatewayRoute', '203.0.113.0/24')).toBe('InvalidParameterCombination');
    expect(ask('CreateTransitGatewayRoute', '203.0.113.0/24', { ...to, Blackhole: true })).toBe(
      'InvalidParameterCombination',
    );
    expect(ask('DeleteTransitGatewayRoute', '203.0.113.0/24')).toBe('InvalidRoute.NotFound');
    at.call('ReplaceTransitGatewayRoute', routeOf(table, '192.0.2.0/24', { Blackhole: true }));
    at.call('DeleteTransitGatewayRoute', routeOf(table, '198.51.100.0/24'));
    expect(search(at, table, ['type', 'static'])).toEqual(['192.0.2.0/24 static blackhole -']);
    expect(search(at, table, ['state', 'active'])).toHaveLength(1);
  });

  it('shadow propagated ones of the same destination, for searches and for packets', () => {
    const { at, attachment, gateway, table } = attached();
    at.call('CreateTransitGatewayRoute', routeOf(table, '10.0.0.0/16', { Blackhole: true }));
    expect(search(at, table, all)).toEqual(['10.0.0.0/16 static blackhole -']);
    expect(takeChanges(at.cloud).at(-1)?.value).toEqual({
      id: table,
      gateway,
      routes: [{ destination: '10.0.0.0/16', paths: [] }],
      shadowed: [{ destination: '10.0.0.0/16', paths: [{ attachment }] }],
    });
  });

  it('are searched by address in four ways', () => {
    const { at, table } = attached();
    for (const destination of ['0.0.0.0/0', '10.0.0.0/8', '10.0.7.0/24']) {
      at.call('CreateTransitGatewayRoute', routeOf(table, destination, { Blackhole: true }));
    }
    const by = (kind: string, text: string): string[] =>
      search(at, table, [`route-search.${kind}`, text]).map((row) => row.split(' ')[0] ?? '');
    expect(by('exact-match', '10.0.0.0/8')).toEqual(['10.0.0.0/8']);
    expect(by('longest-prefix-match', '10.0.7.1')).toEqual(['10.0.7.0/24']);
    expect(by('longest-prefix-match', '10.0.8.0/24')).toEqual(['10.0.0.0/16']);
    expect(by('subnet-of-match', '10.0.0.0/15')).toEqual(['10.0.7.0/24', '10.0.0.0/16']);
    expect(by('supernet-of-match', '10.0.0.0/16')).toEqual(['0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/16']);
    const wrong = {
      TransitGatewayRouteTableId: table,
      Filters: [{ Name: 'route-search.x', Values: ['1.1.1.1/32'] }],
    };
    expect(at.code('SearchTransitGatewayRoutes', wrong)).toBe('InvalidParameterValue');
  });

  it('of VPCs name a gateway only where their VPC is attached to it, and turn blackhole', () => {
    const { at, gateway, attachment } = attached();
    const route = { RouteTableId: at.table, DestinationCidrBlock: '10.0.0.0/8', TransitGatewayId: gateway };
    at.call('CreateRoute', route);
    expect(at.routes()[1]).toMatchObject({ TransitGatewayId: gateway, State: 'active' });
    at.call('DeleteTransitGatewayVpcAttachment', { TransitGatewayAttachmentId: attachment });
    expect(at.routes()[1]?.State).toBe('blackhole');
    const again = { ...route, DestinationCidrBlock: '192.0.2.0/24' };
    expect(at.code('CreateRoute', again)).toBe('InvalidTransitGatewayID.NotFound');
  });
});

describe('peering attachments', () => {
  const statesOf = (at: Site) =>
    at
      .call<DescribeTransitGatewayPeeringAttachmentsResult>('DescribeTransitGatewayPeeringAttachments')
      .TransitGatewayPeeringAttachments?.map(({ State }) => State);

  function requested() {
    const { at, gateway, table } = attached();
    const far = create(at);
    const ask = { TransitGatewayId: gateway, PeerTransitGatewayId: far, PeerAccountId: '111122223333' };
    const input = { ...ask, PeerRegion: 'eu-central-1' };
    const made = at.call<CreateTransitGatewayPeeringAttachmentResult>(
      'CreateTransitGatewayPeeringAttachment',
      input,
    ).TransitGatewayPeeringAttachment;
    return { at, far, table, input, id: name(made?.TransitGatewayAttachmentId) };
  }

  it('are accepted for both gateways at once, routed to by static routes only, and deleted', () => {
    const { at, table, input, id } = requested();
    expect(statesOf(at)).toEqual(['pendingAcceptance', 'pendingAcceptance']);
    expect(at.code('CreateTransitGatewayPeeringAttachment', input)).toBe('DuplicateTransitGatewayAttachment');
    const named = { TransitGatewayAttachmentId: id };
    at.call('AcceptTransitGatewayPeeringAttachment', named);
    expect(statesOf(at)).toEqual(['available', 'available']);
    expect(takeChanges(at.cloud).findLast((change) => change.id === id)?.value).toMatchObject({
      available: true,
      link: { kind: 'peering' },
      routeTable: table,
    });
    const pair = { TransitGatewayRouteTableId: table, ...named };
    expect(at.code('EnableTransitGatewayRouteTablePropagation', pair)).toBe('InvalidParameterValue');
    at.call('CreateTransitGatewayRoute', { ...pair, DestinationCidrBlock: '10.9.0.0/16' });
    expect(search(at, table, ['attachment.resource-type', 'peering'])).toHaveLength(1);
    at.call('DeleteTransitGatewayPeeringAttachment', named);
    expect(statesOf(at)).toEqual(['deleted', 'deleted']);
    expect(search(at, table, ['type', 'static'])).toEqual([`10.9.0.0/16 static blackhole ${id}`]);
  });

  it('are rejected, and refused from a wrong state, with itself and beyond account and region', () => {
    const { at, far, input, id } = requested();
    at.call('RejectTransitGatewayPeeringAttachment', { TransitGatewayAttachmentId: id });
    expect(statesOf(at)).toEqual(['rejected', 'rejected']);
    const named = { TransitGatewayAttachmentId: id };
    expect(at.code('AcceptTransitGatewayPeeringAttachment', named)).toBe('IncorrectState');
    const ask = (more: object) => at.code('CreateTransitGatewayPeeringAttachment', { ...input, ...more });
    expect(ask({ PeerRegion: 'us-east-1' })).toBe('UnsupportedOperation');
    expect(ask({ TransitGatewayId: far })).toBe('InvalidParameterValue');
  });
});

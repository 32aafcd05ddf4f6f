/** Route servers: made, changed, deleted; the VPC that each serves, and the tables that it propagates to. */
import type {
  AssociateRouteServerRequest,
  AssociateRouteServerResult,
  CreateRouteServerRequest,
  CreateRouteServerResult,
  DeleteRouteServerRequest,
  DeleteRouteServerResult,
  DescribeRouteServersRequest,
  DescribeRouteServersResult,
  DisableRouteServerPropagationRequest,
  DisableRouteServerPropagationResult,
  DisassociateRouteServerRequest,
  DisassociateRouteServerResult,
  EnableRouteServerPropagationRequest,
  EnableRouteServerPropagationResult,
  GetRouteServerAssociationsRequest,
  GetRouteServerAssociationsResult,
  GetRouteServerPropagationsRequest,
  GetRouteServerPropagationsResult,
  ModifyRouteServerRequest,
  ModifyRouteServerResult,
  RouteServer,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { RouteServerRecord } from '../record/routing.ts';
import { invalidValue, refuse } from '../refusal.ts';
import { begin, needPart, refreshRouteServer, retire, withdrawFrom } from '../route-server.ts';
import { specifiedTags } from '../tags.ts';

const KIND = 'route-server';

const filters: Filters<RouteServerRecord> = {
  'amazon-side-asn': (server) => server.asn,
  'route-server-id': (server) => server.id,
  state: (server) => server.state,
  'vpc-id': (server) => server.vpc,
};

const shown = (tx: Tx, server: RouteServerRecord): RouteServer => ({
  RouteServerId: server.id,
  AmazonSideAsn: server.asn,
  State: server.state,
  PersistRoutesState: server.persist.on ? 'enabled' : 'disabled',
  ...(server.persist.on && { PersistRoutesDuration: server.persist.minutes }),
  SnsNotificationsEnabled: server.notifies,
  ...(server.notifies && {
    SnsTopicArn: `arn:aws:sns:${tx.region}:${server.account}:${server.id}`,
  }),
  Tags: shownTags(server.tags),
});

function minutesOf(on: boolean, minutes: number | undefined): number {
  if (minutes !== undefined && !on) {
    const why = 'PersistRoutesDuration may be given only where PersistRoutes is enable.';
    refuse('InvalidParameterCombination', why);
  }
  const given = minutes ?? 1;
  if (given < 1 || given > 5) invalidValue('persistRoutesDuration', given, 'It must be from 1 to 5 minutes.');
  return given;
}

function create(tx: Tx, input: CreateRouteServerRequest): CreateRouteServerResult {
  const { AmazonSideAsn: asn = 0, PersistRoutes: persist = 'disable' } = input;
  if (asn < 1 || asn > 4_294_967_295) invalidValue('amazonSideAsn', asn);
  if (persist !== 'enable' && persist !== 'disable') invalidValue('persistRoutes', persist);
  const on = persist === 'enable';
  const server = tx.put(KIND, {
    id: tx.newId('rs'),
    tags: specifiedTags(tx, input.TagSpecifications, KIND),
    account: tx.account,
    state: 'pending',
    asn,
    persist: { on, minutes: minutesOf(on, input.PersistRoutesDuration) },
    notifies: input.SnsNotificationsEnabled ?? false,
    tables: [],
    paths: [],
  });
  begin(tx, server.id);
  return { RouteServer: shown(tx, server) };
}

/** `reset` forgets what has outlived its sessions, and leaves the setting alone. */
function modify(tx: Tx, input: ModifyRouteServerRequest): ModifyRouteServerResult {
  const server = needPart(tx, KIND, input.RouteServerId ?? '');
  const { PersistRoutes: persist, PersistRoutesDuration: minutes } = input;
  const on = persist === 'enable' || (persist !== 'disable' && server.persist.on);
  const { persisted, ...rest } = server;
  const changed = tx.put(KIND, {
    ...(persist === 'reset' ? { ...rest, paths: [] } : server),
    persist: { on, minutes: minutes === undefined ? server.persist.minutes : minutesOf(on, minutes) },
    notifies: input.SnsNotificationsEnabled ?? server.notifies,
  });
  refreshRouteServer(tx, server.id);
  return { RouteServer: shown(tx, changed) };
}

function remove(tx: Tx, input: DeleteRouteServerRequest): DeleteRouteServerResult {
  const server = needPart(tx, KIND, input.RouteServerId ?? '');
  const endpoints = tx.referring('route-server-endpoint', server.id);
  if (server.vpc !== undefined || endpoints.length > 0) {
    const by = [...endpoints.map(({ id }) => id), ...(server.vpc === undefined ? [] : [server.vpc])];
    refuse('IncorrectState', `The route server '${server.id}' is in use by ${by.join(', ')}`);
  }
  retire(tx, server.id);
  return { RouteServer: { ...shown(tx, server), State: 'deleting' } };
}

function associate(tx: Tx, input: AssociateRouteServerRequest): AssociateRouteServerResult {
  const server = needPart(tx, KIND, input.RouteServerId ?? '');
  const vpc = tx.need('vpc', input.VpcId ?? '');
  if (server.vpc !== undefined && server.vpc !== vpc.id)
    refuse('IncorrectState', `The route server '${server.id}' is associated with ${server.vpc} already`);
  const { routeServersPerVpc: most } = tx.settings.quotas;
  if (tx.referring(KIND, vpc.id).filter(({ id }) => id !== server.id).length >= most)
    refuse('RouteServerLimitExceeded', `The maximum number of route servers of ${vpc.id} is ${most}.`);
  tx.put(KIND, { ...server, vpc: vpc.id });
  return { RouteServerAssociation: { RouteServerId: server.id, VpcId: vpc.id, State: 'associating' } };
}

/** The route server, if it serves the VPC. */
function needAssociated(tx: Tx, id: string, vpc: string): RouteServerRecord {
  const server = needPart(tx, KIND, id);
  if (server.vpc !== vpc)
    refuse('InvalidRouteServerId.NotAssociated', `The route server '${id}' is not associated with ${vpc}`);
  return server;
}

function disassociate(tx: Tx, input: DisassociateRouteServerRequest): DisassociateRouteServerResult {
  const { vpc = '', ...server } = needAssociated(tx, input.RouteServerId ?? '', input.VpcId ?? '');
  const endpoints = tx.referring('route-server-endpoint', server.id);
  if (endpoints.length > 0 || server.tables.length > 0) {
    const by = [...endpoints.map(({ id }) => id), ...server.tables].join(', ');
    refuse('IncorrectState', `The route server '${server.id}' is in use in ${vpc} by ${by}`);
  }
  tx.put(KIND, server);
  return { RouteServerAssociation: { RouteServerId: server.id, VpcId: vpc, State: 'disassociating' } };
}

function enable(tx: Tx, input: EnableRouteServerPropagationRequest): EnableRouteServerPropagationResult {
  const table = tx.need('route-table', input.RouteTableId ?? '');
  const server = needAssociated(tx, input.RouteServerId ?? '', table.vpc);
  if (table.associations.some(({ gateway }) => gateway?.startsWith('vgw-'))) {
    const why = 'is associated with a virtual private gateway, and cannot have routes of a route server.';
    refuse('InvalidParameterValue', `Route table ${table.id} ${why}`);
  }
  tx.put(KIND, { ...server, tables: [...server.tables.filter((each) => each !== table.id), table.id] });
  refreshRouteServer(tx, server.id);
  return {
    RouteServerPropagation: { RouteServerId: server.id, RouteTableId: table.id, State: 'pending' },
  };
}

function disable(tx: Tx, input: DisableRouteServerPropagationRequest): DisableRouteServerPropagationResult {
  const server = tx.need(KIND, input.RouteServerId ?? '');
  const { RouteTableId: table = '' } = input;
  if (!server.tables.includes(table))
    refuse('InvalidRouteServerId.NotPropagated', `'${server.id}' does not propagate to ${table}`);
  tx.put(KIND, { ...server, tables: server.tables.filter((each) => each !== table) });
  withdrawFrom(tx, server.id, table);
  return { RouteServerPropagation: { RouteServerId: server.id, RouteTableId: table, State: 'deleting' } };
}

function propagations(tx: Tx, input: GetRouteServerPropagationsRequest): GetRouteServerPropagationsResult {
  const server = tx.need(KIND, input.RouteServerId ?? '');
  const only = input.RouteTableId === undefined ? undefined : tx.need('route-table', input.RouteTableId).id;
  const there = server.tables.filter((each) => tx.get('route-table', each) !== undefined);
  return {
    RouteServerPropagations: there
      .filter((each) => only === undefined || each === only)
      .map((RouteTableId) => ({ RouteServerId: server.id, RouteTableId, State: 'available' })),
  };
}

export const routeServerHandlers: Handlers = {
  CreateRouteServer: handler(create),
  ModifyRouteServer: handler(modify),
  DeleteRouteServer: handler(remove),
  DescribeRouteServers: handler((tx, input: DescribeRouteServersRequest): DescribeRouteServersResult => {
    const page = describe(tx, { kind: KIND, ids: input.RouteServerIds, input, filters });
    return { RouteServers: page.records.map((each) => shown(tx, each)), ...page.next };
  }),
  AssociateRouteServer: handler(associate),
  DisassociateRouteServer: handler(disassociate),
  GetRouteServerAssociations: handler(
    (tx, { RouteServerId: id = '' }: GetRouteServerAssociationsRequest): GetRouteServerAssociationsResult => {
      const { vpc: VpcId } = tx.need(KIND, id);
      const found = VpcId === undefined ? [] : [{ RouteServerId: id, VpcId, State: 'associated' as const }];
      return { RouteServerAssociations: found };
    },
  ),
  EnableRouteServerPropagation: handler(enable),
  DisableRouteServerPropagation: handler(disable),
  GetRouteServerPropagations: handler(propagations),
};

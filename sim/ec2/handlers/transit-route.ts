/** Routes of transit gateway route tables: static ones made and deleted, all of them searched. */
import type {
  CreateTransitGatewayRouteRequest,
  CreateTransitGatewayRouteResult,
  DeleteTransitGatewayRouteRequest,
  DeleteTransitGatewayRouteResult,
  Filter,
  ReplaceTransitGatewayRouteRequest,
  ReplaceTransitGatewayRouteResult,
  SearchTransitGatewayRoutesRequest,
  SearchTransitGatewayRoutesResult,
  TransitGatewayRoute,
} from '@aws-sdk/client-ec2';
import {
  contains,
  covers,
  formatPrefix,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefix,
} from '../../../controller/base/ip.ts';
import { present } from '../../../controller/base/result.ts';
import { type Filters, matcher, paginate } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { AttachmentRecord, TransitRouteTableRecord } from '../record/connectivity.ts';
import { invalidValue, missing, refuse } from '../refusal.ts';
import { announceTable, needAvailable, resourceOf } from '../transit-gateway.ts';

const KIND = 'transit-gateway-route-table';

function destinationOf(text: string | undefined): string {
  const parsed = parsePrefix(text ?? missing('destinationCidrBlock'), 'clear');
  return parsed.ok
    ? formatPrefix(parsed.value)
    : invalidValue('destinationCidrBlock', text, 'This is not a valid CIDR block.');
}

/** A route with all that a search asks of it. */
interface Row {
  readonly destination: string;
  /** All that the flows share; none of a blackhole. */
  readonly attachments: readonly string[];
  readonly type: 'static' | 'propagated';
  readonly tags: Readonly<Record<string, string>>;
}

/** The routes that count: a propagated one is not shown where a static one has its destination. */
function rowsOf(table: TransitRouteTableRecord): Row[] {
  const statics = table.statics.map(staticRow);
  const taken = new Set(statics.map((row) => row.destination));
  const learnt = table.propagated.map(({ destination, paths }): Row => {
    const attachments = [...new Set(paths.map(({ attachment }) => attachment))];
    return { destination, attachments, type: 'propagated', tags: {} };
  });
  return [...statics, ...learnt.filter((row) => !taken.has(row.destination))];
}

function staticRow({ destination, attachment }: TransitRouteTableRecord['statics'][number]): Row {
  const attachments = attachment === undefined ? [] : [attachment];
  return { destination, attachments, type: 'static', tags: {} };
}

const recordsOf = (tx: Tx, { attachments }: Row): readonly AttachmentRecord[] =>
  attachments.flatMap((id) => tx.get('transit-gateway-attachment', id) ?? []);

const stateOf = (tx: Tx, row: Row): 'active' | 'blackhole' =>
  recordsOf(tx, row).some(({ state }) => state === 'available' || state === 'modifying')
    ? 'active'
    : 'blackhole';

function shown(tx: Tx, row: Row): TransitGatewayRoute {
  const attachments = recordsOf(tx, row);
  return {
    DestinationCidrBlock: row.destination,
    Type: row.type,
    State: stateOf(tx, row),
    ...(attachments.length > 0 && {
      TransitGatewayAttachments: attachments.map((each) => ({
        TransitGatewayAttachmentId: each.id,
        ...resourceOf(each),
      })),
    }),
  };
}

interface Asked {
  readonly TransitGatewayAttachmentId?: string | undefined;
  readonly Blackhole?: boolean | undefined;
}

/**
 * The static route that a request wants: to an attachment of the gateway, or a blackhole. Clients name no
 * attachment by an empty text too.
 */
function routeOf(tx: Tx, table: TransitRouteTableRecord, destination: string, asked: Asked) {
  const { TransitGatewayAttachmentId: given, Blackhole: blackhole = false } = asked;
  const id = given === '' ? undefined : given;
  if (blackhole === (id !== undefined)) {
    const names = 'transitGatewayAttachmentId or blackhole';
    refuse('InvalidParameterCombination', `The request must contain exactly one of ${names}`);
  }
  if (id === undefined) return { destination };
  const attachment = needAvailable(tx.need('transit-gateway-attachment', id));
  if (attachment.gateway !== table.gateway) {
    refuse('InvalidParameterValue', `${id} and ${table.id} are of different transit gateways`);
  }
  if (attachment.link.kind === 'connect') {
    refuse('InvalidParameterValue', `${id} is a Connect attachment, which takes no static routes`);
  }
  return { destination, attachment: id };
}

function create(tx: Tx, input: CreateTransitGatewayRouteRequest): CreateTransitGatewayRouteResult {
  const table = needAvailable(tx.need(KIND, input.TransitGatewayRouteTableId ?? ''));
  const destination = destinationOf(input.DestinationCidrBlock);
  if (table.statics.some((each) => each.destination === destination)) {
    refuse(
      'RouteAlreadyExists',
      `Route ${destination} already exists in Transit Gateway Route Table ${table.id}`,
    );
  }
  const { routesPerTransitGateway: most } = tx.settings.quotas;
  const tables = tx.referring(KIND, table.gateway);
  if (tables.reduce((sum, each) => sum + each.statics.length, 0) >= most) {
    const why = `The maximum number of static routes of ${table.gateway} has been reached (${most}).`;
    refuse('RouteLimitExceeded', why);
  }
  const route = routeOf(tx, table, destination, input);
  tx.put(KIND, { ...table, statics: [...table.statics, route] });
  announceTable(tx, table.id);
  return { Route: shown(tx, staticRow(route)) };
}

/** Where a static route stands in its table; refused where there is none of the destination. */
function indexOf(table: TransitRouteTableRecord, destination: string): number {
  const index = table.statics.findIndex((each) => each.destination === destination);
  if (index >= 0) return index;
  const why = `Route ${destination} does not exist in Transit Gateway Route Table ${table.id}`;
  return refuse('InvalidRoute.NotFound', why);
}

function replace(tx: Tx, input: ReplaceTransitGatewayRouteRequest): ReplaceTransitGatewayRouteResult {
  const table = needAvailable(tx.need(KIND, input.TransitGatewayRouteTableId ?? ''));
  const destination = destinationOf(input.DestinationCidrBlock);
  const index = indexOf(table, destination);
  const route = routeOf(tx, table, destination, input);
  tx.put(KIND, { ...table, statics: table.statics.with(index, route) });
  announceTable(tx, table.id);
  return { Route: shown(tx, staticRow(route)) };
}

function remove(tx: Tx, input: DeleteTransitGatewayRouteRequest): DeleteTransitGatewayRouteResult {
  const table = needAvailable(tx.need(KIND, input.TransitGatewayRouteTableId ?? ''));
  const index = indexOf(table, destinationOf(input.DestinationCidrBlock));
  const row = staticRow(present(table.statics[index], 'the route'));
  tx.put(KIND, { ...table, statics: table.statics.toSpliced(index, 1) });
  announceTable(tx, table.id);
  return { Route: { ...shown(tx, row), State: 'deleted' } };
}

const filters: Filters<Row> = {
  'attachment.transit-gateway-attachment-id': (row) => row.attachments,
  'attachment.resource-id': (row, tx) => recordsOf(tx, row).map((each) => resourceOf(each).ResourceId),
  'attachment.resource-type': (row, tx) => recordsOf(tx, row).map((each) => resourceOf(each).ResourceType),
  'prefix-list-id': () => undefined,
  state: (row, tx) => stateOf(tx, row),
  type: (row) => row.type,
};

/** Narrows the routes of a table to those that a search by address finds. */
type Searches = Readonly<Record<string, (rows: readonly Row[], text: string) => readonly Row[]>>;

const searches: Searches = {
  'route-search.exact-match': (rows, text) => {
    const asked = formatPrefix(blockOf('route-search.exact-match', text));
    return rows.filter((row) => row.destination === asked);
  },
  'route-search.longest-prefix-match': (rows, text) => {
    const address = parseAddress(text);
    const block = address.ok ? undefined : blockOf('route-search.longest-prefix-match', text);
    const holds = (route: Prefix): boolean =>
      address.ok ? contains(route, address.value) : block !== undefined && covers(route, block);
    const found = rows.filter((row) => holds(prefix(row.destination)));
    return found.sort((a, b) => prefix(b.destination).length - prefix(a.destination).length).slice(0, 1);
  },
  'route-search.subnet-of-match': (rows, text) => {
    const block = blockOf('route-search.subnet-of-match', text);
    return rows.filter((row) => covers(block, prefix(row.destination)));
  },
  'route-search.supernet-of-match': (rows, text) => {
    const block = blockOf('route-search.supernet-of-match', text);
    return rows.filter((row) => covers(prefix(row.destination), block));
  },
};

function blockOf(filter: string, text: string): Prefix {
  const parsed = parsePrefix(text, 'clear');
  return parsed.ok ? parsed.value : invalidValue(filter, text, 'This is not a valid CIDR block.');
}

function find(tx: Tx, input: SearchTransitGatewayRoutesRequest): SearchTransitGatewayRoutesResult {
  const table = tx.need(KIND, input.TransitGatewayRouteTableId ?? '');
  const { Filters: asked = [] } = input;
  const isSearch = ({ Name = '' }: Filter): boolean => Object.hasOwn(searches, Name);
  const plain = rowsOf(table).filter(
    matcher(
      tx,
      asked.filter((each) => !isSearch(each)),
      filters,
    ),
  );
  const found = asked.filter(isSearch).reduce<readonly Row[]>((rows, { Name = '', Values = [] }) => {
    return [...new Set(Values.flatMap((text) => searches[Name]?.(rows, text) ?? []))];
  }, plain);
  const { records, next } = paginate(
    found,
    { ...input, MaxResults: input.MaxResults ?? (found.length > 1000 ? 1000 : undefined) },
    ({ destination, attachments }) => [destination, ...attachments],
  );
  return {
    Routes: records.map((row) => shown(tx, row)),
    AdditionalRoutesAvailable: next.NextToken !== undefined,
    ...next,
  };
}

export const transitRouteHandlers: Handlers = {
  CreateTransitGatewayRoute: handler(create),
  ReplaceTransitGatewayRoute: handler(replace),
  DeleteTransitGatewayRoute: handler(remove),
  SearchTransitGatewayRoutes: handler(find),
};

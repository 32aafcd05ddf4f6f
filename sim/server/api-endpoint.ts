/**
 * The HTTP face of the APIs: one path, a form as body (or a query string), XML as answer; of Direct Connect,
 * Systems Manager and DynamoDB, JSON.
 * The SigV4 header is read for account, region and service; signatures are not checked.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import {
  contentTypeOf,
  type Decoded,
  decodeRequest,
  decodeTarget,
  encodeFault,
  encodeReply,
  type Fault,
  MAX_BODY_BYTES,
} from '../ec2/codec.ts';
import { sessionOf } from '../ec2/iam/principal.ts';
import { SERVICES, type ServiceName } from '../ec2/shape.ts';
import { type Api, request as callApi } from '../world/api.ts';
import { askTables } from '../world/dynamodb.ts';
import { DEFAULT_ACCOUNT } from '../world/settings.ts';
import { readBody } from './body.ts';

const DEFAULT_REGION = 'us-east-1';

/** Who signed a request, and for which region and service. */
export interface Signer {
  readonly account: string;
  readonly region: string;
  readonly service?: ServiceName;
  /** The role's session whose token came along. */
  readonly principal?: string;
}

/**
 * Reads `Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...` (SigV4), or
 * its query form; `token` is the header `X-Amz-Security-Token`.
 */
export function signerOf(authorization: string | undefined, query: string, token?: string): Signer {
  const inQuery = (name: string): string | undefined =>
    query === '' ? undefined : (new URLSearchParams(query).get(name) ?? undefined);
  const credential =
    /Credential=([^,\s]{1,200})/.exec(authorization ?? '')?.[1] ?? inQuery('X-Amz-Credential') ?? '';
  const session = sessionOf(token ?? inQuery('X-Amz-Security-Token') ?? '');
  const [key = '', , region = '', service = ''] = credential.split('/');
  const known = SERVICES.find((each) => each === service);
  return {
    account: session?.account ?? (/^\d{12}$/.test(key) ? key : DEFAULT_ACCOUNT),
    region: /^[a-z]{2}(-[a-z]+)+-\d$/.test(region) ? region : DEFAULT_REGION,
    ...(known && { service: known }),
    ...(session && { principal: session.arn }),
  };
}

export interface ApiEndpoint {
  readonly api: Api;
  /** Does something to the world at the present instant. */
  readonly act: (what: () => void) => void;
  /** Does something once all that has happened is kept. */
  readonly later: (what: () => void) => void;
  /** A request id, in the shape of AWS's. */
  readonly requestId: () => string;
}

const UNREAD = {
  400: 'IncompleteBody',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
} as const;

/** Answers one API request. One that is never to be answered is held until the client leaves. */
export async function serveApi(
  endpoint: ApiEndpoint,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const id = endpoint.requestId();
  const [, query = ''] = /\?(.*)/.exec(incoming.url ?? '') ?? [];
  const token = incoming.headers['x-amz-security-token']?.toString();
  const signer = signerOf(incoming.headers.authorization, query, token);
  const fail = (fault: Fault): void => {
    const service = signer.service ?? 'ec2';
    answer(outgoing, id, { status: fault.status, body: encodeFault(service, fault, id) }, service);
  };
  const body = await readBody(incoming, MAX_BODY_BYTES);
  if (!body.ok) {
    const { status, why } = body.error;
    return fail({ code: UNREAD[status], message: why, status });
  }
  const target = String(incoming.headers['x-amz-target'] ?? '');
  const tables = /^DynamoDB_20120810\.(\w+)$/.exec(target)?.[1];
  if (tables !== undefined)
    return serveTables(endpoint, signer, { action: tables, body: body.value, id }, outgoing);
  const form = incoming.method === 'GET' ? query : body.value;
  const decoded = decodeTarget(target, body.value) ?? decodeRequest(form, signer.service);
  if (!decoded.ok) return fail(decoded.error);
  endpoint.act(() => dispatch(endpoint, signer, decoded.value, id, outgoing));
}

function dispatch(
  { api, later }: ApiEndpoint,
  signer: Signer,
  decoded: Decoded,
  id: string,
  outgoing: ServerResponse,
): void {
  const { service, action, input } = decoded;
  const region = service === 'iam' ? DEFAULT_REGION : signer.region;
  const { account, principal } = signer;
  const asked = { account, region, service, action, input, ...(principal !== undefined && { principal }) };
  callApi(api, asked, (reply) => {
    const answered = encodeReply(service, action, reply, id);
    later(() => answer(outgoing, id, answered, service));
  });
}

/** Answers a request to DynamoDB: JSON 1.0, one object each way. */
function serveTables(
  { api, act, later }: ApiEndpoint,
  { account, region, principal }: Signer,
  asked: { readonly action: string; readonly body: string; readonly id: string },
  outgoing: ServerResponse,
): void {
  const reply = (status: number, output: object): void => {
    if (outgoing.destroyed || outgoing.headersSent) return;
    const body = JSON.stringify(output);
    outgoing.writeHead(status, {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': Buffer.byteLength(body),
      'x-amzn-requestid': asked.id,
    });
    outgoing.end(body);
  };
  const fail = (status: number, code: string, message: string): void =>
    reply(status, { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message });
  const input = parsed(asked.body);
  if (input === undefined) {
    fail(400, 'SerializationException', 'The body is no JSON object.');
    return;
  }
  const by = principal === undefined ? {} : { principal };
  act(() =>
    askTables(api, { account, region, ...by, service: 'dynamodb', action: asked.action, input }, (answered) =>
      later(() =>
        answered.kind === 'ok'
          ? reply(200, answered.output)
          : fail(answered.status, answered.code, answered.message),
      ),
    ),
  );
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function answer(
  outgoing: ServerResponse,
  id: string,
  { status, body }: { readonly status: number; readonly body: string },
  service: ServiceName,
): void {
  if (outgoing.destroyed || outgoing.headersSent) return;
  const bytes = Buffer.byteLength(body);
  const headers: OutgoingHttpHeaders = {
    'content-type': contentTypeOf(service),
    'content-length': bytes,
    'x-amzn-requestid': id,
  };
  if (status === 413 || status === 415) headers.connection = 'close';
  outgoing.writeHead(status, headers);
  // What is ASCII alone is the same in Latin-1, which costs less to write.
  outgoing.end(body, bytes === body.length ? 'latin1' : 'utf8');
}

/**
 * The wire format of the EC2, STS, IAM, Elastic Load Balancing, Direct Connect and Systems Manager
 * endpoints, driven by the runtime schemas of the SDK's clients: form body -> action and input, reply -> XML;
 * of the last two, JSON both ways. No operation has code of its own. Says nothing of HTTP connections or
 * signatures.
 */
import { err, ok, type Result } from '../../controller/base/result.ts';
import { readJson, writeJson } from './codec-json.ts';
import { decode, type Fault, parseParameters } from './codec-query.ts';
import { element, encoderOf, escapeXml } from './codec-xml.ts';
import type { Reply } from './service.ts';
import {
  JSON_TARGETS,
  type JsonService,
  operationOf,
  SERVICES,
  type ServiceName,
  speaksJson,
} from './shape.ts';

export type { Fault };

/** The one API version of each service; versions differ, so that a version names its service. */
const versions: Readonly<Record<ServiceName, string>> = {
  ec2: '2016-11-15',
  sts: '2011-06-15',
  iam: '2010-05-08',
  elasticloadbalancing: '2015-12-01',
  directconnect: '2012-10-25',
  ssm: '2014-11-06',
};

/** The media type of a service's answers. */
export const contentTypeOf = (service: ServiceName): string =>
  speaksJson(service) ? 'application/x-amz-json-1.1' : 'text/xml;charset=UTF-8';

const namespaces: Readonly<Record<Exclude<ServiceName, JsonService>, string>> = {
  ec2: `http://ec2.amazonaws.com/doc/${versions.ec2}/`,
  sts: `https://sts.amazonaws.com/doc/${versions.sts}/`,
  iam: `https://iam.amazonaws.com/doc/${versions.iam}/`,
  elasticloadbalancing: `http://elasticloadbalancing.amazonaws.com/doc/${versions.elasticloadbalancing}/`,
};

/** Bytes of the largest body that is looked at. */
export const MAX_BODY_BYTES = 1 << 20;

export interface Decoded {
  readonly service: ServiceName;
  readonly action: string;
  readonly input: object;
}

/**
 * Reads a request's form body (or query string). The service is told by Version; `signedFor` is the
 * signature's.
 */
export function decodeRequest(body: string, signedFor?: ServiceName): Result<Decoded, Fault> {
  if (body.length > MAX_BODY_BYTES) {
    return err({
      code: 'RequestEntityTooLarge',
      message: `The request exceeds ${MAX_BODY_BYTES} bytes.`,
      status: 413,
    });
  }
  const parameters = new URLSearchParams(body);
  const action = parameters.get('Action');
  const version = parameters.get('Version');
  if (!action)
    return err({ code: 'MissingAction', message: 'The request has no Action parameter.', status: 400 });
  const service = signedFor ?? serviceOfVersion(version) ?? 'ec2';
  if (version !== null && version !== versions[service]) {
    const spoken = `this ${service} endpoint speaks ${versions[service]}`;
    return err(invalidAction(`The action ${action} of version ${version} is not valid: ${spoken}.`));
  }
  const operation = operationOf(service, action);
  if (operation === undefined) {
    return err(invalidAction(`The action ${action} is not valid for this web service (${service}).`));
  }
  const tree = parseParameters(parameters);
  if (!tree.ok) return tree;
  const input = decode(operation.input, tree.value);
  return input.ok ? ok({ service, action, input: input.value as object }) : input;
}

/**
 * Reads the JSON body of a request with the header `X-Amz-Target: SERVICE.ACTION`; undefined where the
 * service is none of these.
 */
export function decodeTarget(target: string, body: string): Result<Decoded, Fault> | undefined {
  const [name = '', action = ''] = target.split('.');
  if (!Object.hasOwn(JSON_TARGETS, name)) return undefined;
  const service = JSON_TARGETS[name as keyof typeof JSON_TARGETS];
  const operation = operationOf(service, action);
  if (operation === undefined) {
    const message = `The action ${action} is not valid for this web service (${service}).`;
    return err({ code: 'UnknownOperationException', message, status: 400 });
  }
  const input = readJson(operation.input, body);
  return input.ok ? ok({ service, action, input: input.value as object }) : input;
}

const invalidAction = (message: string): Fault => ({ code: 'InvalidAction', message, status: 400 });

/** The service that an API version names. */
export const serviceOfVersion = (version: string | null): ServiceName | undefined =>
  SERVICES.find((service) => versions[service] === version);

/** The body of a reply and its HTTP status. */
export function encodeReply(
  service: ServiceName,
  action: string,
  reply: Reply,
  requestId: string,
): { readonly status: number; readonly body: string } {
  if (reply.kind === 'error') return { status: reply.status, body: encodeFault(service, reply, requestId) };
  const shape = operationOf(service, action)?.output;
  if (shape === undefined) throw new Error(`a reply to ${service} ${action}, which has no schema`);
  if (speaksJson(service)) return { status: 200, body: writeJson(shape, reply.output) };
  const members = encoderOf(shape)(reply.output);
  const unit = shape.kind === 'structure' && shape.members.length === 0;
  const open = `${PROLOG}<${action}Response xmlns="${namespaces[service]}">`;
  const inner =
    service === 'ec2'
      ? element('requestId', requestId) + (unit ? element('return', 'true') : members)
      : // IAM leaves an empty result out, the others do not.
        (unit && service === 'iam' ? '' : element(`${action}Result`, members)) +
        element('ResponseMetadata', element('RequestId', requestId));
  return { status: 200, body: `${open}${inner}</${action}Response>` };
}

const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** The body of an error: EC2's envelope, that of the AWS Query protocol, or JSON. */
export function encodeFault(
  service: ServiceName,
  { code, message, status }: Fault,
  requestId: string,
): string {
  if (speaksJson(service)) return JSON.stringify({ __type: code, message });
  const words = element('Code', escapeXml(code)) + element('Message', escapeXml(message));
  if (service === 'ec2') {
    const errors = element('Errors', element('Error', words));
    return PROLOG + element('Response', errors + element('RequestID', escapeXml(requestId)));
  }
  const type = element('Type', status >= 500 ? 'Receiver' : 'Sender');
  const inner = element('Error', type + words) + element('RequestId', escapeXml(requestId));
  return `${PROLOG}<ErrorResponse xmlns="${namespaces[service]}">${inner}</ErrorResponse>`;
}

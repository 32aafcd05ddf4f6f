/** What holds for every operation when its input is wrong: an error of EC2's, and nothing has changed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unreachable } from '../../controller/base/result.ts';
import { decodeRequest, decodeTarget, encodeReply } from '../../sim/ec2/codec.ts';
import { takeChanges } from '../../sim/ec2/service.ts';
import { type Member, operationOf, type ServiceName, type Shape } from '../../sim/ec2/shape.ts';
import { snapshot } from './snapshot.ts';
import {
  example,
  type Known,
  OPERATIONS,
  type Operation,
  STRANGER,
  specimen,
  strangersOf,
} from './specimen.ts';

const at = specimen({ quotas: { vpcs: 100 } });
const strangers = strangersOf(at);
const untouched = snapshot(at.cloud);
takeChanges(at.cloud);

const TARGETS: Partial<Record<ServiceName, string>> = { directconnect: 'OvertureService', ssm: 'AmazonSSM' };
const isJson = (service: ServiceName): boolean => service in TARGETS;

const membersOf = ({ service, action }: Operation): readonly Member[] => {
  const input = operationOf(service, action)?.input;
  return input?.kind === 'structure' ? input.members : [];
};

const CODE = /^[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)*$/;

/** Asks, and sees that an error is one of EC2's in form, and has changed nothing. */
function refusal(operation: Operation, input: object): string | undefined {
  const reply = at.ask(operation, input);
  const { status, body } = encodeReply(operation.service, operation.action, reply, 'id');
  expect(body).toContain(isJson(operation.service) ? '{' : '<');
  if (reply.kind === 'ok') return undefined;
  expect(reply.code).toMatch(CODE);
  expect(reply.message).not.toBe('');
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  return reply.code;
}

const named = OPERATIONS.map((operation) => [operation.action, operation] as const);

/** With what each service refuses a request that lacks a parameter. */
const INCOMPLETE: Partial<Record<ServiceName, string>> = {
  ec2: 'MissingParameter',
  directconnect: 'DirectConnectClientException',
  ssm: 'ValidationException',
};

/** Operations that read a form; the others read JSON, and leave out what they do not know. */
const byForm = named.filter(([, { service }]) => !isJson(service));
const byJson = named.filter(([, { service }]) => isJson(service));

describe('wrong input', () => {
  it.each(named)('%s: without a required parameter', (_, operation) => {
    const input = example(operation, at.known);
    for (const { name, required } of membersOf(operation)) {
      if (!required) continue;
      const code = INCOMPLETE[operation.service] ?? 'ValidationError';
      expect([name, refusal(operation, { ...input, [name]: undefined })]).toEqual([name, code]);
    }
    expect(snapshot(at.cloud)).toBe(untouched);
  });

  const form = ({ service, action }: Operation, pair: string): string => {
    const decoded = decodeRequest(`Action=${action}&${pair}`, service);
    return decoded.ok ? 'taken' : decoded.error.code;
  };

  it.each(byJson)('%s: a member of the wrong type', (action, operation) => {
    for (const { name, shape } of membersOf(operation)) {
      const wrong = shape().kind === 'string' ? 1 : 'text';
      const decoded = decodeTarget(
        `${TARGETS[operation.service]}.${action}`,
        JSON.stringify({ [name]: wrong }),
      );
      expect([name, decoded]).toMatchObject([name, { ok: false, error: { code: 'SerializationException' } }]);
    }
  });

  it.each(byForm)('%s: an unknown parameter, or one of the wrong type', (_, operation) => {
    expect(form(operation, 'Colour=red')).toBe('UnknownParameter');
    for (const { queryName, shape } of membersOf(operation)) {
      const plain = form(operation, `${queryName}=%00no+such+value`);
      const inner = form(operation, `${queryName}.Colour=red`);
      const { kind } = shape();
      expect([queryName, kind, plain]).toEqual([
        queryName,
        kind,
        kind === 'string' ? 'taken' : 'InvalidParameterValue',
      ]);
      expect([queryName, kind, inner]).toEqual([queryName, kind, 'UnknownParameter']);
    }
  });
});

/** Operations that answer for a well-formed id which names nothing: the answer says so. */
const LENIENT = ['DeleteVpcEndpoints/VpcEndpointIds', 'CreateVpcPeeringConnection/PeerVpcId'];
/** Operations for which what is not there is gone already, however it is named. */
const GONE = ['DeleteLoadBalancer/LoadBalancerArn', 'DeleteTargetGroup/TargetGroupArn'];

/** An id or an ARN in its parts: what it is of, and the digits that tell one from another. */
const ID =
  /^(?:[a-z-]+-0(?=[0-9a-f]{16}$)|dx[a-z]+-f(?=[0-9a-f]{7}$)|arn:aws:(?:elasticloadbalancing|directconnect):.*\/)/;

/** The parameters of an operation that take an id of a resource, with one that exists. */
const idsOf = (operation: Operation, known: Known): readonly (readonly [Member, string])[] =>
  membersOf(operation).flatMap((member) => {
    const id = known[member.name] ?? known[member.name.replace(/s$/, '')];
    const gone = GONE.includes(`${operation.action}/${member.name}`);
    return id !== undefined && ID.test(id) && !gone ? [[member, id] as const] : [];
  });

describe('an id', () => {
  it.each(named)('%s: malformed, absent, or of another account', (_, operation) => {
    const input = example(operation, at.known);
    const accepted = idsOf(operation, at.known).flatMap(([{ name, shape }, id]) => {
      const kind = ID.exec(id)?.[0] ?? '';
      const foreign = strangers[name] ?? strangers[name.replace(/s$/, '')] ?? '';
      const malformed = ['', 'x', `${kind.replace(/0$/, '')}1`, `xyz-${id.slice(-17)}`];
      const lenient = LENIENT.includes(`${operation.action}/${name}`);
      const wrong = lenient ? malformed : [...malformed, `${kind}0000000000000000`, foreign];
      return wrong.flatMap((text) => {
        const value = shape().kind === 'list' ? [text] : text;
        return refusal(operation, { ...input, [name]: value }) === undefined ? [`${name}=${text}`] : [];
      });
    });
    expect(accepted).toEqual([]);
    expect(snapshot(at.cloud)).toBe(untouched);
  });

  it('of another account exists there', () => {
    const VpcIds = [strangers.VpcId];
    const describe = { service: 'ec2', action: 'DescribeVpcs' } as const;
    expect(at.ask(describe, { VpcIds }, STRANGER).kind).toBe('ok');
    expect(at.ask(describe, { VpcIds })).toMatchObject({ code: 'InvalidVpcID.NotFound' });
  });
});

const hostile = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '*',
    '-1',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/99',
    '$Latest',
    'constructor',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(...Object.values(at.known)),
);

/** Values of a shape, whatever their sense; lists and structures get rarer with depth. */
function anything(shape: Shape, depth = 0): fc.Arbitrary<unknown> {
  const inside = depth < 3;
  switch (shape.kind) {
    case 'structure': {
      const members = inside ? shape.members : [];
      const fields = members.map(({ name, shape: of }) => {
        return [
          name,
          fc.option(
            fc.constant(of).chain((one) => anything(one(), depth + 1)),
            { nil: undefined },
          ),
        ];
      });
      return fc.record(Object.fromEntries(fields));
    }
    case 'list':
      return inside ? fc.array(anything(shape.element(), depth + 1), { maxLength: 2 }) : fc.constant([]);
    case 'map':
      return fc.dictionary(fc.string(), anything(shape.value(), depth + 1), { maxKeys: 2 });
    case 'string':
      return hostile;
    case 'number':
      return fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1, 5, 65_535, 2 ** 31, 1e19, 0.5));
    case 'boolean':
      return fc.boolean();
    case 'timestamp':
      return fc.date({ noInvalidDate: true });
    case 'blob':
      return fc.uint8Array({ maxLength: 8 });
    default:
      return unreachable(shape);
  }
}

describe('any input', () => {
  it.each(named)('%s: is answered, and where it is refused nothing has changed', (_, operation) => {
    const input = operationOf(operation.service, operation.action)?.input;
    const own = specimen();
    let before = snapshot(own.cloud);
    fc.assert(
      fc.property(anything(input ?? { kind: 'boolean' }), fc.boolean(), (random, whole) => {
        const sound = whole ? {} : example(operation, own.known);
        const some = Object.fromEntries(Object.entries(random as object).slice(whole ? 0 : -2));
        const reply = own.ask(operation, { ...sound, ...some, DryRun: undefined, ClientToken: undefined });
        const { status } = encodeReply(operation.service, operation.action, reply, 'id');
        expect(status).toBeLessThan(500);
        const after = snapshot(own.cloud);
        if (reply.kind === 'error') expect(after).toBe(before);
        before = after;
      }),
      { numRuns: 15 },
    );
  });
});

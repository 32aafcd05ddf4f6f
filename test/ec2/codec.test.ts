import * as directconnect from '@aws-sdk/client-direct-connect';
import * as ec2 from '@aws-sdk/client-ec2';
import * as elasticloadbalancing from '@aws-sdk/client-elastic-load-balancing-v2';
import * as iam from '@aws-sdk/client-iam';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { decodeRequest, decodeTarget, encodeReply, MAX_BODY_BYTES } from '../../sim/ec2/codec.ts';
import {
  type Operation,
  operationNames,
  operationOf,
  SERVICES,
  type ServiceName,
  type Shape,
} from '../../sim/ec2/shape.ts';

type Wire = { readonly status: number; readonly body: string };
type Send = (command: unknown) => Promise<object>;

interface Sent {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A real SDK client whose HTTP requests `answer` gets, and answers. */
function client(service: ServiceName, answer: (sent: Sent) => Wire): Send {
  const requestHandler = {
    handle: async (request: Sent) => {
      const { status, body } = answer(request);
      return { response: { statusCode: status, headers: {}, body: new TextEncoder().encode(body) } };
    },
  };
  const settings = {
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
    requestHandler: requestHandler as never,
    maxAttempts: 1,
    streamCollector: async (bytes: Uint8Array) => bytes,
  };
  const clients = {
    ec2: ec2.EC2Client,
    sts: sts.STSClient,
    iam: iam.IAMClient,
    elasticloadbalancing: elasticloadbalancing.ElasticLoadBalancingV2Client,
    directconnect: directconnect.DirectConnectClient,
    ssm: ssm.SSMClient,
  } as const;
  const real = new clients[service](settings as never) as { send: Send };
  return (command) => real.send(command);
}

const sdks: Readonly<Record<ServiceName, Readonly<Record<string, unknown>>>> = {
  ec2,
  sts,
  iam,
  elasticloadbalancing,
  directconnect,
  ssm,
};

function command(service: ServiceName, action: string, input: object): unknown {
  const Command = sdks[service][`${action}Command`] as new (input: object) => unknown;
  return new Command(input);
}

/**
 * Text that survives XML and form encoding: no control characters, and no blank edges, which parsers trim.
 */
const text = fc
  .oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.constant(`a<b>&"c'\t\n]]>é`),
  )
  .map((each) => `x${each.replace(/[^\t\n\P{C}]/gu, '')}.`);

function arbitrary(shape: Shape, depth: number, forInput: boolean): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'structure': {
      if (depth <= 0) return fc.constant(undefined);
      const members = shape.members.map(
        (member) =>
          [member.name, fc.option(lazily(member.shape, depth - 1, forInput), { nil: undefined })] as const,
      );
      return fc
        .record(Object.fromEntries(members))
        .map((value) => (forInput && Object.keys(dense(value)).length === 0 ? undefined : dense(value)));
    }
    case 'list':
      return fc
        .array(lazily(shape.element, depth - 1, forInput), { maxLength: 3 })
        .map((values) => values.filter((value) => value !== undefined))
        .map((values) => (forInput && values.length === 0 ? undefined : values));
    case 'map':
      return fc.constant(undefined);
    case 'string':
      return text;
    case 'number':
      return fc.integer({ min: -1e9, max: 1e9 });
    case 'boolean':
      return fc.boolean();
    case 'timestamp':
      return fc.integer({ min: 0, max: 4e9 }).map((seconds) => new Date(seconds * 1000));
    case 'blob':
      return fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Uint8Array.from(bytes));
    default:
      throw new Error('no such shape');
  }
}

/** Structures nest without end; only a few members are filled in, and only so deep. */
const lazily = (shape: () => Shape, depth: number, forInput: boolean): fc.Arbitrary<unknown> =>
  fc.constant(null).chain(() => arbitrary(shape(), depth, forInput));

const dense = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));

/** The SDK fills in an idempotency token of its own and base64-encodes nothing else. */
const withToken = (operation: Operation, input: object): object => {
  const has = operation.input.kind === 'structure' && operation.input.byName.has('ClientToken');
  return has ? { ClientToken: 'token', ...input } : input;
};

/**
 * Some operations of each service; CopySnapshot is left out, since a middleware presigns it with a region of
 * its own.
 */
const many = (service: ServiceName, count: number): string[] => {
  const names = operationNames(service)
    .filter((name) => name !== 'CopySnapshot')
    .sort();
  const step = Math.max(1, Math.floor(names.length / count));
  const named = ['RunInstances', 'ReplaceRoute', 'DescribeNetworkInterfaces', 'CreateSubnet'];
  return [...names.filter((_, index) => index % step === 0), ...(service === 'ec2' ? named : [])];
};

describe('the codec against the real SDK', () => {
  for (const [service, count] of [
    ['ec2', 200],
    ['sts', 20],
    ['iam', 40],
    ['elasticloadbalancing', 20],
    ['directconnect', 20],
    ['ssm', 20],
  ] as const) {
    it(`decodes what the ${service} client sends`, { timeout: 60_000 }, async () => {
      for (const action of many(service, count)) {
        const operation = operationOf(service, action);
        if (operation === undefined) throw new Error(action);
        await fc.assert(
          fc.asyncProperty(arbitrary(operation.input, 4, true), async (value) => {
            const input = withToken(operation, (value ?? {}) as object);
            let read: unknown;
            const send = client(service, ({ body, headers }) => {
              const target = headers['x-amz-target'] ?? '';
              read = must(decodeTarget(target, body) ?? decodeRequest(body));
              return encodeReply(service, action, { kind: 'ok', output: {} }, 'r-1');
            });
            await send(command(service, action, input));
            expect(read).toEqual({ service, action, input });
          }),
          { numRuns: 3, seed: 1 },
        );
      }
    });

    it(`encodes what the ${service} client reads back`, { timeout: 60_000 }, async () => {
      for (const action of many(service, count)) {
        const operation = operationOf(service, action);
        if (operation === undefined) throw new Error(action);
        await fc.assert(
          fc.asyncProperty(arbitrary(operation.output, 4, false), async (value) => {
            const output = (value ?? {}) as object;
            const send = client(service, () => encodeReply(service, action, { kind: 'ok', output }, 'r-1'));
            const { $metadata: _, ...read } = (await send(command(service, action, {}))) as Record<
              string,
              unknown
            >;
            expect({ action, ...read }).toEqual({ action, ...output });
          }),
          { numRuns: 3, seed: 2 },
        );
      }
    });
  }

  it('is found for every one of the operations that the clients export', () => {
    expect(operationNames('ec2').length).toBeGreaterThan(800);
    for (const service of SERVICES) {
      for (const name of operationNames(service)) expect(operationOf(service, name)?.name).toBe(name);
    }
  });

  it('carries an error to the client with its code, words and status', async () => {
    const reply = {
      kind: 'error',
      code: 'InvalidVpcID.NotFound',
      message: `no '<vpc>' & co`,
      status: 400,
    } as const;
    const ask = client('ec2', () => encodeReply('ec2', 'DescribeVpcs', reply, 'r-7'));
    await expect(ask(new ec2.DescribeVpcsCommand({}))).rejects.toMatchObject({
      name: 'InvalidVpcID.NotFound',
      message: `no '<vpc>' & co`,
      $metadata: { httpStatusCode: 400 },
    });
    const missing = { kind: 'error', code: 'NoSuchEntity', message: 'no role', status: 404 } as const;
    const askIam = client('iam', () => encodeReply('iam', 'GetRole', missing, 'r-8'));
    await expect(askIam(new iam.GetRoleCommand({ RoleName: 'a' }))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
      message: 'no role',
    });
    const wrong = {
      kind: 'error',
      code: 'DirectConnectClientException',
      message: 'no vif',
      status: 400,
    } as const;
    const askDirect = client('directconnect', () =>
      encodeReply('directconnect', 'DescribeTags', wrong, 'r-9'),
    );
    await expect(
      askDirect(new directconnect.DescribeTagsCommand({ resourceArns: [] })),
    ).rejects.toMatchObject({ name: 'DirectConnectClientException', message: 'no vif' });
  });
});

describe('the decoder of JSON', () => {
  const read = (body: string, action = 'DescribeDirectConnectGateways') => {
    const decoded = decodeTarget(`OvertureService.${action}`, body);
    return decoded?.ok === true ? decoded.value.input : `${decoded?.error.code}: ${decoded?.error.message}`;
  };

  it('takes no body as an empty one, and leaves out what it does not know', () => {
    expect(read('')).toEqual({});
    expect(read('{"maxResults":2,"colour":"red","nextToken":null}')).toEqual({ maxResults: 2 });
    expect(decodeTarget('Other_20120810.DescribeTags', '{}')).toBeUndefined();
  });

  it.each([
    ['{', 'SerializationException'],
    ['[]', "SerializationException: Value for 'the body' must be an object."],
    ['{"maxResults":"2"}', "SerializationException: Value for 'maxResults' must be a number."],
    [
      '{"directConnectGatewayId":1}',
      "SerializationException: Value for 'directConnectGatewayId' must be a string.",
    ],
  ])('refuses %s', (body, words) => {
    expect(String(read(body)).startsWith(words)).toBe(true);
  });

  it('refuses what is no operation', () => {
    expect(read('{}', 'constructor')).toMatch(/^UnknownOperationException/);
    expect(read('{"tags":[{"key":[]}]}', 'TagResource')).toMatch(/'tags\.0\.key' must be a string/);
  });
});

describe('the decoder refuses', () => {
  const fault = (body: string): unknown => {
    const decoded = decodeRequest(body);
    return decoded.ok ? decoded.value : `${decoded.error.code}: ${decoded.error.message}`;
  };

  it.each([
    ['Action=DescribeVpcs&Version=2016-11-15&Foo=1', 'UnknownParameter: The parameter Foo is not recognized'],
    [
      'Action=DescribeVpcs&Version=2016-11-15&Filter.1.Nam=1',
      'UnknownParameter: The parameter Filter.1.Nam is',
    ],
    ['Action=DescribeVpcs&Version=2016-11-15&VpcId.x=1', 'UnknownParameter: The parameter VpcId.x is not'],
    [
      'Action=DescribeVpcs&Version=2016-11-15&VpcId=vpc-1',
      'InvalidParameterValue: Value (vpc-1) for parameter VpcId',
    ],
    [
      'Action=DescribeVpcs&Version=2016-11-15&DryRun=maybe',
      'InvalidParameterValue: Value (maybe) for parameter DryRun',
    ],
    [
      'Action=DescribeVpcs&Version=2016-11-15&MaxResults=ten',
      'InvalidParameterValue: Value (ten) for parameter Max',
    ],
    [
      'Action=DescribeVpcs&Version=2014-01-01',
      'InvalidAction: The action DescribeVpcs of version 2014-01-01',
    ],
    ['Action=DescribeFoo&Version=2016-11-15', 'InvalidAction: The action DescribeFoo is not valid'],
    ['Action=constructor&Version=2016-11-15', 'InvalidAction: The action constructor is not valid'],
    ['Version=2016-11-15', 'MissingAction'],
    [`Action=DescribeVpcs&Filter${'.1'.repeat(40)}=x`, 'UnknownParameter'],
    [`Action=DescribeVpcs&x=${'y'.repeat(MAX_BODY_BYTES)}`, 'RequestEntityTooLarge'],
    [`Action=DescribeVpcs&${'VpcId.1=a&'.repeat(20_000)}`, 'RequestEntityTooLarge'],
  ])('%#', (body, words) => {
    expect(String(fault(body)).startsWith(words)).toBe(true);
  });

  it('nothing worse than that, whatever the form says', () => {
    const key = fc.oneof(
      fc.constantFrom('Filter', 'VpcId', '__proto__', '1', '999999999', 'Value', ''),
      fc.string(),
    );
    const parameter = fc
      .tuple(fc.array(key, { maxLength: 6 }), fc.string())
      .map(([keys, value]) => [keys.join('.'), value]);
    fc.assert(
      fc.property(fc.array(parameter), (parameters) => {
        const body = `Action=DescribeVpcs&${new URLSearchParams(parameters as [string, string][])}`;
        const decoded = decodeRequest(body);
        expect(decoded.ok || decoded.error.status < 500).toBe(true);
      }),
    );
  });

  it('reads sparse lists by their indexes, and ignores the parameters of a presigned query', () => {
    const body = 'Action=DescribeVpcs&VpcId.9=b&VpcId.2=a&X-Amz-Algorithm=AWS4-HMAC-SHA256&AWSAccessKeyId=x';
    expect(must(decodeRequest(body)).input).toEqual({ VpcIds: ['a', 'b'] });
  });
});

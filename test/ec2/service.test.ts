import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cloud, createCloud, handle, nextAt, type Reply, takeChanges } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { operationNames } from '../../sim/ec2/shape.ts';
import type { Change } from '../../sim/vpc/model.ts';
import { calls } from './calls.ts';
import { refusal, site } from './site.ts';
import { snapshot } from './snapshot.ts';

/** Requests of a random session: most name resources by their place among those made so far. */
const step = fc.record({
  action: fc.constantFrom(
    ...[
      'CreateSubnet',
      'CreateRoute',
      'ReplaceRoute',
      'DeleteRoute',
      'CreateRouteTable',
      'AssociateRouteTable',
    ],
    ...['DeleteRouteTable', 'CreateNetworkInterface', 'AttachNetworkInterface', 'DetachNetworkInterface'],
    ...[
      'DeleteNetworkInterface',
      'AllocateAddress',
      'AssociateAddress',
      'DisassociateAddress',
      'RunInstances',
    ],
    ...['TerminateInstances', 'StopInstances', 'StartInstances', 'AssignPrivateIpAddresses', 'DeleteSubnet'],
    ...[
      'ReplaceRouteTableAssociation',
      'DetachInternetGateway',
      'AttachInternetGateway',
      'CreateTags',
      'DeleteVpc',
    ],
  ),
  a: fc.nat({ max: 4 }),
  b: fc.nat({ max: 4 }),
  dry: fc.constantFrom(false, false, false, true),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const account = '111122223333';
const region = 'eu-central-1';

function ask(cloud: Cloud, action: string, input: object, now = 0): Reply {
  return handle(cloud, { account, region, service: 'ec2', action, input }, now);
}

/** Ids in the text of earlier answers, by their prefix. */
class Seen {
  private readonly ids = new Map<string, string[]>();

  read(reply: Reply): void {
    for (const [id = '', prefix = ''] of JSON.stringify(reply).matchAll(/\b([a-z-]+)-0[0-9a-f]{16}\b/g)) {
      const known = this.ids.get(prefix) ?? [];
      if (!known.includes(id)) this.ids.set(prefix, [...known, id]);
    }
  }

  at(prefix: string, index: number): string {
    const known = this.ids.get(prefix) ?? [];
    return known[index % Math.max(1, known.length)] ?? `${prefix}-00000000000000000`;
  }
}

function inputOf({ action, a, b, dry }: Step, seen: Seen): object {
  const DestinationCidrBlock = ['0.0.0.0/0', '192.0.2.0/24', '10.0.1.0/24', '10.0.0.0/16', '10.0.0.0/8'][b];
  const at = (prefix: string, index = a): string => seen.at(prefix, index);
  const route = { RouteTableId: at('rtb'), DestinationCidrBlock };
  const target = b % 2 === 0 ? { NetworkInterfaceId: at('eni') } : { GatewayId: at('igw') };
  const launch = { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.small', MinCount: 1, MaxCount: 2 };
  const inputs: Readonly<Record<string, object>> = {
    CreateSubnet: { VpcId: at('vpc'), CidrBlock: `10.${a === 4 ? 9 : 0}.${b}.0/24` },
    CreateRoute: { ...route, ...target },
    ReplaceRoute: { ...route, ...target },
    DeleteRoute: route,
    CreateRouteTable: { VpcId: at('vpc') },
    AssociateRouteTable: { RouteTableId: at('rtb'), SubnetId: at('subnet', b) },
    DeleteRouteTable: { RouteTableId: at('rtb') },
    CreateNetworkInterface: {
      SubnetId: at('subnet'),
      PrivateIpAddress: b > 1 ? `10.0.${a}.${3 + b}` : undefined,
    },
    AttachNetworkInterface: {
      NetworkInterfaceId: at('eni'),
      InstanceId: at('i', b),
      DeviceIndex: 1 + (b % 2),
    },
    DetachNetworkInterface: { AttachmentId: at('eni-attach'), Force: b > 2 },
    DeleteNetworkInterface: { NetworkInterfaceId: at('eni') },
    AssociateAddress: { AllocationId: at('eipalloc'), NetworkInterfaceId: at('eni', b) },
    DisassociateAddress: { AssociationId: at('eipassoc') },
    RunInstances: { ...launch, SubnetId: at('subnet') },
    TerminateInstances: { InstanceIds: [at('i')] },
    StopInstances: { InstanceIds: [at('i'), at('i', b)] },
    StartInstances: { InstanceIds: [at('i')] },
    AssignPrivateIpAddresses: {
      NetworkInterfaceId: at('eni'),
      PrivateIpAddresses: ['10.0.0.40', `10.0.0.4${b}`],
      AllowReassignment: a > 2,
    },
    DeleteSubnet: { SubnetId: at('subnet') },
    ReplaceRouteTableAssociation: { AssociationId: at('rtbassoc'), RouteTableId: at('rtb', b) },
    DetachInternetGateway: { InternetGatewayId: at('igw'), VpcId: at('vpc') },
    AttachInternetGateway: { InternetGatewayId: at('igw'), VpcId: at('vpc') },
    CreateTags: { Resources: [at('vpc'), at('eni', b)], Tags: [{ Key: 'k', Value: String(b) }] },
    DeleteVpc: { VpcId: at('vpc') },
  };
  return { ...inputs[action], ...(dry && { DryRun: true }) };
}

/** Runs a session in a new cloud; `each` sees the cloud around every request. */
function session(
  steps: readonly Step[],
  options: CloudOptions,
  each: (cloud: Cloud, run: () => Reply, dry: boolean) => void = (_cloud, run) => void run(),
): Cloud {
  const cloud = createCloud({ seed: 3, ...options });
  const seen = new Seen();
  seen.read(ask(cloud, 'CreateVpc', { CidrBlock: '10.0.0.0/16' }));
  seen.read(ask(cloud, 'CreateInternetGateway', {}));
  for (const [index, one] of steps.entries()) {
    const run = (): Reply => {
      const reply = ask(cloud, one.action, inputOf(one, seen), index * 100);
      seen.read(reply);
      return reply;
    };
    each(cloud, run, one.dry);
  }
  return cloud;
}

const sessions = fc.array(step, { minLength: 20, maxLength: 60 });
const slow: CloudOptions = { attachMs: 250, detachMs: 350, startMs: 150, stopMs: 250, terminateMs: 150 };

describe('a request', () => {
  it('that fails, or only tries (DryRun), leaves nothing behind', () => {
    fc.assert(
      fc.property(sessions, (steps) => {
        session(steps, {}, (cloud, run, dry) => {
          const before = snapshot(cloud);
          takeChanges(cloud);
          const reply = run();
          if (reply.kind === 'ok') expect(dry).toBe(false);
          else expect([snapshot(cloud), takeChanges(cloud)]).toEqual([before, []]);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same answers and the same state for the same seed', () => {
    fc.assert(
      fc.property(sessions, (steps) => {
        const answers = (): unknown[] => {
          const all: unknown[] = [];
          const cloud = session(steps, slow, (_cloud, run) => all.push(run()));
          return [all, snapshot(cloud), takeChanges(cloud)];
        };
        expect(answers()).toEqual(answers());
      }),
      { numRuns: 15 },
    );
  });

  it('tells the data plane everything: its changes, applied in order, are what the API shows', () => {
    fc.assert(
      fc.property(sessions, (steps) => {
        const cloud = session(steps, slow);
        const plane = new Map<string, Change>();
        for (const change of takeChanges(cloud)) {
          expect(change).not.toEqual(plane.get(change.id));
          if (change.value === undefined) plane.delete(change.id);
          else plane.set(change.id, change);
        }
        const shown = (action: string, list: string): Record<string, unknown>[] => {
          const reply = ask(cloud, action, {}, steps.length * 100 - 100);
          if (reply.kind === 'error') throw new Error(reply.message);
          return (reply.output as Record<string, Record<string, unknown>[]>)[list] ?? [];
        };
        const enis = shown('DescribeNetworkInterfaces', 'NetworkInterfaces').map((eni) => {
          const attachment = eni.Attachment as { Status: string; InstanceId: string } | undefined;
          const here = attachment?.Status === 'attached' ? attachment.InstanceId : undefined;
          return [eni.NetworkInterfaceId, here];
        });
        const inPlane = [...plane.values()].filter((change) => change.kind === 'network-interface');
        expect(new Map(inPlane.map(({ id, value }) => [id, value?.attachment?.instance]))).toEqual(
          new Map(enis as [string, string | undefined][]),
        );
        const tables = shown('DescribeRouteTables', 'RouteTables').map((table) => [
          table.RouteTableId,
          (table.Routes as { DestinationCidrBlock: string }[]).map((route) => route.DestinationCidrBlock),
        ]);
        const tablesInPlane = [...plane.values()].filter((change) => change.kind === 'route-table');
        expect(
          new Map(
            tablesInPlane.map(({ id, value }) => [id, value?.routes.map((route) => route.destination)]),
          ),
        ).toEqual(new Map(tables as [string, string[]][]));
      }),
      { numRuns: 40 },
    );
  });

  it('of every kind that the AWS provider makes for these resources has a handler', () => {
    const cloud = createCloud({});
    const kinds = ['Vpc', 'Subnet', 'InternetGateway', 'RouteTable', 'NetworkInterface', 'SecurityGroup'];
    const actions = [
      ...kinds.flatMap((kind) => [`Create${kind}`, `Describe${kind}s`, `Delete${kind}`]),
      ...['CreateRoute', 'ReplaceRoute', 'DeleteRoute', 'AssociateRouteTable', 'DisassociateRouteTable'],
      ...['ReplaceRouteTableAssociation', 'AttachInternetGateway', 'DetachInternetGateway'],
      ...['ModifyVpcAttribute', 'DescribeVpcAttribute', 'ModifySubnetAttribute', 'DescribeNetworkAcls'],
      ...['ModifyNetworkInterfaceAttribute', 'AttachNetworkInterface', 'DetachNetworkInterface'],
      ...[
        'AssignPrivateIpAddresses',
        'UnassignPrivateIpAddresses',
        'AssignIpv6Addresses',
        'UnassignIpv6Addresses',
      ],
      ...[
        'AllocateAddress',
        'AssociateAddress',
        'DisassociateAddress',
        'ReleaseAddress',
        'DescribeAddresses',
      ],
      ...[
        'DescribeAddressesAttribute',
        'DescribeAvailabilityZones',
        'DescribeTags',
        'CreateTags',
        'DeleteTags',
      ],
    ];
    const absent = actions.filter((action) => {
      const reply = ask(cloud, action, {});
      return reply.kind === 'error' && reply.code === 'InvalidAction';
    });
    expect(absent).toEqual([]);
  });

  it('sees only its own account and region', () => {
    const at = site();
    const other = (who: { account: string; region: string }): Reply =>
      handle(at.cloud, { ...who, service: 'ec2', action: 'DescribeVpcs', input: { VpcIds: [at.vpc] } }, 0);
    expect(other({ account, region })).toMatchObject({ kind: 'ok' });
    expect(other({ account, region: 'us-east-1' })).toMatchObject({ code: 'InvalidVpcID.NotFound' });
    expect(other({ account: '444455556666', region })).toMatchObject({ code: 'InvalidVpcID.NotFound' });
  });

  it('of every operation is answered: handled, or refused by name', () => {
    const cloud = createCloud({});
    const replies = operationNames('ec2').map((action) => [action, ask(cloud, action, {})] as const);
    const refused = replies.filter(([, reply]) => reply.kind === 'error' && reply.code === 'InvalidAction');
    for (const [action, reply] of refused) expect(reply.kind === 'error' && reply.message).toContain(action);
    expect(replies.length - refused.length).toBeGreaterThan(80);
  });

  it('needs its required parameters, also within lists', () => {
    const at = site();
    expect(refusal(at, 'CreateRoute', {})).toBe(
      'MissingParameter: The request must contain the parameter RouteTableId',
    );
    expect(refusal(at, 'CreateSubnet', { CidrBlock: '10.0.8.0/24' })).toMatch(/^MissingParameter: .*VpcId/);
  });
});

describe('DryRun', () => {
  it('answers 412 whatever the state, and finds malformed and missing things', () => {
    const at = site();
    const eni = at.eni(at.subnets[0]);
    const reply = (action: string, input: object): Reply => ask(at.cloud, action, { ...input, DryRun: true });
    const attached = at.instance(at.subnets[0]);
    expect(reply('DeleteNetworkInterface', { NetworkInterfaceId: eni })).toMatchObject({
      code: 'DryRunOperation',
      status: 412,
      message: 'Request would have succeeded, but DryRun flag is set.',
    });
    const busy = { NetworkInterfaceId: attached.eni, InstanceId: attached.id, DeviceIndex: 1 };
    expect(reply('AttachNetworkInterface', busy)).toMatchObject({ code: 'DryRunOperation' });
    expect(reply('DeleteNetworkInterface', { NetworkInterfaceId: 'eni-1' })).toMatchObject({
      code: 'InvalidNetworkInterfaceId.Malformed',
    });
    expect(at.interfaceOf(eni).Status).toBe('available');
  });
});

describe('a ClientToken', () => {
  it('makes a request idempotent, and is refused with other parameters', () => {
    const at = site();
    const [SubnetId] = at.subnets;
    const first = at.eni(SubnetId, { ClientToken: 'one' });
    expect(at.eni(SubnetId, { ClientToken: 'one' })).toBe(first);
    expect(at.eni(SubnetId, { ClientToken: 'two' })).not.toBe(first);
    const changed = { SubnetId, Description: 'other', ClientToken: 'one' };
    expect(refusal(at, 'CreateNetworkInterface', changed)).toMatch(/^IdempotentParameterMismatch/);
  });

  it('of a request that failed may be used again', () => {
    const at = site();
    const bad = { SubnetId: at.subnets[0], PrivateIpAddress: '10.0.0.1', ClientToken: 'one' };
    expect(refusal(at, 'CreateNetworkInterface', bad)).toMatch(/^InvalidParameterValue/);
    at.eni(at.subnets[0], { ClientToken: 'one' });
  });
});

describe('throttling', () => {
  const drain = (cloud: Cloud, action: string, input: object, now: number): number => {
    for (let passed = 0; ; passed++) {
      const reply = ask(cloud, action, input, now);
      if (reply.kind === 'error' && reply.code === 'RequestLimitExceeded') {
        expect(reply.status).toBe(503);
        return passed;
      }
    }
  };

  it('follows the documented buckets: burst and refill', () => {
    const cloud = createCloud({ throttle: 'aws' });
    const route = {
      RouteTableId: 'rtb-00000000000000000',
      DestinationCidrBlock: '0.0.0.0/0',
      GatewayId: 'igw-1',
    };
    expect(drain(cloud, 'ReplaceRoute', route, 0)).toBe(50);
    expect(drain(cloud, 'CreateRoute', route, 0)).toBe(50);
    expect(drain(cloud, 'ReplaceRoute', route, 1000)).toBe(5);
    expect(drain(cloud, 'ReplaceRoute', route, 1100)).toBe(0);
    expect(drain(cloud, 'ReplaceRoute', route, 1e9)).toBe(50);
    expect(drain(cloud, 'DescribeVpcs', {}, 0)).toBe(100);
    expect(drain(cloud, 'DescribeNetworkInterfaces', {}, 0)).toBe(50);
    expect(drain(cloud, 'DescribeNetworkInterfaces', { DryRun: true, Filters: [] }, 0)).toBe(0);
    expect(drain(cloud, 'DescribeNetworkInterfaces', { MaxResults: 5 }, 0)).toBe(100);
    expect(drain(cloud, 'CreateTags', { Resources: ['x'], Tags: [] }, 0)).toBe(100);
  });

  it('counts instances that are started and ended, beside requests', () => {
    const cloud = createCloud({ throttle: 'aws' });
    const ids = (count: number): object => ({ InstanceIds: Array(count).fill('i-00000000000000000') });
    expect(drain(cloud, 'TerminateInstances', ids(400), 0)).toBe(2);
    expect(drain(cloud, 'StopInstances', ids(200), 0)).toBe(1);
    expect(drain(cloud, 'StopInstances', ids(20), 1000)).toBe(1);
    expect(drain(cloud, 'StartInstances', ids(600), 0)).toBe(1);
    expect(drain(cloud, 'RunInstances', { MaxCount: 500, MinCount: 500 }, 0)).toBe(0);
  });

  it('counts each account and region apart, and is off by default', () => {
    const cloud = createCloud({ throttle: 'aws' });
    drain(cloud, 'DescribeVpcs', {}, 0);
    const elsewhere = {
      account,
      region: 'us-east-1',
      service: 'ec2',
      action: 'DescribeVpcs',
      input: {},
    } as const;
    expect(handle(cloud, elsewhere, 0).kind).toBe('ok');
    const free = createCloud({});
    for (let index = 0; index < 500; index++) expect(ask(free, 'DescribeVpcs', {}).kind).toBe('ok');
  });
});

describe('stale reads', () => {
  const count = (at: ReturnType<typeof calls>): number =>
    at.call<{ InternetGateways: unknown[] }>('DescribeInternetGateways').InternetGateways.length;

  it('answer from some moment within the window, then catch up, and never touch the state', () => {
    const at = calls({ staleReadsMs: 1000, quotas: { internetGateways: 100 } });
    at.pass(5000);
    const seen = new Set<number>();
    for (let index = 1; index <= 40; index++) {
      at.call('CreateInternetGateway');
      at.pass(100);
      const before = snapshot(at.cloud);
      const found = count(at);
      expect(snapshot(at.cloud)).toBe(before);
      expect(found).toBeLessThanOrEqual(index);
      expect(found).toBeGreaterThanOrEqual(index - 10);
      seen.add(index - found);
    }
    expect(seen.size).toBeGreaterThan(3);
    at.pass(1001);
    expect(count(at)).toBe(40);
  });

  it('can miss a resource that was just made, as EC2 can', () => {
    const at = calls({ staleReadsMs: 10_000 });
    const { Vpc: vpc } = at.call<{ Vpc: { VpcId: string } }>('CreateVpc', { CidrBlock: '10.0.0.0/16' });
    at.pass(1);
    expect(at.code('DescribeVpcs', { VpcIds: [vpc.VpcId] })).toBe('InvalidVpcID.NotFound');
  });
});

describe('a new id', () => {
  it('may not be found for a while by requests that name it, and nothing is wrong with others', () => {
    const at = calls({ newIdLagMs: 1000, quotas: { vpcs: 200 } });
    const outcomes = Array.from({ length: 40 }, () => {
      const { Vpc: vpc } = at.call<{ Vpc: { VpcId: string } }>('CreateVpc', { CidrBlock: '10.0.0.0/16' });
      at.pass(500);
      const input = { VpcId: vpc.VpcId, CidrBlock: '10.0.0.0/24', DryRun: true };
      const code = at.code('CreateSubnet', input);
      at.pass(501);
      expect(at.code('CreateSubnet', input)).toBe('DryRunOperation');
      return code;
    });
    expect(new Set(outcomes)).toEqual(new Set(['InvalidVpcID.NotFound', 'DryRunOperation']));
  });
});

describe('the clock of state machines', () => {
  it('moves those that are due together in the order in which they were asked for', () => {
    const at = site({ attachMs: 3000 });
    const { id } = at.instance(at.subnets[0]);
    const enis = [1, 2].map((DeviceIndex) => {
      const NetworkInterfaceId = at.eni(at.subnets[0]);
      at.call('AttachNetworkInterface', { NetworkInterfaceId, InstanceId: id, DeviceIndex });
      return NetworkInterfaceId;
    });
    takeChanges(at.cloud);
    at.pass(3000);
    expect(takeChanges(at.cloud).map((change) => change.id)).toEqual(enis);
  });

  it('moves each at its own time, however late it is looked at', () => {
    const at = site({ attachMs: 3000 });
    const { id } = at.instance(at.subnets[0]);
    const eni = at.eni(at.subnets[0]);
    at.call('AttachNetworkInterface', { NetworkInterfaceId: eni, InstanceId: id, DeviceIndex: 1 });
    expect(nextAt(at.cloud)).toBe(3000);
    at.pass(1e6);
    expect(at.interfaceOf(eni).Attachment?.Status).toBe('attached');
    expect(nextAt(at.cloud)).toBeUndefined();
  });
});

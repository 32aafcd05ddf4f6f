/**
 * What the policy of the daemons allows, judged as IAM judges it: every call that a daemon can make on what
 * its groups move, and neither another action nor the same on anything else.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import type { Call } from '../../controller/ec2/call.ts';
import { toRequest } from '../../controller/ec2/request.ts';
import type { LeaseCall } from '../../controller/lease/call.ts';
import { toLeaseRequest } from '../../controller/lease/request.ts';
import { daemonPolicy, type PolicyScope, takerPolicy } from '../../infra/components/iam.ts';
import { denialOf, handle } from '../../sim/ec2/service.ts';
import { example, OPERATIONS, specimen } from '../ec2/specimen.ts';

const [account, region] = ['111122223333', 'eu-central-1'];
const arn = (rest: string): string => `arn:aws:ec2:${region}:${account}:${rest}`;
const nothing: PolicyScope = { routeTables: [], networkInterfaces: [], instances: [] };

const { cloud, known } = specimen();
const at = (name: string): string => present(known[name], name);
const [table, eni, instance] = [at('RouteTableId'), at('NetworkInterfaceId'), at('InstanceId')];
const [attachment, association, place] = [at('AttachmentId'), at('tableAssociation'), at('SubnetId')];
const [allocation, transit] = [at('AllocationId'), at('TransitGatewayRouteTableId')];
const [transitAttachment, vpc] = [at('TransitGatewayAttachmentId'), at('VpcId')];
/** Of each kind one that belongs to somebody else. */
const other = (id: string): string => `${id.slice(0, id.lastIndexOf('-'))}-0ffffffffffffffff`;

/** The ENI and the instance of the attachment, which need not be those that are named. */
const joined = { eni: '', instance: '' };

const denial = (service: 'ec2' | 'dynamodb' | 'ssm', action: string, input: object, place = region) => {
  const principal = `arn:aws:sts::${account}:assumed-role/daemon/i-1`;
  return denialOf(cloud, { account, region: place, principal, service, action, input }, 0);
};
const root = (action: string, input: object, service: 'iam' | 'ec2' = 'iam') =>
  handle(cloud, { account, region, service, action, input }, 0);
const grantPolicy = (policy: object): void => {
  const PolicyDocument = JSON.stringify(policy);
  root('PutRolePolicy', { RoleName: 'daemon', PolicyName: 'daemon', PolicyDocument });
};
const grant = (scope: Partial<PolicyScope>): void => grantPolicy(daemonPolicy({ ...nothing, ...scope }));
const allowed = (call: Call): boolean => {
  const { action, input } = toRequest(call);
  return denial('ec2', action, input) === undefined;
};

beforeAll(() => {
  const Statement = {
    Effect: 'Allow',
    Principal: { Service: 'ec2.amazonaws.com' },
    Action: 'sts:AssumeRole',
  };
  root('CreateRole', { RoleName: 'daemon', AssumeRolePolicyDocument: JSON.stringify({ Statement }) });
  const input = { Filters: [{ Name: 'attachment.attachment-id', Values: [attachment] }] };
  const seen = root('DescribeNetworkInterfaces', input, 'ec2');
  const [found] = seen.kind === 'ok' ? (seen.output as Seen).NetworkInterfaces : [];
  joined.eni = present(found?.NetworkInterfaceId, 'the ENI');
  joined.instance = present(found?.Attachment.InstanceId, 'its instance');
});

interface Seen {
  readonly NetworkInterfaces: readonly {
    readonly NetworkInterfaceId: string;
    readonly Attachment: { readonly InstanceId: string };
  }[];
}

/** A call, what the policy must name for it, and the same call on things that it does not name. */
interface Case {
  readonly call: Call;
  readonly scope: () => Partial<PolicyScope>;
  readonly elsewhere: readonly Call[];
}

const route = { table, destination: '192.0.2.0/24' };
const transitRoute = { table: transit, destination: '0.0.0.0/0', attachment: transitAttachment };
const [v4, v6] = ['10.0.0.100', '2001:db8::1'];
const tables = () => ({ routeTables: [arn(`route-table/${table}`)] });
const synced = () => ({ syncedTables: [arn(`route-table/${table}`)] });
const addressed = () => ({ addressedInterfaces: [arn(`network-interface/${eni}`)] });
const eips = () => ({ elasticIps: [arn(`elastic-ip/${allocation}`)] });
const transits = () => ({
  transitTables: [arn(`transit-gateway-route-table/${transit}`)],
  transitAttachments: [arn(`transit-gateway-attachment/${transitAttachment}`)],
});
const fenced = () => ({ fencedInstances: [arn(`instance/${instance}`)] });

/** One of each kind of call that there is. */
const CASES: { readonly [K in Exclude<Call['kind'], 'dry-run'>]: Case } = {
  'describe-route-tables': {
    call: { kind: 'describe-route-tables', select: { kind: 'ids', ids: [table] } },
    scope: tables,
    elsewhere: [],
  },
  'describe-network-interfaces': {
    call: { kind: 'describe-network-interfaces', enis: [eni] },
    scope: tables,
    elsewhere: [],
  },
  'describe-subnets': { call: { kind: 'describe-subnets', vpc }, scope: tables, elsewhere: [] },
  'describe-addresses': {
    call: { kind: 'describe-addresses', allocations: [allocation] },
    scope: eips,
    elsewhere: [],
  },
  'describe-instances': {
    call: { kind: 'describe-instances', instances: [instance] },
    scope: fenced,
    elsewhere: [],
  },
  'describe-instance-status': {
    call: { kind: 'describe-instance-status', instances: [instance] },
    scope: () => ({ watchedInstances: [arn(`instance/${instance}`)] }),
    elsewhere: [],
  },
  'search-transit-gateway-routes': {
    call: { kind: 'search-transit-gateway-routes', table: transit, destinations: ['0.0.0.0/0'] },
    scope: transits,
    elsewhere: [
      { kind: 'search-transit-gateway-routes', table: other(transit), destinations: ['0.0.0.0/0'] },
    ],
  },
  'replace-route': {
    call: { kind: 'replace-route', ...route, eni },
    scope: tables,
    elsewhere: [{ kind: 'replace-route', ...route, table: other(table), eni }],
  },
  'create-route': {
    call: { kind: 'create-route', ...route, eni },
    scope: tables,
    elsewhere: [{ kind: 'create-route', ...route, table: other(table), eni }],
  },
  'delete-route': {
    call: { kind: 'delete-route', ...route },
    scope: synced,
    elsewhere: [{ kind: 'delete-route', ...route, table: other(table) }],
  },
  'replace-route-table-association': {
    call: { kind: 'replace-route-table-association', association, place, table },
    scope: () => ({
      preparedTables: [arn(`route-table/${table}`)],
      associated: [arn(`subnet/${place}`)],
    }),
    elsewhere: [
      { kind: 'replace-route-table-association', association, place, table: other(table) },
      {
        kind: 'replace-route-table-association',
        association: other(association),
        place,
        table: other(table),
      },
    ],
  },
  'stop-instances': {
    call: { kind: 'stop-instances', instances: [instance] },
    scope: fenced,
    elsewhere: [
      { kind: 'stop-instances', instances: [other(instance)] },
      { kind: 'stop-instances', instances: [instance, other(instance)] },
    ],
  },
  'replace-transit-gateway-route': {
    call: { kind: 'replace-transit-gateway-route', ...transitRoute },
    scope: transits,
    elsewhere: [
      { kind: 'replace-transit-gateway-route', ...transitRoute, table: other(transit) },
      { kind: 'replace-transit-gateway-route', ...transitRoute, attachment: other(transitAttachment) },
    ],
  },
  'create-transit-gateway-route': {
    call: { kind: 'create-transit-gateway-route', ...transitRoute },
    scope: transits,
    elsewhere: [{ kind: 'create-transit-gateway-route', ...transitRoute, table: other(transit) }],
  },
  'assign-private-ip-addresses': {
    call: { kind: 'assign-private-ip-addresses', eni, address: v4 },
    scope: addressed,
    elsewhere: [{ kind: 'assign-private-ip-addresses', eni: other(eni), address: v4 }],
  },
  'unassign-ipv6-addresses': {
    call: { kind: 'unassign-ipv6-addresses', eni, address: v6 },
    scope: addressed,
    elsewhere: [{ kind: 'unassign-ipv6-addresses', eni: other(eni), address: v6 }],
  },
  'assign-ipv6-addresses': {
    call: { kind: 'assign-ipv6-addresses', eni, address: v6 },
    scope: addressed,
    elsewhere: [{ kind: 'assign-ipv6-addresses', eni: other(eni), address: v6 }],
  },
  'associate-address': {
    call: { kind: 'associate-address', allocation, eni },
    scope: () => ({ ...eips(), ...addressed() }),
    elsewhere: [
      { kind: 'associate-address', allocation: other(allocation), eni },
      { kind: 'associate-address', allocation, eni: other(eni) },
    ],
  },
  'detach-network-interface': {
    call: { kind: 'detach-network-interface', attachment, force: true },
    scope: () => ({
      fencedInterfaces: [arn(`network-interface/${joined.eni}`), arn(`instance/${joined.instance}`)],
    }),
    elsewhere: [{ kind: 'detach-network-interface', attachment: other(attachment), force: true }],
  },
  'attach-network-interface': {
    call: { kind: 'attach-network-interface', eni, instance, deviceIndex: 1 },
    scope: () => ({
      networkInterfaces: [arn(`network-interface/${eni}`)],
      instances: [arn(`instance/${instance}`)],
    }),
    elsewhere: [
      { kind: 'attach-network-interface', eni: other(eni), instance, deviceIndex: 1 },
      { kind: 'attach-network-interface', eni, instance: other(instance), deviceIndex: 1 },
    ],
  },
};

const cases = Object.entries(CASES);

describe('the policy of the daemons', () => {
  it.each(cases)('allows %s, in earnest and dry, on what it names and on nothing else', (_, one) => {
    grant(one.scope());
    expect(allowed(one.call)).toBe(true);
    expect(one.elsewhere.filter(allowed)).toEqual([]);
  });

  it('allows nothing but to look at tables, ENIs and subnets where nothing is named', () => {
    grant({});
    expect(cases.filter(([, { call }]) => allowed(call)).map(([kind]) => kind)).toEqual([
      'describe-route-tables',
      'describe-network-interfaces',
      'describe-subnets',
    ]);
  });

  it.each([
    ['routes are moved', tables(), ['replace-route', 'create-route']],
    ['best paths are followed', synced(), ['replace-route', 'create-route', 'delete-route']],
    [
      'addresses are moved',
      addressed(),
      ['assign-private-ip-addresses', 'unassign-ipv6-addresses', 'assign-ipv6-addresses'],
    ],
    ['owners are stopped', fenced(), ['stop-instances']],
  ] as const)('allows, where %s, no writes but those', (_, scope, writes) => {
    grant(scope);
    const done = cases.filter(([kind, { call }]) => !/^(describe|search)-/.test(kind) && allowed(call));
    expect(done.map(([kind]) => kind)).toEqual(writes);
  });

  it('allows no other action of any service, whatever is named', () => {
    const all: Partial<PolicyScope> = Object.assign({}, ...cases.map(([, { scope }]) => scope()));
    grant(all);
    const sent = new Set(cases.map(([, { call }]) => toRequest(call).action));
    const principal = `arn:aws:sts::${account}:assumed-role/daemon/i-1`;
    const more = OPERATIONS.filter(({ action }) => !sent.has(action) && action !== 'GetCallerIdentity');
    const done = more.filter((operation) => {
      const asked = { account, region, principal, ...operation, input: example(operation, known) };
      return denialOf(cloud, asked, 0) === undefined;
    });
    expect(more.length).toBeGreaterThan(200);
    expect(done).toEqual([]);
  });

  it('lets daemons look around in their own region alone', () => {
    grant(tables());
    const look = (place: string) => denial('ec2', 'DescribeSubnets', {}, place);
    expect(look(region)).toBeUndefined();
    expect(look('eu-west-1')).toMatchObject({ code: 'UnauthorizedOperation' });
  });
});

describe('the policy of secrets', () => {
  const parameters = [`arn:aws:ssm:${region}:${account}:parameter/byoa/bgp`];
  const asked = (action: string, Name: string): boolean => denial('ssm', action, { Name }) === undefined;

  it.each([
    ['who moves things', () => grant({ parameters })],
    ['who takes routes', () => grantPolicy(takerPolicy(parameters))],
  ])('lets a daemon read what it names, and do nothing else: %s', (_, allow) => {
    allow();
    expect([asked('GetParameter', '/byoa/bgp'), asked('GetParameter', '/byoa/other')]).toEqual([true, false]);
    for (const action of ['PutParameter', 'DeleteParameter', 'GetParametersByPath', 'DescribeParameters'])
      expect([action, asked(action, '/byoa/bgp')]).toEqual([action, false]);
  });

  it('lets who takes routes not even look at EC2', () => {
    grantPolicy(takerPolicy(parameters));
    expect(denial('ec2', 'DescribeSubnets', {})).toMatchObject({ code: 'UnauthorizedOperation' });
  });
});

describe('the policy of leases', () => {
  const next = { holder: 'a/1', token: 1, beat: 1, fitness: 1 };
  /** One of each kind of request that there is. */
  const requests: { readonly [K in LeaseCall['kind']]: (group: string) => LeaseCall } = {
    read: (group) => ({ kind: 'read', group }),
    write: (group) => ({ kind: 'write', group, expect: 'absent', next }),
    wish: (group) => ({ kind: 'wish', group, token: 1, wish: { by: 'b/2', fitness: 3 } }),
  };
  const table = 'leases';
  const leaseTables = [`arn:aws:dynamodb:${region}:${account}:table/${table}`];
  const asked = (group: string, name = table): readonly boolean[] =>
    Object.values(requests).map((request) => {
      const { action, input } = toLeaseRequest(request(group), name);
      return denial('dynamodb', action, input) === undefined;
    });

  it('allows every request about a lease of its groups, in its table, and no other', () => {
    grant({ leaseTables, leaseGroups: ['egress'] });
    expect(asked('egress')).toEqual([true, true, true]);
    expect(asked('ingress')).toEqual([false, false, false]);
    expect(asked('egress', 'another')).toEqual([false, false, false]);
    for (const action of ['DeleteItem', 'PutItem', 'Scan', 'DeleteTable'])
      expect(denial('dynamodb', action, { TableName: table })).toMatchObject({
        code: 'AccessDeniedException',
      });
  });

  it('is left out, never widened, without a table', () => {
    grant({ leaseGroups: ['egress'] });
    expect(asked('egress')).toEqual([false, false, false]);
  });
});

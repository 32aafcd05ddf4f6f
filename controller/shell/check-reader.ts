/**
 * What `byoa check --aws` asks AWS. Describe calls, dry runs and the caller's identity; nothing is changed.
 */
import {
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribePlacementGroupsCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Placement } from '../config/rules.ts';
import { type Config, type InRealm, type RouteSet, realmKey } from '../config.ts';
import {
  type Call,
  madeIn,
  type ObservedEni,
  type ObservedRouteTable,
  type Tryable,
  type Value,
} from '../ec2/call.ts';
import { toRequest, toValue } from '../ec2/request.ts';
import type { Credentials } from './aws-credentials.ts';
import { endpointOf } from './aws-endpoint.ts';
import { failureOf } from './aws-failure.ts';
import { assume, sendBy } from './aws-sdk.ts';

export type Routes = ObservedRouteTable;

export interface SeenInstance {
  readonly id: string;
  readonly type: string;
  readonly placement: Placement;
}

export interface AwsReader {
  readonly endpoint: string;
  /** Who asks in a realm. */
  identity(home?: InRealm): Promise<{ readonly account: string; readonly arn: string }>;
  eni(id: string, home: InRealm): Promise<{ readonly eni?: ObservedEni; readonly owner?: string }>;
  /** What a describe call of the daemon sees. */
  read(call: Call): Promise<Value>;
  tables(set: Pick<RouteSet, 'table' | 'tag' | 'prepared' | 'at'>): Promise<readonly Routes[]>;
  /** The table associated with a subnet, or the main one of its VPC. */
  tableOfSubnet(subnet: string, vpc: string, home: InRealm): Promise<Routes | undefined>;
  /** The zones of subnets. */
  zonesOf(subnets: readonly string[], home: InRealm): Promise<readonly string[]>;
  /** Instances with their types and placement groups; undefined where this may not be seen. */
  instances(ids: readonly string[], home: InRealm): Promise<readonly SeenInstance[] | undefined>;
  /** The zones in which the VPC has an interface endpoint for EC2. */
  endpointZones(vpc: string, home: InRealm): Promise<readonly string[]>;
  /** The code that a dry run ends with: `DryRunOperation` where the call would have been allowed. */
  dryRun(write: Tryable): Promise<string>;
  close(): void;
}

async function seeInstances(
  ec2: EC2Client,
  ids: readonly string[],
): Promise<readonly SeenInstance[] | undefined> {
  try {
    const Filters = [{ Name: 'instance-id', Values: [...ids] }];
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
    const { PlacementGroups = [] } = await ec2.send(new DescribePlacementGroupsCommand({}));
    const strategies = new Map(PlacementGroups.map(({ GroupName, Strategy }) => [GroupName, Strategy]));
    return Reservations.flatMap(({ Instances = [] }) => Instances).map((instance) => {
      const {
        InstanceId: id = '',
        InstanceType: type = '',
        Placement: { GroupName: name = '' } = {},
      } = instance;
      const known = strategies.get(name);
      const strategy = known === 'spread' || known === 'partition' ? known : 'cluster';
      return { id, type, placement: name === '' ? { kind: 'none' } : { kind: 'group', name, strategy } };
    });
  } catch {
    return undefined;
  }
}

async function zonesOf(ec2: EC2Client, subnets: readonly string[]): Promise<readonly string[]> {
  if (subnets.length === 0) return [];
  const Filters = [{ Name: 'subnet-id', Values: [...subnets] }];
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters }));
  return [...new Set(Subnets.flatMap(({ AvailabilityZone }) => AvailabilityZone ?? []))];
}

async function endpointZones(ec2: EC2Client, vpc: string, region: string): Promise<readonly string[]> {
  const Filters = [
    { Name: 'vpc-id', Values: [vpc] },
    { Name: 'service-name', Values: [`com.amazonaws.${region}.ec2`] },
  ];
  try {
    const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters }));
    const usable = VpcEndpoints.filter(({ State }) => State?.toLowerCase() === 'available');
    const NetworkInterfaceIds = usable.flatMap((each) => each.NetworkInterfaceIds ?? []);
    if (NetworkInterfaceIds.length === 0) return [];
    const input = { NetworkInterfaceIds };
    const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand(input));
    return NetworkInterfaces.flatMap(({ AvailabilityZone }) => AvailabilityZone ?? []);
  } catch {
    // Not allowed to know: judged as if there were none.
    return [];
  }
}

async function dryRun(ec2: EC2Client, of: Tryable): Promise<string> {
  try {
    const { action, input } = toRequest({ kind: 'dry-run', of });
    await sendBy(ec2, action, input);
    return 'no refusal';
  } catch (error) {
    const { code, message } = failureOf(error);
    return code ?? message;
  }
}

interface Clients {
  readonly ec2: EC2Client;
  readonly sts: STSClient;
}

/** Clients of a region, with these credentials; without them, with those of the SDK's default chain. */
function openClients({ aws }: Config, region: string, credentials?: () => Promise<Credentials>): Clients {
  const to = (service: 'ec2' | 'sts') => ({
    region,
    ...(aws.endpoint === undefined ? {} : { endpoint: endpointOf(aws, service, region) }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  return { ec2: new EC2Client(to('ec2')), sts: new STSClient(to('sts')) };
}

export function createReader(config: Config): AwsReader {
  const { region, endpoint } = config.aws;
  const clients = new Map<string, Clients>();
  /** Credentials of a role come by the clients of its region that have the own ones; the SDK renews them. */
  const at = (home: InRealm = {}): Clients => {
    const key = realmKey(home);
    const known = clients.get(key);
    if (known !== undefined) return known;
    const { role, region: there = region } = home.at ?? {};
    const own = there === region ? {} : { at: { region: there } };
    const by = role === undefined ? undefined : () => assume(at(own).sts, role, config.node);
    const opened = openClients(config, there, by);
    clients.set(key, opened);
    return opened;
  };
  const tablesBy = async (home: InRealm, name: string, ...values: readonly string[]) => {
    const input = { Filters: [{ Name: name, Values: [...values] }] };
    const answer = toValue(
      { kind: 'describe-route-tables', select: { kind: 'ids', ids: [] } },
      await at(home).ec2.send(new DescribeRouteTablesCommand(input)),
    );
    return answer.kind === 'route-tables' ? answer.tables : [];
  };
  return {
    endpoint: endpoint ?? `the EC2 endpoint of ${region}`,
    async identity(home) {
      const { Account = '', Arn = '' } = await at(home).sts.send(new GetCallerIdentityCommand({}));
      return { account: Account, arn: Arn };
    },
    async eni(id, home) {
      const call: Call = { kind: 'describe-network-interfaces', enis: [id] };
      const output = await at(home).ec2.send(new DescribeNetworkInterfacesCommand(toRequest(call).input));
      const value = toValue(call, output);
      const eni = value.kind === 'network-interfaces' ? value.enis[0] : undefined;
      const owner = output.NetworkInterfaces?.[0]?.OwnerId;
      return { ...(eni === undefined ? {} : { eni }), ...(owner === undefined ? {} : { owner }) };
    },
    async read(call) {
      const { action, input } = toRequest(call);
      return toValue(call, await sendBy(at(madeIn(call)).ec2, action, input));
    },
    tables({ table = '', tag, prepared, ...set }) {
      if (tag !== undefined) return tablesBy(set, `tag:${tag.key}`, tag.value);
      return tablesBy(
        set,
        'route-table-id',
        ...(prepared === undefined ? [table] : Object.values(prepared.tables)),
      );
    },
    async tableOfSubnet(subnet, vpc, home) {
      const [own] = await tablesBy(home, 'association.subnet-id', subnet);
      if (own !== undefined) return own;
      const mains = await tablesBy(home, 'association.main', 'true');
      return mains.find((table) => table.vpc === vpc);
    },
    zonesOf: (subnets, home) => zonesOf(at(home).ec2, subnets),
    instances: (ids, home) => seeInstances(at(home).ec2, ids),
    endpointZones: (vpc, home) => endpointZones(at(home).ec2, vpc, home.at?.region ?? region),
    dryRun: (write) => dryRun(at(madeIn(write)).ec2, write),
    close() {
      for (const { ec2, sts } of clients.values()) {
        ec2.destroy();
        sts.destroy();
      }
    },
  };
}

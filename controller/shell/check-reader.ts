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
import type { Config, RouteSet } from '../config.ts';
import type { Call, ObservedEni, ObservedRouteTable, Value } from '../ec2/call.ts';
import { toRequest, toValue } from '../ec2/request.ts';
import { failureOf } from './aws.ts';
import { sendBy } from './aws-sdk.ts';

export type Routes = ObservedRouteTable;

export interface SeenInstance {
  readonly id: string;
  readonly type: string;
  readonly placement: Placement;
}

export interface AwsReader {
  readonly endpoint: string;
  identity(): Promise<{ readonly account: string; readonly arn: string }>;
  eni(id: string): Promise<{ readonly eni?: ObservedEni; readonly owner?: string }>;
  /** What a describe call of the daemon sees. */
  read(call: Call): Promise<Value>;
  tables(set: Pick<RouteSet, 'table' | 'tag' | 'prepared'>): Promise<readonly Routes[]>;
  /** The table associated with a subnet, or the main one of its VPC. */
  tableOfSubnet(subnet: string, vpc: string): Promise<Routes | undefined>;
  /** The zones of subnets. */
  zonesOf(subnets: readonly string[]): Promise<readonly string[]>;
  /** Instances with their types and placement groups; undefined where this may not be seen. */
  instances(ids: readonly string[]): Promise<readonly SeenInstance[] | undefined>;
  /** The zones in which the VPC has an interface endpoint for EC2. */
  endpointZones(vpc: string): Promise<readonly string[]>;
  /** The code that a dry run ends with: `DryRunOperation` where the call would have been allowed. */
  dryRun(call: Call): Promise<string>;
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

export function createReader(config: Config): AwsReader {
  const { region, endpoint } = config.aws;
  const settings = { region, ...(endpoint === undefined ? {} : { endpoint }) };
  const ec2 = new EC2Client(settings);
  const sts = new STSClient(settings);
  const tablesBy = async (name: string, ...values: readonly string[]): Promise<readonly Routes[]> => {
    const input = { Filters: [{ Name: name, Values: [...values] }] };
    const answer = toValue(
      { kind: 'describe-route-tables', select: { kind: 'ids', ids: [] } },
      await ec2.send(new DescribeRouteTablesCommand(input)),
    );
    return answer.kind === 'route-tables' ? answer.tables : [];
  };
  return {
    endpoint: endpoint ?? `the EC2 endpoint of ${region}`,
    async identity() {
      const { Account = '', Arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
      return { account: Account, arn: Arn };
    },
    async eni(id) {
      const call: Call = { kind: 'describe-network-interfaces', enis: [id] };
      const output = await ec2.send(new DescribeNetworkInterfacesCommand(toRequest(call).input));
      const value = toValue(call, output);
      const eni = value.kind === 'network-interfaces' ? value.enis[0] : undefined;
      const owner = output.NetworkInterfaces?.[0]?.OwnerId;
      return { ...(eni === undefined ? {} : { eni }), ...(owner === undefined ? {} : { owner }) };
    },
    async read(call) {
      const { action, input } = toRequest(call);
      return toValue(call, await sendBy(ec2, action, input));
    },
    tables({ table = '', tag, prepared }) {
      if (tag !== undefined) return tablesBy(`tag:${tag.key}`, tag.value);
      return tablesBy(
        'route-table-id',
        ...(prepared === undefined ? [table] : Object.values(prepared.tables)),
      );
    },
    async tableOfSubnet(subnet, vpc) {
      const [own] = await tablesBy('association.subnet-id', subnet);
      if (own !== undefined) return own;
      const mains = await tablesBy('association.main', 'true');
      return mains.find((table) => table.vpc === vpc);
    },
    zonesOf: (subnets) => zonesOf(ec2, subnets),
    instances: (ids) => seeInstances(ec2, ids),
    async endpointZones(vpc) {
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
    },
    async dryRun(call) {
      try {
        const { action, input } = toRequest(call);
        await sendBy(ec2, action, { ...input, DryRun: true });
        return 'no refusal';
      } catch (error) {
        const { code, message } = failureOf(error);
        return code ?? message;
      }
    },
    close() {
      ec2.destroy();
      sts.destroy();
    },
  };
}

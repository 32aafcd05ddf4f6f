/**
 * The two designs on the stage: appliances a and b (and c), with a group of routes or with a floating ENI.
 */
import type { ConfigInput } from '../../controller/config.ts';
import { ec2, newStage, type Stage } from './stage.ts';

type Loose = { [key: string]: Loose } & { [index: number]: Loose } & string;
const api = (stage: Stage, action: string, input: object): Loose =>
  ec2(stage, action, input) as unknown as Loose;

export interface Design {
  readonly stage: Stage;
  readonly enis: Readonly<Record<string, string>>;
  readonly instances: Readonly<Record<string, string>>;
  readonly tables: readonly string[];
  readonly floating: string;
  /** The configuration of a node. */
  readonly config: (node: string, group?: Partial<NonNullable<ConfigInput['groups']>[number]>) => ConfigInput;
  /** Leads the default route of a table to an appliance, as an operator would. */
  readonly point: (table: string, member: string) => void;
  /** Who owns the group, by EC2 itself: the member, or what is there instead. */
  readonly owner: () => string;
}

type Probes = NonNullable<NonNullable<ConfigInput['appliances']>[number]['probes']>;

/** Peers are probed by ICMP and their own word; each looks through itself at a host on the Internet. */
export const PROBES: Probes = [
  { kind: 'icmp', interval: '200ms', timeout: '180ms' },
  { kind: 'daemon', interval: '500ms' },
  { kind: 'through', target: { icmp: '203.0.113.10' }, interval: '200ms', timeout: '180ms', from: 'self' },
];

const ADDRESS: Readonly<Record<string, string>> = { a: '10.0.0.10', b: '10.0.0.11', c: '10.0.0.12' };

interface DesignOptions {
  readonly kind?: 'routes' | 'eni';
  readonly members?: readonly string[];
  readonly tables?: number;
  readonly destinations?: readonly string[];
  readonly probes?: Probes;
  readonly cloud?: Parameters<typeof newStage>[0];
  readonly lease?: ConfigInput['lease'];
  readonly readiness?: ConfigInput['readiness'];
  /** Appliances forward by an ENI beside their primary one. */
  readonly second?: boolean;
}

export function design(options: DesignOptions = {}): Design {
  const {
    kind = 'routes',
    members = ['a', 'b'],
    tables: count = 1,
    destinations = ['0.0.0.0/0'],
    probes = PROBES,
  } = options;
  const stage = newStage(options.cloud);
  const vpc = api(stage, 'CreateVpc', { CidrBlock: '10.0.0.0/16' }).Vpc?.VpcId;
  const subnet = api(stage, 'CreateSubnet', {
    VpcId: vpc,
    CidrBlock: '10.0.0.0/24',
    AvailabilityZone: 'eu-central-1a',
  }).Subnet?.SubnetId;
  const enis: Record<string, string> = {};
  const instances: Record<string, string> = {};
  for (const name of members) {
    const eni = api(stage, 'CreateNetworkInterface', { SubnetId: subnet, PrivateIpAddress: ADDRESS[name] })
      .NetworkInterface?.NetworkInterfaceId;
    const ran = api(stage, 'RunInstances', {
      ImageId: 'ami-0123456789abcdef0',
      InstanceType: 't3.small',
      MinCount: 1,
      MaxCount: 1,
      NetworkInterfaces: options.second
        ? [
            { DeviceIndex: 0, SubnetId: subnet },
            { DeviceIndex: 1, NetworkInterfaceId: eni },
          ]
        : [{ DeviceIndex: 0, NetworkInterfaceId: eni }],
    });
    enis[name] = eni ?? '';
    instances[name] = ran.Instances?.[0]?.InstanceId ?? '';
  }
  const tables = Array.from({ length: count }, () => {
    const table = api(stage, 'CreateRouteTable', { VpcId: vpc }).RouteTable?.RouteTableId ?? '';
    for (const destination of destinations) {
      const key = destination.includes(':') ? 'DestinationIpv6CidrBlock' : 'DestinationCidrBlock';
      api(stage, 'CreateRoute', { RouteTableId: table, [key]: destination, NetworkInterfaceId: enis.a });
    }
    return table;
  });
  const floating =
    kind === 'eni'
      ? (api(stage, 'CreateNetworkInterface', { SubnetId: subnet, PrivateIpAddress: '10.0.0.100' })
          .NetworkInterface?.NetworkInterfaceId ?? '')
      : '';
  if (kind === 'eni') {
    api(stage, 'AttachNetworkInterface', {
      NetworkInterfaceId: floating,
      InstanceId: instances.a,
      DeviceIndex: 1,
    });
  }
  const resource: Pick<NonNullable<ConfigInput['groups']>[number], 'routes' | 'eni'> =
    kind === 'eni'
      ? { eni: { id: floating, deviceIndex: 1 } }
      : { routes: tables.map((table) => ({ table, destinations: [...destinations] })) };
  return {
    stage,
    enis,
    instances,
    tables,
    floating,
    config: (node, group = {}) => ({
      version: 1,
      node,
      aws: { region: 'eu-central-1' },
      appliances: members.map((name) => ({
        name,
        address: ADDRESS[name] ?? '',
        eni: enis[name] ?? '',
        probes,
      })),
      groups: [{ name: 'g', members: [...members], ...resource, ...group }],
      ...(options.lease === undefined ? {} : { lease: options.lease }),
      ...(options.readiness === undefined ? {} : { readiness: options.readiness }),
    }),
    point: (table, member) => {
      const route = { RouteTableId: table, DestinationCidrBlock: '0.0.0.0/0' };
      ec2(stage, 'ReplaceRoute', { ...route, NetworkInterfaceId: enis[member] });
    },
    owner: () => (kind === 'eni' ? eniOwner(stage, floating, instances) : routesOwner(stage, tables, enis)),
  };
}

function routesOwner(
  stage: Stage,
  tables: readonly string[],
  enis: Readonly<Record<string, string>>,
): string {
  const found = api(stage, 'DescribeRouteTables', { RouteTableIds: tables }).RouteTables as unknown as {
    Routes: Record<string, string>[];
  }[];
  const targets = found.flatMap(({ Routes }) => Routes.filter(({ GatewayId }) => GatewayId !== 'local'));
  const owners = targets.map(
    (route) => Object.keys(enis).find((name) => enis[name] === route.NetworkInterfaceId) ?? 'other',
  );
  return [...new Set(owners)].sort().join('+');
}

function eniOwner(stage: Stage, eni: string, instances: Readonly<Record<string, string>>): string {
  const found = api(stage, 'DescribeNetworkInterfaces', { NetworkInterfaceIds: [eni] })
    .NetworkInterfaces?.[0];
  const instance = found?.Attachment?.InstanceId;
  const name = Object.keys(instances).find((one) => instances[one] === instance) ?? 'nobody';
  return found?.Attachment?.Status === 'attached' || instance === undefined
    ? name
    : `${name} ${found?.Attachment?.Status}`;
}

/** Makes an appliance dead: nobody reaches it, its daemon is gone. */
export function die({ stage }: Design, name: string): void {
  const before = stage.reach;
  const daemon = stage.daemons.get(name);
  if (daemon !== undefined) {
    daemon.running = false;
    daemon.life += 1;
  }
  stage.reach = (from, probe) => probe.appliance !== name && before(from, probe);
}

/** Cuts two appliances off from each other; both keep reaching everything else. */
export function cut({ stage }: Design): () => void {
  const before = stage.reach;
  stage.reach = (from, probe) =>
    probe.appliance === from ? before(from, probe) : probe.kind === 'daemon' ? 'silent' : false;
  return () => {
    stage.reach = before;
  };
}

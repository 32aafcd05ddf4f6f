/**
 * The configuration of the daemons of a design, from what the design deploys; checked by the daemon's own
 * parser, so that a file that the daemon would refuse fails in the preview. Pure.
 */
import { type ConfigInput, formatConfig, formatConfigError, parseConfig } from '../../controller/config.ts';
import type { StackConfig } from '../config.ts';

type GroupInput = NonNullable<ConfigInput['groups']>[number];
type ProbeInput = NonNullable<NonNullable<ConfigInput['appliances']>[number]['probes']>[number];

/** What a group owns: routes of tables, or an ENI. */
export type Owned =
  | {
      readonly kind: 'routes';
      readonly routeTableIds: readonly string[];
      readonly destinations: readonly string[];
    }
  | { readonly kind: 'eni'; readonly networkInterfaceId: string };

export interface DaemonConfigArgs {
  /** The appliance whose daemon reads the file. */
  readonly node: string;
  readonly region: string;
  readonly endpoint?: string;
  readonly group: string;
  readonly failback: StackConfig['failback'];
  readonly leaseTable?: string;
  readonly fence?: StackConfig['fence'];
  /** In order of preference. */
  readonly appliances: readonly {
    readonly name: string;
    readonly address: string;
    readonly networkInterfaceId: string;
  }[];
  readonly owned: Owned;
  /** Probed by way of each appliance. */
  readonly probeTarget: string;
  /** Whether all appliances are in one subnet, so that peers can send through each other. */
  readonly oneSubnet: boolean;
}

/** Port on which a daemon tells of its appliance's health. */
export const HEALTH_PORT = 8179;

/** Stands for an id that is not known before the deployment, so that a preview can check the rest. */
export const unknownId = (prefix: string, index: number): string =>
  `${prefix}-${index.toString(16).padStart(17, '0')}`;

const FAST = { interval: '200ms', timeout: '180ms', rise: 3, fall: 3 } as const;

function probes(args: DaemonConfigArgs): ProbeInput[] {
  const target = { icmp: args.probeTarget };
  return [
    { kind: 'icmp', ...FAST },
    { kind: 'daemon', port: HEALTH_PORT, ...FAST },
    args.oneSubnet
      ? { kind: 'through', target, by: 'next-hop', from: 'all', interval: '500ms', timeout: '450ms' }
      : { kind: 'through', target, by: 'route', from: 'self', interval: '500ms', timeout: '450ms' },
  ];
}

function owned(args: DaemonConfigArgs): Pick<GroupInput, 'routes' | 'eni'> {
  const { owned: what } = args;
  if (what.kind === 'eni') return { eni: { id: what.networkInterfaceId, deviceIndex: 1 } };
  return { routes: what.routeTableIds.map((table) => ({ table, destinations: [...what.destinations] })) };
}

/** The configuration as data. */
export function daemonConfigInput(args: DaemonConfigArgs): ConfigInput {
  return {
    version: 1,
    node: args.node,
    aws: { region: args.region, ...(args.endpoint === undefined ? {} : { endpoint: args.endpoint }) },
    appliances: args.appliances.map(({ name, address, networkInterfaceId: eni }) => ({
      name,
      address,
      eni,
      probes: probes(args),
    })),
    groups: [
      {
        name: args.group,
        members: args.appliances.map(({ name }) => name),
        ...owned(args),
        ...(args.fence === undefined || args.fence === 'none' ? {} : { fence: args.fence }),
        failback: args.failback === 'never' ? 'never' : { after: args.failback.after },
      },
    ],
    ...(args.leaseTable === undefined ? {} : { lease: { kind: 'dynamodb', table: args.leaseTable } }),
    health: { listen: `0.0.0.0:${HEALTH_PORT}` },
  };
}

/** The configuration file of one node, YAML; throws the parser's error where the daemon would refuse it. */
export function daemonConfig(args: DaemonConfigArgs): string {
  const text = formatConfig(daemonConfigInput(args));
  const parsed = parseConfig(text, `configuration of node ${args.node}`);
  if (parsed.ok) return text;
  throw new Error(
    `the daemon would refuse its configuration:\n${parsed.error.map(formatConfigError).join('\n')}`,
  );
}

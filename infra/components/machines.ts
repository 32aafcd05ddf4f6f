/** The appliances and observers of a plan: their ENIs first, since configurations name those of all peers. */
import * as pulumi from '@pulumi/pulumi';
import { tunnelAddress } from '../layout.ts';
import type { ApplianceOutput, NodeOutput } from '../outputs.ts';
import type { AppliancePlan, ObserverPlan, Plan } from '../plan.ts';
import { judgeText } from '../rules.ts';
import type { ApplianceKind } from '../settings.ts';
import { ApplianceInstance, ApplianceInterface } from './appliance.ts';
import { bgpInput } from './bgp-config.ts';
import type { Context, Machine, MadeMachine, Moved } from './context.ts';
import { daemonConfig, unknownIds } from './daemon-config.ts';
import type { DaemonRole } from './iam.ts';
import { placements } from './placement.ts';
import { speakerPart } from './speaker.ts';
import { type Boot, userData } from './user-data.ts';

/** Makes the ENIs of all appliances and observers. */
export function machineSeats(context: Context): readonly Machine[] {
  const { parent, prefix, plan, tags, network, internet, securityGroups } = context;
  const moves = plan.groups.filter(({ addresses }) => addresses !== undefined);
  const seat = (one: AppliancePlan | ObserverPlan, isObserver: boolean): Machine => {
    const subnet = network.subnets.find(({ plan: { name } }) => name === one.subnet);
    if (subnet === undefined)
      throw new Error(`${one.name} is in ${one.subnet}, which the plan does not have`);
    const port = new ApplianceInterface(
      `${prefix}-${one.name}`,
      {
        subnetId: subnet.id,
        address: one.address,
        securityGroupId: securityGroups[subnet.vpc.plan.name] ?? '',
        ipv6: subnet.vpc.plan.ipv6,
        forwards: !isObserver,
        addressesMove: moves.some(({ members }) => members.includes(one.name)),
        tags: { ...tags, [isObserver ? 'byoa:observer' : 'byoa:appliance']: one.name },
      },
      { parent, dependsOn: [...(internet[one.subnet] ?? [])] },
    );
    return { plan: one, isObserver, subnet, port };
  };
  return [...plan.appliances.map((one) => seat(one, false)), ...plan.observers.map((one) => seat(one, true))];
}

interface MadeMachines {
  readonly machines: readonly MadeMachine[];
  readonly nodes: pulumi.Output<readonly NodeOutput[]>;
  readonly appliances: pulumi.Output<readonly ApplianceOutput[]>;
}

/** The instances, one after the other: while one is replaced, the others are left alone. */
export function machineInstances(
  context: Context,
  seats: readonly Machine[],
  { ids }: Moved,
  role: DaemonRole,
): MadeMachines {
  const { parent, prefix, plan, args, settings, tags, internet } = context;
  const machines: MadeMachine[] = [];
  const configs = new Map<string, pulumi.Output<string>>();
  const apart = placements(context);
  for (const seat of seats) {
    const { name } = seat.plan;
    // Who announces has to speak.
    const speaks = plan.bgp !== undefined && settings.appliance.kind !== 'own';
    const runsDaemon = seat.isObserver || plan.observers.length === 0 || speaks;
    const config = runsDaemon ? configOf(context, name, seat.subnet.plan.zone, ids) : undefined;
    if (config !== undefined) configs.set(name, config);
    const before = machines.at(-1);
    const debian = seat.isObserver ? args.debianAmi : undefined;
    const script = scriptOf(context, seat, config);
    const placementGroup = seat.isObserver ? undefined : apart.get(seat.subnet.plan.zone);
    const instance = new ApplianceInstance(
      `${prefix}-${name}`,
      {
        networkInterfaceId: seat.port.networkInterfaceId,
        ami: debian ?? args.ami,
        amiPinned: debian === undefined && (args.amiPinned ?? true),
        instanceType: args.instanceType,
        ...(runsDaemon ? { instanceProfileName: role.instanceProfileName } : {}),
        ...(script === undefined ? {} : { userData: script }),
        ...(placementGroup === undefined ? {} : { placementGroup }),
        tags: { ...tags, [seat.isObserver ? 'byoa:observer' : 'byoa:appliance']: name },
      },
      {
        parent,
        dependsOn: [
          seat.port.association,
          ...(internet[seat.plan.subnet] ?? []),
          ...(before === undefined ? [] : [before.instance]),
        ],
      },
    );
    machines.push({ ...seat, instance });
  }
  const described = machines.map((machine) => ({ machine, output: describe(machine) }));
  return {
    machines,
    nodes: pulumi.all(
      described.flatMap(({ machine, output }) => {
        const config = configs.get(machine.plan.name);
        if (config === undefined) return [];
        return [pulumi.all([output, config]).apply(([one, text]) => ({ ...one, config: text }))];
      }),
    ),
    appliances: pulumi.all(
      described
        .filter(({ machine }) => !machine.isObserver)
        .map(({ machine, output }) =>
          pulumi.all([output, context.tunnels?.[machine.plan.name]?.tunnels ?? []]).apply(
            ([one, tunnels]): ApplianceOutput => ({
              ...one,
              role: settings.appliance.kind === 'nat' ? 'nat' : 'router',
              translates: settings.appliance.kind === 'nat' ? insideOf(plan, machine) : [],
              overlay: overlayOf(machine),
              tunnels: tunnels.map(({ outside, inside }) => ({
                kind: 'ipsec',
                remote: outside,
                inside: [`${tunnelAddress(inside, 2)}/30`],
              })),
            }),
          ),
        ),
    ),
  };
}

const overlayOf = ({ plan }: Machine): readonly string[] =>
  'overlay' in plan && plan.overlay !== undefined ? plan.overlay : [];

/** The blocks between which a NAT appliance leaves addresses as they are. */
const insideOf = ({ inside }: Plan, { subnet }: Machine): readonly string[] =>
  inside ?? [subnet.vpc.plan.cidr];

/** Checked with placeholders at once, and again with the real ids. */
export function configOf(
  { plan, args, settings }: Context,
  name: string,
  zone: string,
  ids: Moved['ids'],
): pulumi.Output<string> {
  const { instanceType } = args;
  const known = typeof instanceType === 'string' ? instanceType : undefined;
  judgeText(plan, daemonConfig(plan, name, regionOf(zone), settings, unknownIds(plan)), known);
  return ids.apply((all) => daemonConfig(plan, name, regionOf(zone), settings, all));
}

/** What an instance runs on its first boot. */
function scriptOf(
  context: Context,
  machine: Machine,
  config: pulumi.Output<string> | undefined,
): pulumi.Output<string> | undefined {
  const { args, settings } = context;
  const { appliance: kind } = settings;
  const { plan, isObserver, subnet } = machine;
  if (!isObserver && kind.kind === 'own')
    return kind.userData === '' ? undefined : pulumi.output(kind.userData);
  const boot: Omit<Boot, 'daemon'> = {
    name: plan.name,
    forwarding:
      isObserver || kind.kind === 'own' ? { kind: 'none' } : forwardingOf(kind, context.plan, machine),
    overlay: overlayOf(machine),
    ipv6: subnet.vpc.plan.ipv6,
    ...speakerOf(context, machine),
  };
  if (config === undefined) return pulumi.output(userData(boot));
  return pulumi
    .all([config, args.daemonUrl, args.daemonSha256, tunnelsOf(context, machine)])
    .apply(([text, url, sha256, tunnels]) =>
      userData({ ...boot, ...tunnels, daemon: { url, sha256, config: text } }),
    );
}

/** What speaks BGP on a machine: its daemon, or a program beside it. */
function speakerOf({ plan, settings }: Context, machine: Machine): Pick<Boot, 'speaks' | 'speaker'> {
  const { speaker: kind } = settings;
  if (machine.isObserver || kind === 'byoa') return { speaks: plan.bgp !== undefined };
  const { bgp } = bgpInput(plan, machine.plan.name, settings, () => '');
  return bgp === undefined ? {} : { speaker: speakerPart({ kind, bgp }) };
}

/** Of an appliance that has VPN tunnels. */
function tunnelsOf(
  { tunnels: all }: Context,
  { plan: { name }, port }: Machine,
): pulumi.Output<Pick<Boot, 'tunnels'>> {
  const own = all?.[name];
  if (own === undefined) return pulumi.output({});
  return pulumi
    .all([own.tunnels, own.parameterName, port.publicIp])
    .apply(([tunnels, parameter, publicIp]) => ({
      tunnels: { all: tunnels, publicIp, parameter },
    }));
}

const regionOf = (zone: string): string => zone.slice(0, -1);

function forwardingOf(
  kind: Exclude<ApplianceKind, { kind: 'own' }>,
  all: Plan,
  machine: Machine,
): Boot['forwarding'] {
  const { plan } = machine;
  if (kind.kind === 'nat') {
    const translate = 'translate' in plan ? (plan.translate ?? []) : [];
    return { kind: 'nat', blocks: insideOf(all, machine), translate };
  }
  const { rules, stateSync } = kind;
  // Who forwards everything keeps nothing in mind, and conntrackd knows one partner.
  const [partner, ...more] = all.appliances.filter(({ name }) => name !== plan.name);
  const shares = stateSync && rules.trim() !== '' && more.length === 0;
  const sync = shares && partner !== undefined ? { own: plan.address, partner: partner.address } : undefined;
  return { kind: 'firewall', rules, ...(sync && { sync }) };
}

function describe({ plan, subnet, port, instance }: MadeMachine) {
  return pulumi
    .all([port.publicIp, instance.instanceId, port.networkInterfaceId])
    .apply(([publicIp, instanceId, networkInterfaceId]) => ({
      name: plan.name,
      zone: subnet.plan.zone,
      privateIp: plan.address,
      publicIp,
      instanceId,
      networkInterfaceId,
    }));
}

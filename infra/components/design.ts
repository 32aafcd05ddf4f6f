/**
 * A design, deployed: makes everything that its plan says. Each design is a component of its own
 * (`infra/designs/NAME/component.ts`) that gives its name and its plan to this one.
 */
import * as pulumi from '@pulumi/pulumi';
import { withBrought } from '../brought.ts';
import { type Design, movesGroups } from '../design.ts';
import type { ApplianceOutput, FlowOutput, NodeOutput, WorkloadOutput } from '../outputs.ts';
import type { Plan } from '../plan.ts';
import { type Settings, secretsOf } from '../settings.ts';
import { type Clients, clients } from './clients.ts';
import type { Context, DesignArgs, Machine } from './context.ts';
import { firewalls } from './firewall.ts';
import { flowOutputs } from './flows.ts';
import { DaemonRole } from './iam.ts';
import { machineInstances, machineSeats } from './machines.ts';
import { besideOf, movedThings, rightsOf } from './moved.ts';
import { type Existing, Network } from './network.ts';
import { internetRoutes, otherRoutes } from './routes.ts';
import { NO_KEY } from './speaker.ts';
import { Transit } from './transit.ts';
import { Vpn } from './vpn.ts';

/** What moves groups, where a design has none, would be ignored, and a password that nobody asks for. */
function refuseUnused(design: Design, title: string, args: DesignArgs): void {
  if (design.keptBy === 'vpn' && secretsOf(args).length > 0)
    throw new Error(
      `VPN gateways know no BGP passwords and no BFD: ${title} cannot be given bgpPasswordParameter or bfdKeyParameter`,
    );
  const { speaker = 'byoa', appliance } = args;
  if (speaker !== 'byoa' && design.keptBy !== 'bgp')
    throw new Error(`the appliances of ${title} are no BGP speakers for others: leave out speaker`);
  if (speaker !== 'byoa' && appliance?.kind === 'own')
    throw new Error('what speaks on an AMI of your own is yours to say: leave out speaker');
  if (speaker === 'frr' && args.bfdKeyParameter !== undefined) throw new Error(NO_KEY);
  if (movesGroups(design)) return;
  const given = (['observers', 'leaseTable', 'fence', 'failback'] as const).filter(
    (key) => args[key] !== undefined && args[key] !== false && args[key] !== 'none' && args[key] !== 'never',
  );
  if (given.length > 0)
    throw new Error(`${title} moves no group: it cannot be given ${given.join(', ')}; leave that out`);
}

const settingsOf = ({ role, failback }: Design, args: DesignArgs): Settings => ({
  appliance: role === 'nat' ? { kind: 'nat' } : { kind: 'firewall', rules: '', stateSync: true },
  observers: false,
  failback,
  speaker: 'byoa',
  fence: 'none',
  ipv6: false,
  workload: false,
  ...args,
  tags: args.tags ?? {},
});

function existingOf({ vpcId, internetGatewayId, subnets }: DesignArgs): Existing | undefined {
  if (vpcId === undefined && subnets !== undefined)
    throw new Error('subnets that exist are of a VPC that exists; give vpcId and internetGatewayId, too');
  if (vpcId === undefined && internetGatewayId === undefined) return undefined;
  if (vpcId !== undefined && internetGatewayId !== undefined) return { vpcId, internetGatewayId };
  throw new Error('a VPC that exists needs vpcId and internetGatewayId; give both or neither');
}

export class DesignComponent extends pulumi.ComponentResource {
  readonly vpcIds: pulumi.Output<readonly string[]>;
  readonly nodes: pulumi.Output<readonly NodeOutput[]>;
  readonly appliances: pulumi.Output<readonly ApplianceOutput[]>;
  readonly workloads: pulumi.Output<readonly WorkloadOutput[]>;
  readonly flows: pulumi.Output<readonly FlowOutput[]>;
  readonly plan: Plan;
  /** Ids by what they are of: what daemons name (`idsOf` in `daemon-config.ts`), the transit gateway. */
  readonly ids: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(
    type: string,
    name: string,
    { title, design }: { readonly title: string; readonly design: Design },
    args: DesignArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    // First: what is refused is not half registered.
    refuseUnused(design, title, args);
    super(`byoa:index:${type}`, name, {}, opts);
    const plan = withBrought(design.plan(args), args.subnets);
    this.plan = plan;
    const home = this.context(name, title, settingsOf(design, args), args);
    const { network } = home;
    const seats = machineSeats(home);
    const context = this.connected(home, seats);
    const moved = movedThings(context, seats);
    const role = new DaemonRole(name, { tags: context.tags }, { parent: this });
    const { machines, nodes, appliances } = machineInstances(context, seats, moved, role);
    role.allow(rightsOf(context, seats, machines, moved));
    const instances = machines.map(({ instance }) => instance);
    const routes = otherRoutes(context, { moved, seats, instances });
    this.ids = pulumi
      .all([moved.ids, pulumi.output(context.transit?.ids ?? {})])
      .apply(([named, transit]) => ({ ...named, ...transit }));
    this.vpcIds = pulumi.all(network.vpcs.map(({ id }) => id));
    const made: Clients = clients(context, moved, routes, besideOf(seats));
    this.nodes = pulumi.all([nodes, made.nodes]).apply((lists) => lists.flat());
    this.appliances = appliances;
    this.workloads = made.workloads;
    const subnetIds = Object.fromEntries(network.subnets.map((one) => [one.plan.name, one.id]));
    this.flows = flowOutputs(plan.flows, { subnetIds, eips: moved.publicIps });
    this.registerOutputs({ vpcIds: this.vpcIds, nodes: this.nodes, flows: this.flows });
  }

  /** With the VPN connections of the plan. */
  private connected(context: Context, seats: readonly Machine[]): Context {
    const { prefix, plan, network, securityGroups, tags } = context;
    if (plan.vpn === undefined) return context;
    const vpn = new Vpn(prefix, { plan, network, seats, securityGroups, tags }, { parent: this });
    return { ...context, tunnels: vpn.appliances };
  }

  private context(name: string, title: string, settings: Settings, args: DesignArgs): Context {
    const { plan } = this;
    const tags = { ...args.tags, 'byoa:design': title };
    const existing = existingOf(args);
    const network = new Network(
      name,
      { vpcs: plan.vpcs, tags, ...(existing === undefined ? {} : { existing }) },
      { parent: this },
    );
    const home = { parent: this, prefix: name, plan, network };
    const internet = Object.fromEntries(
      network.tables.map((table) => [table.name, internetRoutes(home, table)]),
    );
    const transit =
      plan.transit === undefined
        ? undefined
        : new Transit(name, { tables: plan.transit, network, tags }, { parent: this });
    const securityGroups = firewalls(home, tags);
    return {
      ...home,
      args,
      settings,
      tags,
      internet,
      securityGroups,
      ...(transit === undefined ? {} : { transit }),
    };
  }
}

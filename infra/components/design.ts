/**
 * A design, deployed: makes everything that its plan says. Each design is a component of its own
 * (`infra/designs/NAME/component.ts`) that gives its name and its plan to this one.
 */
import * as pulumi from '@pulumi/pulumi';
import type { Design } from '../design.ts';
import type { ApplianceOutput, FlowOutput, NodeOutput, WorkloadOutput } from '../outputs.ts';
import { named, type Plan, type RoutePlan, tablesOf } from '../plan.ts';
import type { Settings } from '../settings.ts';
import type { ApplianceInstance } from './appliance.ts';
import { type Clients, clients } from './clients.ts';
import type { Context, DesignArgs, Machine, Moved } from './context.ts';
import { Firewall } from './firewall.ts';
import { flowOutputs } from './flows.ts';
import { DaemonRole } from './iam.ts';
import { machineInstances, machineSeats } from './machines.ts';
import { movedThings, rightsOf } from './moved.ts';
import { type Existing, Network, type Table } from './network.ts';
import { plannedRoute } from './routes.ts';

/** What moves groups, where a design has none, would be ignored. */
function refuseOfGroups({ keptBy }: Design, title: string, args: DesignArgs): void {
  if (keptBy !== 'bgp') return;
  const given = (['observers', 'leaseTable', 'fence', 'failback'] as const).filter(
    (key) => args[key] !== undefined && args[key] !== false && args[key] !== 'none' && args[key] !== 'never',
  );
  if (given.length > 0)
    throw new Error(`${title} moves no group: it cannot be given ${given.join(', ')}; leave that out`);
}

const settingsOf = ({ role, failback }: Design, args: DesignArgs): Settings => ({
  appliance: role === 'nat' ? { kind: 'nat' } : { kind: 'firewall', rules: '' },
  observers: false,
  failback,
  fence: 'none',
  ipv6: false,
  workload: false,
  ...args,
  tags: args.tags ?? {},
});

function existingOf({ vpcId, internetGatewayId }: DesignArgs): Existing | undefined {
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
  /** What the groups move: ids by the names of `idsOf` in `daemon-config.ts`. */
  readonly ids: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(
    type: string,
    name: string,
    { title, design }: { readonly title: string; readonly design: Design },
    args: DesignArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(`byoa:index:${type}`, name, {}, opts);
    refuseOfGroups(design, title, args);
    const plan = design.plan(args);
    this.plan = plan;
    const context = this.context(name, title, settingsOf(design, args), args);
    const { network } = context;
    const seats = machineSeats(context);
    const moved = movedThings(context, seats);
    const role = new DaemonRole(name, { tags: context.tags }, { parent: this });
    const { machines, nodes, appliances } = machineInstances(context, seats, moved, role);
    role.allow(rightsOf(context, seats, machines, moved));
    const instances = machines.map(({ instance }) => instance);
    const routes = this.routes(context, moved, seats, instances);
    this.ids = moved.ids;
    this.vpcIds = pulumi.all(network.vpcs.map(({ id }) => id));
    const made: Clients = clients(context, moved, routes);
    this.nodes = pulumi.all([nodes, made.nodes]).apply((lists) => lists.flat());
    this.appliances = appliances;
    this.workloads = made.workloads;
    const subnetIds = Object.fromEntries(network.subnets.map((one) => [one.plan.name, one.id]));
    this.flows = flowOutputs(plan.flows, { subnetIds, eips: moved.publicIps });
    this.registerOutputs({ vpcIds: this.vpcIds, nodes: this.nodes, flows: this.flows });
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
    const securityGroups = Object.fromEntries(
      network.vpcs.map((vpc) => {
        const { name: own, cidr, ipv6, open = false } = vpc.plan;
        const firewall = new Firewall(
          own === '' ? `${name}-appliance` : `${name}-appliance-${own}`,
          {
            vpcId: vpc.id,
            cidr,
            ...(ipv6 ? { ipv6Cidr: vpc.ipv6Cidr } : {}),
            open,
            description: 'byoa appliances',
            tags,
          },
          { parent: this },
        );
        return [own, firewall.securityGroupId];
      }),
    );
    const internet = Object.fromEntries(
      network.tables.map((table) => [table.name, this.internetRoutes(name, network, table)]),
    );
    return { parent: this, prefix: name, plan, args, settings, tags, network, internet, securityGroups };
  }

  /** The routes of a table that lead to the Internet gateway: an instance needs them when it boots. */
  private internetRoutes(prefix: string, { subnets }: Network, table: Table): readonly pulumi.Resource[] {
    const routes = named(tablesOf(this.plan), table.name).routes.filter(({ to }) => to.kind === 'internet');
    const made = routes.map(({ destination }) =>
      plannedRoute(
        `${prefix}-${table.name}`,
        { routeTableId: table.id, destination, target: { gatewayId: table.vpc.gatewayId }, moves: false },
        { parent: this },
      ),
    );
    const subnet = subnets.find(({ plan }) => plan.name === table.name);
    return [...(subnet === undefined ? [] : [subnet.association]), ...made];
  }

  /** All other routes; they wait for the instances, since a route to an ENI without one is a black hole. */
  private routes(
    { prefix, network }: Context,
    { floating }: Moved,
    seats: readonly Machine[],
    dependsOn: readonly ApplianceInstance[],
  ): pulumi.Resource[] {
    const eniOf = (name: string | undefined): pulumi.Output<string> =>
      seats.find(({ plan }) => plan.name === name)?.port.networkInterfaceId ?? pulumi.output('');
    const targetOf = ({ to }: RoutePlan): pulumi.Output<string> | undefined => {
      switch (to.kind) {
        case 'internet':
        case 'announced':
          return undefined;
        case 'appliance':
          return eniOf(to.appliance);
        case 'floating':
          return floating[to.group]?.id;
        case 'group':
          return eniOf(named(this.plan.groups, to.group).members[0]);
      }
    };
    return network.tables.flatMap((table) =>
      named(tablesOf(this.plan), table.name).routes.flatMap((route) => {
        const networkInterfaceId = targetOf(route);
        if (networkInterfaceId === undefined) return [];
        const { destination, to } = route;
        const moves = to.kind === 'group';
        return [
          plannedRoute(
            `${prefix}-${table.name}`,
            { routeTableId: table.id, destination, target: { networkInterfaceId }, moves },
            { parent: this, dependsOn: [...dependsOn] },
          ),
        ];
      }),
    );
  }
}

/**
 * Egress through a pair of appliances in two zones, active and standby. Each zone's workload table sends
 * 0.0.0.0/0 to the ENI of the appliance that owns the group, at first the first zone's; the daemons rewrite
 * these routes. Traffic of the other zone crosses zones. IPv6, where chosen, is forwarded without NAT: its
 * replies come in past the appliance.
 */
import * as pulumi from '@pulumi/pulumi';
import { Firewall } from '../components/firewall.ts';
import { DaemonRole } from '../components/iam.ts';
import { Network } from '../components/network.ts';
import { movedRoute } from '../components/routes.ts';
import {
  configs,
  instances,
  type NodeOutput,
  nodeOutputs,
  type PairArgs,
  policies,
  seat,
  workload,
} from './pair.ts';

export type EgressPairArgs = PairArgs;

const GROUP = 'egress';

export class EgressPair extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  /** The workload tables, whose default routes the daemons move. */
  readonly routeTableIds: pulumi.Output<readonly string[]>;
  readonly nodes: pulumi.Output<readonly NodeOutput[]>;
  /** The client instance, where one was asked for. */
  readonly workloadInstanceId: pulumi.Output<string> | undefined;

  constructor(name: string, args: EgressPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:EgressPair', name, {}, opts);
    if (args.zones.length < 2)
      throw new Error(`egress-pair needs two zones, and has '${args.zones.join(', ')}'`);
    const child = { parent: this };
    const tags = { ...args.tags, 'byoa:design': 'egress-pair', 'byoa:group': GROUP };
    const ipv6 = args.ipv6 ?? false;
    const network = new Network(name, { cidr: args.cidr, zones: args.zones, ipv6, tags }, child);
    const firewall = new Firewall(
      `${name}-appliance`,
      { vpcId: network.vpcId, ...network.blocks, description: 'byoa appliances', tags },
      child,
    );
    const role = new DaemonRole(name, { tags }, child);
    const seats = network.zones.map((zone) =>
      seat(this, name, { name: zone.letter, zone, host: 0 }, args, tags, firewall.securityGroupId),
    );
    const tables = network.zones.map((zone) => zone.workloadTable);
    const destinations = ipv6 ? ['0.0.0.0/0', '::/0'] : ['0.0.0.0/0'];
    const ids = tables.map((table) => table.id);
    const config = configs(seats, { kind: 'routes', routeTableIds: ids, destinations }, GROUP, args);
    const made = instances(this, name, seats, config, role, args, tags);
    const arns = tables.map((table) => table.arn);
    role.allow({
      routeTables: arns,
      networkInterfaces: [],
      instances: [],
      ...policies(args, made, arns[0]),
    });
    const first = seats[0]?.port.networkInterfaceId ?? pulumi.output('');
    const routes = network.zones.flatMap((zone) =>
      destinations.map((destination) =>
        movedRoute(
          `${name}-workload-${zone.zone}`,
          { routeTableId: zone.workloadTable.id, destination, firstTarget: first },
          { parent: this, dependsOn: made.slice(0, 1) },
        ),
      ),
    );
    this.vpcId = network.vpcId;
    this.routeTableIds = pulumi.all(ids);
    this.nodes = nodeOutputs(seats, made, config);
    this.workloadInstanceId =
      args.workload === true ? workload(this, name, network, firewall, args, tags, routes) : undefined;
    this.registerOutputs({ vpcId: this.vpcId, routeTableIds: this.routeTableIds, nodes: this.nodes });
  }
}

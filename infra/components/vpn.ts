/**
 * The VPN connections of a plan: a VPN gateway in each VPC that has one, and a customer gateway for each
 * appliance, at its Elastic IP. AWS chooses the pre-shared keys; an appliance reads its own as a parameter of
 * Systems Manager, so that they stand in no user data. AWS Site-to-Site VPN User Guide.
 */
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { isPropagated, named, type Plan, tablesOf, type VpnPlan } from '../plan.ts';
import type { ApplianceTunnels, Machine } from './context.ts';
import type { Network, Vpc } from './network.ts';
import { type Tags, tagged } from './tags.ts';
import { keysText, type Tunnel } from './tunnels.ts';

export interface VpnArgs {
  readonly plan: Plan;
  readonly network: Network;
  readonly seats: readonly Machine[];
  /** Security groups by VPC. */
  readonly securityGroups: Readonly<Record<string, pulumi.Output<string>>>;
  readonly tags: Tags;
}

interface Connected {
  readonly plan: VpnPlan;
  readonly tunnels: pulumi.Output<readonly Tunnel[]>;
  /** By which the gateway's ends prove who they are; secret. */
  readonly keys: pulumi.Output<readonly string[]>;
}

const IKE_PORT = 500;
const NAT_TRAVERSAL_PORT = 4500;

export class Vpn extends pulumi.ComponentResource {
  /** By appliance. */
  readonly appliances: Readonly<Record<string, ApplianceTunnels>>;
  private readonly prefix: string;
  private readonly tags: Tags;

  constructor(name: string, args: VpnArgs, opts?: pulumi.ComponentResourceOptions) {
    super('byoa:index:Vpn', name, {}, opts);
    this.prefix = name;
    this.tags = args.tags;
    const { plan, network, seats } = args;
    const gateways = Object.fromEntries(
      network.vpcs
        .filter((vpc) => vpc.plan.hasVpnGateway === true)
        .map((vpc) => [vpc.plan.name, this.gateway(vpc, args)]),
    );
    this.appliances = Object.fromEntries(
      seats.map((seat) => {
        const customer = this.customer(seat, plan);
        const connected = (plan.vpn ?? [])
          .filter(({ appliance }) => appliance === seat.plan.name)
          .map((one) => this.connection(one, gateways[one.vpc] ?? pulumi.output(''), customer));
        const group = args.securityGroups[seat.subnet.vpc.plan.name] ?? pulumi.output('');
        for (const one of connected) this.admit(one, group);
        return [seat.plan.name, this.told(seat, connected)];
      }),
    );
    this.registerOutputs({});
  }

  private gateway({ plan: vpc, id }: Vpc, { plan, network }: VpnArgs): pulumi.Output<string> {
    const full = `${this.prefix}-${vpc.name}`;
    const child = { parent: this };
    const amazonSideAsn = String(plan.bgp?.takerAs);
    const gateway = new aws.ec2.VpnGateway(
      full,
      { vpcId: id, amazonSideAsn, tags: tagged(this.tags, full) },
      child,
    );
    for (const table of network.tables) {
      if (table.vpc.plan.name !== vpc.name || !isPropagated(named(tablesOf(plan), table.name))) continue;
      const pair = { vpnGatewayId: gateway.id, routeTableId: table.id };
      new aws.ec2.VpnGatewayRoutePropagation(`${this.prefix}-${table.name}`, pair, child);
    }
    return gateway.id;
  }

  private customer({ plan: { name }, port }: Machine, { bgp }: Plan): pulumi.Output<string> {
    const full = `${this.prefix}-${name}`;
    const args = {
      type: 'ipsec.1',
      bgpAsn: String(bgp?.as),
      ipAddress: port.publicIp,
      tags: tagged(this.tags, full),
    };
    return new aws.ec2.CustomerGateway(full, args, { parent: this }).id;
  }

  /** The appliance dials, and dials again when nothing has been heard for a while. */
  private connection(
    plan: VpnPlan,
    vpnGatewayId: pulumi.Output<string>,
    customerGatewayId: pulumi.Output<string>,
  ): Connected {
    const full = `${this.prefix}-${plan.name}`;
    const made = new aws.ec2.VpnConnection(
      full,
      {
        type: 'ipsec.1',
        vpnGatewayId,
        customerGatewayId,
        tunnel1InsideCidr: plan.inside[0] ?? '',
        tunnel2InsideCidr: plan.inside[1] ?? '',
        tunnel1IkeVersions: ['ikev2'],
        tunnel2IkeVersions: ['ikev2'],
        tags: tagged(this.tags, full),
      },
      { parent: this },
    );
    const outside = pulumi.all([made.tunnel1Address, made.tunnel2Address]);
    return {
      plan,
      tunnels: outside.apply((all) =>
        all.map((address, at) => ({
          name: `${plan.name}-${at + 1}`,
          outside: address,
          inside: plan.inside[at] ?? '',
        })),
      ),
      keys: pulumi.secret(pulumi.all([made.tunnel1PresharedKey, made.tunnel2PresharedKey])),
    };
  }

  /** What the gateway's ends send, also where they begin. */
  private admit({ plan, tunnels }: Connected, securityGroupId: pulumi.Output<string>): void {
    for (const at of plan.inside.keys()) {
      const full = `${this.prefix}-${plan.name}-${at + 1}`;
      new aws.vpc.SecurityGroupIngressRule(
        full,
        {
          securityGroupId,
          description: `tunnel ${at + 1} of ${plan.name}`,
          ipProtocol: 'udp',
          fromPort: IKE_PORT,
          toPort: NAT_TRAVERSAL_PORT,
          cidrIpv4: tunnels.apply((all) => `${all[at]?.outside}/32`),
          tags: tagged(this.tags, full),
        },
        { parent: this },
      );
    }
  }

  private told({ plan: { name } }: Machine, connected: readonly Connected[]): ApplianceTunnels {
    const full = `${this.prefix}-${name}`;
    const tunnels = pulumi.all(connected.map((one) => one.tunnels)).apply((lists) => lists.flat());
    const keys = pulumi.all(connected.map((one) => one.keys)).apply((lists) => lists.flat());
    const value = pulumi.all([tunnels, keys]).apply(([ends, secrets]) => keysText(ends, secrets));
    const parameter = new aws.ssm.Parameter(
      full,
      {
        type: 'SecureString',
        description: `Keys of the VPN tunnels of ${full}`,
        value: pulumi.secret(value),
        tags: tagged(this.tags, full),
      },
      { parent: this },
    );
    return { tunnels, parameterName: parameter.name, parameterArn: parameter.arn };
  }
}

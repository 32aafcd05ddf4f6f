/** What a design is told, and what the parts of its deployment share. Types only. */
import type * as aws from '@pulumi/aws';
import type * as pulumi from '@pulumi/pulumi';
import type { OwnKey, PlanArgs } from '../design.ts';
import type { AppliancePlan, ObserverPlan, Plan } from '../plan.ts';
import type { Settings } from '../settings.ts';
import type { ApplianceInstance, ApplianceInterface } from './appliance.ts';
import type { Network, Subnet } from './network.ts';
import type { Tags } from './tags.ts';
import type { Transit } from './transit.ts';
import type { Tunnel } from './tunnels.ts';

/** What every design is told. */
export interface CommonArgs extends Omit<PlanArgs, OwnKey>, Partial<Omit<Settings, keyof PlanArgs | 'tags'>> {
  /** A VPC that exists, in which `cidr` is free, and its gateway; neither where the design makes one. */
  readonly vpcId?: pulumi.Input<string>;
  readonly internetGatewayId?: pulumi.Input<string>;
  readonly ami: pulumi.Input<string>;
  /** True where `ami` was chosen: another one replaces the instances; false where it was looked up. */
  readonly amiPinned?: boolean;
  readonly instanceType: pulumi.Input<string>;
  /** Debian for clients and observers, where `ami` is none. */
  readonly debianAmi?: pulumi.Input<string>;
  readonly daemonUrl: pulumi.Input<string>;
  /** 64 lower-case hexadecimal digits. */
  readonly daemonSha256: pulumi.Input<string>;
  readonly tags?: Tags;
}

/** The arguments of a design that takes these keys of its own. */
export type DesignArgs<K extends OwnKey = OwnKey> = CommonArgs & Pick<PlanArgs, K>;

/** What an appliance needs to know of its VPN tunnels. */
export interface ApplianceTunnels {
  readonly tunnels: pulumi.Output<readonly Tunnel[]>;
  /** The parameter of Systems Manager with their keys. */
  readonly parameterName: pulumi.Output<string>;
  readonly parameterArn: pulumi.Output<string>;
}

/** What the parts of a deployment share. */
export interface Context {
  readonly parent: pulumi.ComponentResource;
  /** The name of the component, with which all names begin. */
  readonly prefix: string;
  readonly plan: Plan;
  readonly args: DesignArgs;
  readonly settings: Settings;
  readonly tags: Tags;
  readonly network: Network;
  /** Resources that a subnet's way to the Internet is made of, by its table. */
  readonly internet: Readonly<Record<string, readonly pulumi.Resource[]>>;
  /** What appliances know of their VPN tunnels, by appliance. */
  readonly tunnels?: Readonly<Record<string, ApplianceTunnels>>;
  /** The transit gateway, where the plan has one. */
  readonly transit?: Transit;
  /** Security groups by VPC. */
  readonly securityGroups: Readonly<Record<string, pulumi.Output<string>>>;
}

/** The place of an appliance or an observer, before its instance exists. */
export interface Machine {
  readonly plan: AppliancePlan | ObserverPlan;
  readonly isObserver: boolean;
  readonly subnet: Subnet;
  readonly port: ApplianceInterface;
}

export interface MadeMachine extends Machine {
  readonly instance: ApplianceInstance;
}

export interface Moved {
  /** By group. */
  readonly floating: Readonly<Record<string, aws.ec2.NetworkInterface>>;
  readonly eips: Readonly<Record<string, aws.ec2.Eip>>;
  /** Addresses of the Elastic IPs, by group. */
  readonly publicIps: Readonly<Record<string, pulumi.Output<string>>>;
  /** All ids that a daemon's configuration names. */
  readonly ids: pulumi.Output<Readonly<Record<string, string>>>;
}

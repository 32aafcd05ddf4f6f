/** Gateway Load Balancers and what belongs to them, as Elastic Load Balancing stores them; ids are ARNs. */
import type { BalancedTarget, TargetHealthCheck } from '../../vpc/model.ts';
import type { Stored } from './base.ts';

type Attributes = Readonly<Record<string, string>>;

export interface LoadBalancerRecord extends Stored {
  readonly account: string;
  readonly name: string;
  readonly vpc: string;
  readonly state: 'provisioning' | 'active';
  readonly createdAt: Date;
  readonly zones: readonly { readonly zone: string; readonly subnet: string; readonly eni: string }[];
  readonly attributes: Attributes;
  /** What its listener says; a Gateway Load Balancer has one at most. */
  readonly targetGroup?: string;
  readonly tcpIdleS: number;
}

export interface ListenerRecord extends Stored {
  readonly loadBalancer: string;
  readonly targetGroup: string;
  readonly attributes: Attributes;
}

export interface TargetRecord extends BalancedTarget {
  /** Results in a row that differ from its state. */
  readonly streak: number;
}

export interface TargetGroupRecord extends Stored {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly vpc: string;
  readonly targetType: 'instance' | 'ip';
  readonly health: TargetHealthCheck;
  /** `traffic-port` or a number, as given. */
  readonly healthPort: string;
  readonly attributes: Attributes;
  readonly targets: readonly TargetRecord[];
  readonly loadBalancers: readonly string[];
}

export interface LoadBalancerRecords {
  readonly 'load-balancer': LoadBalancerRecord;
  readonly listener: ListenerRecord;
  readonly 'target-group': TargetGroupRecord;
}

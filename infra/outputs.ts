/** What a deployed design tells about itself: enough to run its daemons and to try its promises. Pure. */
import type { FlowEnd, FlowPlan } from './plan.ts';

/** A machine with a daemon. */
export interface NodeOutput {
  readonly name: string;
  readonly zone: string;
  readonly privateIp: string;
  readonly publicIp: string;
  readonly instanceId: string;
  readonly networkInterfaceId: string;
  /** The daemon's configuration file, YAML. */
  readonly config: string;
}

export interface ApplianceOutput extends Omit<NodeOutput, 'config'> {
  /** `nat` sends with its own address, `router` with that of the sender. */
  readonly role: 'nat' | 'router';
  /** Of `nat`: blocks from which packets to elsewhere are translated. */
  readonly translates: readonly string[];
  /** Addresses outside the VPC that it answers for. */
  readonly overlay: readonly string[];
  /** The VPN tunnels that end at it: the gateway's outside address, and its own address inside. */
  readonly tunnels: readonly {
    readonly kind: 'ipsec';
    readonly remote: string;
    readonly inside: readonly string[];
  }[];
}

/** A client, where some were asked for. */
export interface WorkloadOutput {
  readonly name: string;
  readonly instanceId: string;
  readonly privateIp: string;
  /** Empty where it has none. */
  readonly publicIp: string;
}

/** An end of a flow: somebody on the Internet, a workload in a subnet, its public address, or an address. */
export type EndOutput =
  | { readonly kind: 'internet' }
  | { readonly kind: 'subnet' | 'public'; readonly subnetId: string }
  | { readonly kind: 'address'; readonly address: string };

/** A flow that the design promises: `from` sends, `to` answers. */
export interface FlowOutput {
  readonly name: string;
  readonly from: EndOutput;
  readonly to: EndOutput;
  /** The group that it depends on; any of them where absent. */
  readonly group?: string;
  readonly objectiveMs: number;
}

/** An end in words: `workload-eu-central-1a`, `Internet`. */
export function endText(end: FlowEnd): string {
  switch (end.kind) {
    case 'internet':
      return 'Internet';
    case 'subnet':
      return end.subnet;
    case 'public':
      return `public address in ${end.subnet}`;
    case 'address':
      return end.address;
    case 'eip':
      return `Elastic IP of ${end.group}`;
  }
}

export const flowText = ({ from, to }: Pick<FlowPlan, 'from' | 'to'>): string =>
  `${endText(from)} -> ${endText(to)}`;

/** The promised flows of a plan, with the ids and addresses of what was made. */
import * as pulumi from '@pulumi/pulumi';
import { type EndOutput, type FlowOutput, flowText } from '../outputs.ts';
import type { FlowEnd, FlowPlan } from '../plan.ts';

/** What ends of flows are looked up in, by their names in the plan. */
export interface Places {
  readonly subnetIds: Readonly<Record<string, pulumi.Output<string>>>;
  /** Addresses of the Elastic IPs of groups. */
  readonly eips: Readonly<Record<string, pulumi.Output<string>>>;
}

function endOutput(end: FlowEnd, { subnetIds, eips }: Places): pulumi.Output<EndOutput> {
  switch (end.kind) {
    case 'internet':
    case 'address':
      return pulumi.output<EndOutput>(end);
    case 'subnet':
    case 'public': {
      const { kind } = end;
      return pulumi.output(subnetIds[end.subnet] ?? '').apply((subnetId): EndOutput => ({ kind, subnetId }));
    }
    case 'eip':
      return pulumi
        .output(eips[end.group] ?? '')
        .apply((address): EndOutput => ({ kind: 'address', address }));
  }
}

export const flowOutputs = (
  flows: readonly FlowPlan[],
  places: Places,
): pulumi.Output<readonly FlowOutput[]> =>
  pulumi.all(
    flows.map((flow) =>
      pulumi.all([endOutput(flow.from, places), endOutput(flow.to, places)]).apply(
        ([from, to]): FlowOutput => ({
          name: flowText(flow),
          from: from as EndOutput,
          to: to as EndOutput,
          ...(flow.group === undefined ? {} : { group: flow.group }),
          objectiveMs: flow.objectiveMs,
        }),
      ),
    ),
  );

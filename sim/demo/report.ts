/**
 * What a run of the demonstration measured, and how the measured instants become a timeline and a split.
 * Pure: it reads no clock and draws nothing; `text.ts` and `page.ts` render it.
 */
import type { Instant, Millis } from '../../controller/base/time.ts';

/** Something that somebody saw, on the clock that the processes of one machine share. */
export interface Observation {
  readonly at: Instant;
  /** `flow`, `simulator` or `daemon NAME`. */
  readonly who: string;
  /** The topic of a log line or of a simulator event: `verdict`, `call`, `outcome`, ... */
  readonly topic: string;
  readonly text: string;
  /** How long the thing took that ended here: an EC2 call that was answered. */
  readonly durationMs?: Millis;
}

/** Packets of the flow while the run lasted; one was sent every `intervalMs`. */
export interface FlowResult {
  readonly intervalMs: Millis;
  readonly sent: number;
  readonly delivered: number;
  readonly answered: number;
  readonly lost: number;
  /** The longest interruption, if any packet was lost: send instants of the packets around it. */
  readonly gap?: {
    readonly lastDeliveredAt: Instant;
    readonly firstDeliveredAt: Instant;
    readonly lost: number;
  };
  /** ENIs that the packets went through, before and after. */
  readonly pathBefore: readonly string[];
  readonly pathAfter: readonly string[];
}

/** Where the blackout went; the four parts add up to it. */
export interface Split {
  readonly detectMs: Millis;
  readonly decideMs: Millis;
  readonly callMs: Millis;
  readonly propagateMs: Millis;
}

export interface TimelineEntry {
  /** Since the trigger: the kill, or the operator's command. */
  readonly sinceMs: Millis;
  readonly who: string;
  readonly topic: string;
  readonly text: string;
  readonly durationMs?: Millis;
}

export const DRILLS = ['failover', 'switchover'] as const;

export interface DrillResult {
  readonly kind: (typeof DRILLS)[number];
  readonly title: string;
  readonly entries: readonly TimelineEntry[];
  readonly flow: FlowResult;
  readonly blackoutMs: Millis;
  /** Absent for a switchover (nothing is detected) and where the traffic did not return. */
  readonly split?: Split;
  readonly recovered: boolean;
}

/** One box of the picture: an instance, with the subnet and the zone that it stands in. */
export interface Box {
  readonly id: string;
  readonly name: string;
  readonly role: 'appliance' | 'workload';
  readonly zone: string;
  readonly subnet: string;
  readonly enis: readonly { readonly id: string; readonly address: string; readonly deviceIndex: number }[];
}

export interface DesignResult {
  readonly design: string;
  readonly summary: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly boxes: readonly Box[];
  readonly resources: number;
  readonly host: string;
  readonly drills: readonly DrillResult[];
}

/** Topics that belong on a timeline; the rest stays in the daemons' logs. */
const SHOWN = new Set([
  'evidence',
  'verdict',
  'decision',
  'call',
  'outcome',
  'owned',
  'lost',
  'route-in-effect',
  'kill',
  'command',
  'data-plane',
  'guest',
  'flow',
]);

/** Writes go to the network path; reads only confirm. The split counts from the first write to the last. */
const isWrite = (observation: Observation): boolean => !/describe/i.test(observation.text);

/**
 * Orders what was seen around one trigger and splits the blackout at the verdict, the first write and the
 * last answer. The parts are exact differences of measured instants: detect runs from the last packet
 * delivered to the verdict, decide to the first write sent, call to the last write answered (or the ENI
 * attached), propagate to the first packet delivered again.
 */
export function drill(input: {
  readonly kind: DrillResult['kind'];
  readonly title: string;
  readonly triggerAt: Instant;
  readonly observations: readonly Observation[];
  readonly flow: FlowResult;
}): DrillResult {
  const { triggerAt, flow } = input;
  const gap = flow.gap;
  const packets: Observation[] = gap
    ? [
        { at: gap.lastDeliveredAt, who: 'flow', topic: 'flow', text: 'Last packet delivered.' },
        {
          at: gap.firstDeliveredAt,
          who: 'flow',
          topic: 'flow',
          text: `First packet delivered again; ${gap.lost} lost.`,
        },
      ]
    : [];
  const seen = [...input.observations, ...packets]
    .filter((observation) => SHOWN.has(observation.topic))
    .sort((a, b) => a.at - b.at);
  const recovered = flow.pathAfter.length > 0 && (gap === undefined || Number.isFinite(gap.firstDeliveredAt));
  const split =
    input.kind === 'failover' && gap && recovered ? splitOf(gap, input.observations, triggerAt) : undefined;
  return {
    kind: input.kind,
    title: input.title,
    entries: seen.map(({ at, ...rest }) => ({ sinceMs: at - triggerAt, ...rest })),
    flow,
    blackoutMs: gap ? gap.firstDeliveredAt - gap.lastDeliveredAt : 0,
    ...(split ? { split } : {}),
    recovered,
  };
}

function splitOf(
  gap: NonNullable<FlowResult['gap']>,
  observations: readonly Observation[],
  triggerAt: Instant,
): Split | undefined {
  const inGap = observations.filter(({ at }) => at >= triggerAt && at <= gap.firstDeliveredAt);
  const verdict = inGap.find(({ topic, text }) => topic === 'verdict' && /\bdead\b/.test(text));
  const writes = inGap.filter((observation) => observation.topic === 'call' && isWrite(observation));
  const answers = inGap.filter((observation) => observation.topic === 'outcome' && isWrite(observation));
  const first = writes[0];
  // An ENI is attached some time after the call was answered; the daemon owns it when EC2 says so.
  const attached = answers.some(({ text }) => /^AttachNetworkInterface/.test(text));
  const last = attached ? inGap.find(({ topic }) => topic === 'owned') : answers.at(-1);
  if (!verdict || !first || !last) return undefined;
  return {
    detectMs: verdict.at - gap.lastDeliveredAt,
    decideMs: first.at - verdict.at,
    callMs: last.at - first.at,
    propagateMs: gap.firstDeliveredAt - last.at,
  };
}

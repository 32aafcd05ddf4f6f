/**
 * What a node makes of its probes of one appliance: healthy, suspect, dead or unknown, with the age of the
 * evidence and a sentence. Which group the appliance owns does not matter here, nor what other nodes think.
 *
 * - A `through` probe that passes proves that the appliance carries traffic: it is alive, at worst suspect.
 * - A `through` probe that is down is the appliance's fault, unless its target fails by way of every member:
 *   then it is the target's, and the evidence is excused.
 * - Without such evidence any required probe that is down means dead, and all passing means healthy.
 * - A session (BFD, BGP) that is down is not the appliance's death while a `through` probe passes that was
 *   sent after the session's peer was last heard: its control plane is lost. Otherwise it is dead at once,
 *   except that a peer which ended its sessions itself (a connection closed, a word in BFD) lived then:
 *   where a `through` probe passed until then, its next round decides, and is sent at once. One that answers
 *   since, and not often enough yet, holds the verdict of death back: a node that was held up itself hears of
 *   the session's end before it hears what is forwarded.
 * - `daemon` probes that get no answer say nothing; advisory probes never decide.
 */
import { formatMillis, type Instant } from '../base/time.ts';
import { isEventDriven, type ProbeConfig, type ThroughTarget } from '../config.ts';
import { type Evidence, type ProbeState, type Says, says } from './probe.ts';
import { accusers, type Jury } from './quorum.ts';

export type VerdictKind = 'healthy' | 'suspect' | 'dead' | 'unknown';

export interface Verdict {
  readonly kind: VerdictKind;
  /** When the kind became what it is. */
  readonly since: Instant;
  /** The newest result that went into it. */
  readonly evidenceAt?: Instant;
  /** The last success of a required probe. */
  readonly lastUpAt?: Instant;
  /** When the failures began that made it dead. */
  readonly failedSince?: Instant;
  /** Whether this node's own probes find it dead, whatever others say. */
  readonly ownDead?: true;
  /** Since when they have, and others have to agree that do not yet. */
  readonly wantsSince?: Instant;
  /** Whether its death is shown by more than a silence that this node's own isolation would explain. */
  readonly positive?: true;
  /** When it was healthy again after its last death; `awaited` while it has not been. */
  readonly comeback?: 'awaited' | Instant;
  readonly reason: string;
}

interface Finding {
  readonly kind: VerdictKind;
  readonly reason: string;
  readonly failedSince?: Instant;
}

/**
 * The verdict on `appliance` from all evidence of this node; `previous` gives `since` where the kind is the
 * same.
 */
export function judge(
  appliance: string,
  all: readonly Evidence[],
  now: Instant,
  previous?: Verdict,
  jury: Jury = ALONE,
): Verdict {
  const required = all.filter(({ config }) => config.appliance === appliance && !config.advisory);
  const { finding, positive, ...own } = tried(appliance, { required, all, now }, jury, previous);
  const evidenceAt = newest(required, ({ last }) => last?.at);
  const lastUpAt = newest(required, (state) => state.lastUpAt);
  return {
    ...finding,
    ...own,
    ...(positive ? { positive: true as const } : {}),
    since: previous?.kind === finding.kind ? previous.since : now,
    ...(evidenceAt !== undefined && { evidenceAt }),
    ...(lastUpAt !== undefined && { lastUpAt }),
    ...comebackOf(finding.kind, now, previous),
  };
}

const ALONE: Jury = { quorum: 1, reports: {} };

interface Tried extends Pick<Verdict, 'ownDead' | 'wantsSince'> {
  readonly finding: Finding;
  readonly positive: boolean;
}

/** What this node finds, and whether enough others agree where it finds the appliance dead. */
function tried(
  appliance: string,
  { required, all, now }: { required: readonly Evidence[]; all: readonly Evidence[]; now: Instant },
  jury: Jury,
  previous: Verdict | undefined,
): Tried {
  const finding = weigh(required, all, now);
  if (finding.kind !== 'dead') return { finding, positive: false };
  // What its daemon says of itself is no finding of this node: others would hear it twice.
  const probed = required.filter(({ config }) => config.kind !== 'daemon');
  const isOwn = probed.length === required.length || weigh(probed, all, now).kind === 'dead';
  const others = accusers(appliance, all, jury, now);
  const own = isOwn ? { ownDead: true as const } : {};
  const count = others.length + (isOwn ? 1 : 0);
  if (count >= jury.quorum) {
    const positive = others.length > 0 || isPositive(required, all, finding.failedSince ?? now);
    return { finding, positive, ...own };
  }
  const who = others.length === 0 ? 'no other' : others.join(', ');
  const reason = `${finding.reason}; ${count} of ${jury.quorum} sources find it dead (${who} beside this node)`;
  const wantsSince = previous?.wantsSince ?? now;
  return { finding: { kind: 'suspect', reason }, positive: false, ...own, wantsSince };
}

/**
 * Whether more than silence shows that the appliance is dead: a look at its own machine, its own word, or
 * that this node has reached something in the network since the failures began.
 */
function isPositive(required: readonly Evidence[], all: readonly Evidence[], since: Instant): boolean {
  if (required.some(({ config, state }) => isLocal(config) && state.last?.up === false)) return true;
  return all.some(({ config, state }) => {
    if (isLocal(config)) return false;
    const { last, lastUpSentAt, lastUpAt = Number.NEGATIVE_INFINITY } = state;
    // Also a daemon that says no has answered.
    if (config.kind === 'daemon' && last?.up === false) return last.at - config.timeoutMs >= since;
    return (lastUpSentAt ?? lastUpAt) >= since;
  });
}

const LOOKS: readonly ProbeConfig['kind'][] = ['process', 'interface', 'conntrack', 'speaker', 'ena'];

/** Whether it looks at the machine that it runs on, and at no network. */
const isLocal = ({ kind, from }: ProbeConfig): boolean =>
  LOOKS.includes(kind) || (kind === 'command' && from === 'self');

function comebackOf(kind: VerdictKind, now: Instant, previous?: Verdict): Pick<Verdict, 'comeback'> {
  if (kind === 'dead') return { comeback: 'awaited' };
  const { comeback } = previous ?? {};
  if (comeback === undefined) return {};
  return { comeback: kind === 'healthy' && comeback === 'awaited' ? now : comeback };
}

function newest(
  all: readonly Evidence[],
  instant: (state: ProbeState) => Instant | undefined,
): Instant | undefined {
  let best: Instant | undefined;
  for (const { state } of all) {
    const at = instant(state);
    if (at !== undefined && (best === undefined || at > best)) best = at;
  }
  return best;
}

function weigh(required: readonly Evidence[], all: readonly Evidence[], now: Instant): Finding {
  const spoken = required.map((evidence) => ({
    ...evidence,
    says: saysOf(evidence, all, now),
  }));
  const through = spoken.filter(({ config }) => config.kind === 'through');
  const heardAt = lastHeard(required);
  const passing = through.find((one) => one.says === 'passing' && vouches(one.state, heardAt));
  const asked = through.find((one) => one.says === 'passing');
  const rising = through.find((one) => one.says === 'rising' && vouches(one.state, heardAt));
  const excused = through.filter((one) => one.says === 'down' && isTargetsFault(one, all));
  const rest = spoken.filter((one) => !excused.includes(one));
  const down = rest.find((one) => one.says === 'down');
  const failing = rest.find((one) => one.says === 'failing');
  if (passing !== undefined) {
    const trouble = down ?? failing;
    const carries = `${passing.config.id} passes, so it carries traffic`;
    if (trouble === undefined) return { kind: 'healthy', reason: `${carries}, and nothing fails` };
    return { kind: 'suspect', reason: `${carries}, although ${complaint(trouble)}` };
  }
  if (down !== undefined) {
    const downs = rest.filter((one) => one.says === 'down');
    const isAwaited = asked !== undefined && downs.every(endedItself);
    const witness = isAwaited ? asked : downs.every(isSilenced) ? rising : undefined;
    if (witness !== undefined)
      return {
        kind: 'suspect',
        reason: `${complaint(down)}; ${witness.config.id} is to show what it forwards`,
      };
    return { kind: 'dead', reason: complaint(down), ...failedSince(down) };
  }
  const apology = excused
    .map(({ config }) => `; ${config.id} fails by way of every member: the target's fault`)
    .join('');
  if (failing !== undefined) return { kind: 'suspect', reason: `${complaint(failing)}${apology}` };
  return weighSilence(rest, apology);
}

/** Whether it is a session that is down. */
export const isSilenced = ({ config, state }: Evidence): boolean =>
  isEventDriven(config) && state.last?.up === false;

/** When the peer of a session that is down was last heard; absent where none is. */
function lastHeard(required: readonly Evidence[]): Instant | undefined {
  const down = required.filter(isSilenced);
  if (down.length === 0) return undefined;
  return Math.max(...down.map(({ state }) => state.heardAt ?? state.last?.at ?? 0));
}

/** Whether a session that is down was ended by its peer, which was heard at that moment. */
const endedItself = ({ config, state }: Evidence): boolean =>
  isEventDriven(config) && state.last !== undefined && (state.heardAt ?? 0) >= state.last.at;

/**
 * What `through` probes say of an appliance whose sessions are down: that it forwards all the same
 * (`outlived`), or nothing yet, and which rounds would (`asked`).
 */
export function testimony(
  appliance: string,
  all: readonly Evidence[],
  now: Instant,
): { readonly outlived: boolean; readonly asked: readonly string[] } {
  const required = all.filter(({ config }) => config.appliance === appliance && !config.advisory);
  const heardAt = lastHeard(required);
  const passing = required.filter(
    ({ config, state }) => config.kind === 'through' && says(state, config, now) === 'passing',
  );
  const [vouching, others] = [true, false].map((wanted) =>
    passing.filter(({ state }) => vouches(state, heardAt) === wanted),
  );
  const outlived = heardAt !== undefined && vouching !== undefined && vouching.length > 0;
  return { outlived, asked: outlived ? [] : (others ?? []).map(({ config }) => config.id) };
}

/**
 * Whether a passing `through` probe speaks for an appliance whose session is down: only one that was sent
 * after the last that was heard shows that the appliance outlived its control plane.
 */
const vouches = ({ lastUpSentAt }: ProbeState, heardAt: Instant | undefined): boolean =>
  heardAt === undefined || (lastUpSentAt ?? Number.NEGATIVE_INFINITY) >= heardAt;

/**
 * What a probe says, except that a `through` probe is down only after `fall` failures in a row that were not
 * its target's fault: when the target is back, each way to it gets the same time to show it.
 */
function saysOf(evidence: Evidence, all: readonly Evidence[], now: Instant): Says {
  const { state, config } = evidence;
  const said = says(state, config, now);
  if (said !== 'down' || config.kind !== 'through') return said;
  const blamed = state.streak - (state.forgiven ?? 0);
  return blamed < config.fall && !isTargetsFault(evidence, all) ? 'failing' : said;
}

/** Nothing fails: is there enough that passes? */
function weighSilence(rest: readonly (Evidence & { readonly says: Says })[], apology: string): Finding {
  const owed = rest.filter(({ config }) => config.kind !== 'daemon');
  const missing = owed.find((one) => one.says !== 'passing');
  if (missing !== undefined) {
    const { id, rise } = missing.config;
    const rising =
      missing.says === 'rising' ? `${id} answers, ${missing.state.streak} of ${rise} times` : undefined;
    const silence = missing.state.silence === undefined ? '' : ` (${missing.state.silence})`;
    return { kind: 'unknown', reason: `${rising ?? `${id} has no fresh evidence${silence}`}${apology}` };
  }
  if (owed.length === 0)
    return { kind: 'unknown', reason: `nothing that decides is probed from here${apology}` };
  return {
    kind: 'healthy',
    reason: `${owed.map(({ config }) => config.id).join(', ')} ${owed.length === 1 ? 'passes' : 'pass'}${apology}`,
  };
}

function complaint({ config, state }: Evidence): string {
  if (isEventDriven(config)) return `${config.id} is down (${state.last?.reason ?? 'no reason'})`;
  const count = state.streak === 1 ? 'once' : `${state.streak} times in a row`;
  return `${config.id} failed ${count} (${state.last?.reason ?? 'no reason'})`;
}

const failedSince = ({ state }: Evidence): { failedSince?: Instant } =>
  state.last === undefined ? {} : { failedSince: state.last.firstAt };

const targetKey = (target: ThroughTarget): string =>
  target.kind === 'http'
    ? target.url
    : target.kind === 'tcp'
      ? `${target.address}:${target.port}`
      : target.address;

/**
 * Whether a failing `through` probe is its target's fault: this node probes the same target by way of other
 * members too, and all of them have failed since the same moment, by two rounds at most. One that began to
 * fail long before, or that does not answer for itself, is no witness: it fails for a cause of its own.
 */
export function isTargetsFault({ config, state }: Evidence, all: readonly Evidence[]): boolean {
  if (config.kind !== 'through') return false;
  const key = targetKey(config.target);
  const others = all.filter(
    (one) =>
      one.config.kind === 'through' &&
      one.config.appliance !== config.appliance &&
      targetKey(one.config.target) === key,
  );
  const began = state.last?.firstAt ?? 0;
  const hasFailed = ({ state: { lastUpAt } }: Evidence): boolean => (lastUpAt ?? NEVER) < began;
  const isWitness = ({ config: own, state: { lastUpAt } }: Evidence): boolean =>
    (lastUpAt ?? began) >= began - 2 * Math.max(config.intervalMs, own.intervalMs) - own.timeoutMs &&
    !isDoubtful(own.appliance, all);
  return others.every(hasFailed) && others.some(isWitness);
}

const NEVER = Number.NEGATIVE_INFINITY;

/** Whether an appliance did not answer for itself, or not for long enough yet, by a required probe. */
const isDoubtful = (appliance: string, all: readonly Evidence[]): boolean =>
  all.some(
    ({ config, state }) =>
      config.appliance === appliance &&
      !config.advisory &&
      config.kind !== 'through' &&
      config.kind !== 'daemon' &&
      (state.state === 'down' || state.last?.up !== true),
  );

/** Whether all of these appliances are dead. */
export const allDead = (names: readonly string[], verdicts: Readonly<Record<string, Verdict>>): boolean =>
  names.every((name) => verdicts[name]?.kind === 'dead');

/** `dead for 1.2 s: a/icmp failed 3 times in a row (no answer in 180 ms)`. */
export const describeVerdict = ({ kind, since, reason }: Verdict, now: Instant): string =>
  `${kind} for ${formatMillis(now - since)}: ${reason}`;

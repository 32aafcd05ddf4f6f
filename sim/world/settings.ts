/** The knobs of a world, the two profiles that set them, and their defaults. Pure data. */
import type { Instant, Millis } from '../../controller/base/time.ts';
import type { VpcSettings } from '../vpc/settings.ts';

/** A log-normal delay: median in ms, and the sigma of its logarithm (0: always the median). */
export interface Delay {
  readonly medianMs: Millis;
  readonly spread: number;
}

/** How the EC2, STS and IAM APIs behave. Each knob works alone. */
export interface Knobs {
  /** From a request's arrival to its answer; the call takes effect at the end, just before the answer. */
  readonly latency: Delay;
  /** From a call's effect in the API to its effect in the data plane. */
  readonly propagation: Delay;
  /** `aws`: the documented token buckets, per account, region and action. */
  readonly throttle: 'off' | 'aws';
  /** Describes may answer from a state up to so old; 0 reads one's own writes. */
  readonly staleReadsMs: Millis;
  /** For so long a resource may not be found by requests that name it. */
  readonly newIdLagMs: Millis;
  /** This share of requests (0-1) ends with this error and changes nothing. */
  readonly errors: {
    readonly rate: number;
    readonly code: string;
    readonly status: number;
    /** Only of requests that have this parameter. */
    readonly having?: string | undefined;
  };
  /** This share of requests (0-1) is applied and never answered. */
  readonly appliedButTimedOut: number;
  /** How long an ENI takes to attach and to detach. */
  readonly attachMs: Millis;
  readonly detachMs: Millis;
  /** How long an instance takes from `pending` to `running`, and from `stopping` to `stopped`. */
  readonly startMs: Millis;
  readonly stopMs: Millis;
  /** How long a machine that reboots is dead. */
  readonly rebootMs: Millis;
  /** Refuse AMI ids that are not registered. */
  readonly strictAmi: boolean;
  /** Accounts whose route tables have the rules of 2020; `*` is every account. */
  readonly rulesOf2020: readonly string[];
  /** `aws`: those of a new account, where an account has none of its own; `off`: none. */
  readonly quotas: 'aws' | 'off';
  /** `silent`: requests are lost. `slow`: they take 3 s. `unanswered`: applied, and never answered. */
  readonly dynamodb: 'up' | 'silent' | 'slow' | 'unanswered';
  /** `down`: STS assumes no role, and instance metadata has no credentials, for anybody. */
  readonly credentials: 'up' | 'down';
}

/** Delays and loss of the links that packets cross. */
export interface Links {
  readonly withinZoneMs: Millis;
  readonly acrossZonesMs: Millis;
  readonly internetMs: Millis;
  /** Share of packets (0-1) lost at each crossing. */
  readonly loss: number;
}

export interface Settings {
  readonly seed: number | string;
  /** How often the world has been loaded from a file: each run draws ids of its own. */
  readonly run: number;
  /** What the clock shows when the world begins. */
  readonly startAt: Instant;
  readonly knobs: Knobs;
  readonly links: Links;
  /** Settled and unsettled behaviour of the VPC itself; see sim/vpc/settings.ts. */
  readonly vpc: Partial<VpcSettings>;
  /**
   * Addresses on the simulated Internet that answer ICMP, UDP and TCP echo (port 7) and HTTP (port 80) from
   * the start.
   */
  readonly hosts: readonly string[];
}

export const API_PORT = 80;

/** The account of a client whose access key is not a 12-digit number. */
export const DEFAULT_ACCOUNT = '123456789012';

/** Everything at once and without faults: for tests of what happens, not of when. */
export const INSTANT: Knobs = {
  latency: { medianMs: 0, spread: 0 },
  propagation: { medianMs: 0, spread: 0 },
  throttle: 'off',
  staleReadsMs: 0,
  newIdLagMs: 0,
  errors: { rate: 0, code: 'InternalError', status: 500 },
  appliedButTimedOut: 0,
  attachMs: 0,
  detachMs: 0,
  startMs: 0,
  stopMs: 0,
  rebootMs: 0,
  strictAmi: false,
  rulesOf2020: [],
  quotas: 'aws',
  dynamodb: 'up',
  credentials: 'up',
};

/**
 * As AWS: the documented request buckets; the rest AWS does not publish, so these are guesses to be replaced
 * by figures from a real account: a mutating call about 150 ms, half a second until the data plane follows,
 * 3 s for each half of an ENI move, 20 s for a reboot.
 */
export const AWS: Knobs = {
  ...INSTANT,
  latency: { medianMs: 150, spread: 0.25 },
  propagation: { medianMs: 500, spread: 0.25 },
  throttle: 'aws',
  attachMs: 3000,
  detachMs: 3000,
  startMs: 10_000,
  stopMs: 10_000,
  rebootMs: 20_000,
};

export const PROFILES = { instant: INSTANT, aws: AWS } as const;
export type ProfileName = keyof typeof PROFILES;

export const LINKS: Links = { withinZoneMs: 0.1, acrossZonesMs: 0.5, internetMs: 5, loss: 0 };

/** Settings as a caller gives them: what is absent has its default. */
export interface WorldOptions {
  readonly seed?: number | string;
  readonly run?: number;
  readonly startAt?: Instant;
  readonly profile?: ProfileName;
  readonly knobs?: Partial<Knobs>;
  readonly links?: Partial<Links>;
  readonly vpc?: Partial<VpcSettings>;
  readonly hosts?: readonly string[];
}

export const settingsOf = (options: WorldOptions): Settings => ({
  seed: options.seed ?? 1,
  run: options.run ?? 0,
  startAt: options.startAt ?? 0,
  knobs: { ...PROFILES[options.profile ?? 'instant'], ...options.knobs },
  links: { ...LINKS, ...options.links },
  vpc: options.vpc ?? {},
  hosts: options.hosts ?? ['203.0.113.10'],
});

/**
 * Next hops as route tables know them: the ENI that owns an address, in the VPC of the table. Those of
 * configured appliances are known; others are looked up when their session comes up or a path first leads to
 * them, so that a failover does not wait for it, and again from time to time, since addresses move.
 */
import { earliest, type Instant, type Millis } from '../base/time.ts';
import type { Config } from '../config.ts';
import type { Outcome } from '../ec2/call.ts';
import type { Observed } from '../failover/observe.ts';
import type { Turn } from '../failover/turn.ts';

/** How long what was found is believed, and how soon what was not found is looked for again. */
const FOUND_MS: Millis = 60_000;
const MISSING_MS: Millis = 10_000;
const FAILED_MS: Millis = 1_000;
/** Looks in a row that do not show an ENI any more before it is believed: reads may be old. */
const MISSES = 2;
/** Addresses of one call; EC2 takes 200 values of a filter. */
const AT_ONCE = 100;

export interface Hop {
  readonly eni?: string;
  readonly misses: number;
  readonly nextAt: Instant;
  readonly inFlight?: true;
}

export interface Hops {
  /** Addresses that anything leads to, or may soon. */
  readonly needed: readonly string[];
  /** By VPC and address. */
  readonly found: Readonly<Record<string, Readonly<Record<string, Hop>>>>;
  /** What people have been told, so that they are told once. */
  readonly told: readonly string[];
}

export const noHops: Hops = { needed: [], found: {}, told: [] };

/** The same with addresses that are needed from now on. */
export function need(hops: Hops, addresses: Iterable<string>): Hops {
  const known = new Set(hops.needed);
  const before = known.size;
  for (const address of addresses) if (address !== '') known.add(address);
  return known.size === before ? hops : { ...hops, needed: [...known] };
}

/** The ENI of a configured appliance that owns an address, by the configuration or by EC2. */
function configured(
  { appliances }: Config,
  { enis }: Observed,
  vpc: string,
  address: string,
): string | undefined {
  const owner = appliances.find(
    (one) => one.address === address || enis[one.eni]?.addresses.includes(address) === true,
  );
  const seen = enis[owner?.eni ?? ''];
  return seen === undefined || seen.vpc === vpc ? owner?.eni : undefined;
}

/** ENIs by the address of a next hop; 'soon': it has not been looked for yet; absent: no ENI owns it. */
export type Targets = Readonly<Record<string, string>>;

/** What all next hops lead to in a VPC. */
export function targetsOf({ needed, found }: Hops, config: Config, observed: Observed, vpc: string): Targets {
  return Object.fromEntries(
    needed.flatMap((address) => {
      const hop = found[vpc]?.[address];
      const isNew = hop === undefined || (hop.eni === undefined && hop.misses === 0);
      const target = configured(config, observed, vpc, address) ?? (isNew ? 'soon' : hop.eni);
      return target === undefined ? [] : [[address, target]];
    }),
  );
}

interface Looked {
  readonly hops: Hops;
  readonly wakeAt?: Instant;
}

/** Sends the lookups that are due in these VPCs. */
export function lookUp(
  hops: Hops,
  config: Config,
  observed: Observed,
  vpcs: readonly string[],
  turn: Turn,
): Looked {
  let wakeAt: Instant | undefined;
  let found = hops.found;
  for (const vpc of vpcs) {
    const known = found[vpc] ?? {};
    const due: string[] = [];
    for (const address of hops.needed) {
      const hop = known[address];
      if (hop?.inFlight || configured(config, observed, vpc, address) !== undefined) continue;
      if (hop === undefined || hop.nextAt <= turn.now) due.push(address);
      else wakeAt = earliest(wakeAt, hop.nextAt);
    }
    for (const isV6 of [false, true]) {
      const addresses = due.filter((address) => address.includes(':') === isV6).slice(0, AT_ONCE);
      if (addresses.length === 0) continue;
      const call = { kind: 'describe-network-interfaces', vpc, addresses } as const;
      const sent = turn.call(call, { kind: 'sync', what: 'hops', vpc, addresses });
      if ('at' in sent) {
        wakeAt = earliest(wakeAt, sent.at);
        continue;
      }
      const flying = addresses.map((address): [string, Hop] => {
        const { nextAt = turn.now, misses = 0, ...rest } = found[vpc]?.[address] ?? {};
        return [address, { ...rest, nextAt, misses, inFlight: true }];
      });
      found = { ...found, [vpc]: { ...found[vpc], ...Object.fromEntries(flying) } };
    }
  }
  return {
    hops: found === hops.found ? hops : { ...hops, found },
    ...(wakeAt === undefined ? {} : { wakeAt }),
  };
}

/** Takes in what a lookup found. */
export function lookedUp(
  hops: Hops,
  { vpc, addresses }: { readonly vpc: string; readonly addresses: readonly string[] },
  outcome: Outcome,
  turn: Turn,
): Hops {
  const known = hops.found[vpc] ?? {};
  const answered =
    outcome.kind === 'ok' && outcome.value.kind === 'network-interfaces' ? outcome.value.enis : undefined;
  const told = new Set(hops.told);
  const tell = (key: string, text: string): void => {
    if (told.has(key)) return;
    told.add(key);
    turn.log('error', 'alarm', text);
  };
  const entries = addresses.map((address): [string, Hop] => {
    const { inFlight: _, ...before } = known[address] ?? { misses: 0, nextAt: turn.now };
    if (answered === undefined) return [address, { ...before, nextAt: turn.now + FAILED_MS }];
    const eni = answered.find((one) => one.addresses.includes(address));
    if (eni !== undefined) {
      told.delete(`missing ${vpc} ${address}`);
      if (eni.sourceDestCheck)
        tell(
          `check ${eni.id}`,
          `Next hop ${address} is ${eni.id}, whose source/dest check is on: EC2 drops what it forwards. Turn it off.`,
        );
      else told.delete(`check ${eni.id}`);
      return [address, { eni: eni.id, misses: 0, nextAt: turn.now + FOUND_MS }];
    }
    const misses = before.misses + 1;
    const kept = before.eni !== undefined && misses < MISSES ? { eni: before.eni } : {};
    if (kept.eni === undefined)
      tell(
        `missing ${vpc} ${address}`,
        `No ENI of ${vpc} owns next hop ${address}: routes by way of it stay out of its route tables.`,
      );
    return [
      address,
      { ...kept, misses, nextAt: turn.now + (kept.eni === undefined ? MISSING_MS : FAILED_MS) },
    ];
  });
  return {
    ...hops,
    told: [...told],
    found: { ...hops.found, [vpc]: { ...known, ...Object.fromEntries(entries) } },
  };
}

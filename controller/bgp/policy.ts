/**
 * Import and export policy, compiled: rules in order, each a set of conditions and changes. What depends on
 * the prefix is told apart from what depends on the attributes, so that a result can be kept for an attribute
 * set.
 */
import { formatAddress, parseAddress, parsePrefix } from '../base/ip.ts';
import { err, must, ok, type Result } from '../base/result.ts';
import {
  type AsSegment,
  firstAs,
  type NextHop,
  ORIGIN_NAMES,
  type Origin,
  originAs,
  type PathAttributes,
  pathLength,
} from '../wire/attribute.ts';
import { type CommunityMatcher, communityMatcher, parseCommunity } from './community.ts';
import type { Policy, PolicyMatch, PolicySet, PrefixRange } from './options.ts';
import { lengthOf, type PrefixTable, wordOf } from './prefix-table.ts';

/** A policy that can be asked. */
export interface CompiledPolicy {
  readonly name: string;
  readonly rules: readonly CompiledRule[];
  readonly otherwise: 'accept' | 'reject';
  /** Whether a rule that does not reject names BLACKHOLE: what carries it is agreed upon. RFC 7999 3.3. */
  readonly isBlackholeAgreed: boolean;
}

interface CompiledRule {
  readonly prefixes?: readonly CompiledRange[];
  readonly family?: 'ipv4' | 'ipv6';
  readonly fits: (attributes: PathAttributes, peer: string) => boolean;
  readonly change: (attributes: PathAttributes) => PathAttributes;
  readonly action: 'accept' | 'reject' | 'next';
}

export interface CompiledRange {
  readonly family: 'ipv4' | 'ipv6';
  /** Words and masks as signed 32 bits; those from the last that counts on stand for all. */
  readonly words: Int32Array;
  readonly masks: Int32Array;
  readonly least: number;
  readonly most: number;
}

/** What stands for `all` in the configuration, and for iBGP without policy. */
export const ACCEPT_ALL: CompiledPolicy = {
  name: 'all',
  rules: [],
  otherwise: 'accept',
  isBlackholeAgreed: false,
};

/** A policy that takes nothing. */
export const rejectAll = (name: string): CompiledPolicy => ({ ...ACCEPT_ALL, name, otherwise: 'reject' });

/** How BLACKHOLE is written in a rule. */
const BLACKHOLE_TEXTS: readonly string[] = ['blackhole', '65535:666'];

/** What a signature has bits for. One rule may hold any number of prefixes. */
const MOST_PREFIX_RULES = 50;

/** Compiles a policy, or says what is wrong with it and in which rule. */
export function compilePolicy({ name, rules, otherwise }: Policy): Result<CompiledPolicy> {
  const compiled: CompiledRule[] = [];
  for (const [index, rule] of rules.entries()) {
    const one = compileRule(rule.match, rule.set, rule.action);
    if (!one.ok) return err(`policy ${name}, rule ${index + 1}: ${one.error}`);
    compiled.push(one.value);
  }
  const byPrefix = compiled.filter(({ prefixes, family }) => prefixes !== undefined || family !== undefined);
  if (byPrefix.length > MOST_PREFIX_RULES)
    return err(`policy ${name} has ${byPrefix.length} rules with prefixes; ${MOST_PREFIX_RULES} at most`);
  const isBlackholeAgreed = rules.some(
    ({ match, action }) =>
      action !== 'reject' && match.communities?.some((text) => BLACKHOLE_TEXTS.includes(text)) === true,
  );
  return ok({ name, rules: compiled, otherwise, isBlackholeAgreed });
}

function compileRule(
  match: PolicyMatch,
  set: PolicySet,
  action: CompiledRule['action'],
): Result<CompiledRule> {
  const prefixes = allOf(match.prefixes, compileRange);
  if (!prefixes.ok) return prefixes;
  const matchers = allOf(match.communities, communityMatcher);
  if (!matchers.ok) return matchers;
  const hops = allOf(match.nextHops, parseAddress);
  if (!hops.ok) return hops;
  const change = compileSet(set);
  if (!change.ok) return change;
  const hopTexts = hops.value?.map(formatAddress);
  return ok({
    ...(prefixes.value === undefined ? {} : { prefixes: prefixes.value }),
    ...(match.family === undefined ? {} : { family: match.family }),
    fits: (attributes, peer) => fits(match, matchers.value, hopTexts, attributes, peer),
    change: change.value,
    action,
  });
}

function allOf<T, U>(
  items: readonly T[] | undefined,
  convert: (item: T) => Result<U>,
): Result<readonly U[] | undefined> {
  if (items === undefined) return ok(undefined);
  const all: U[] = [];
  for (const item of items) {
    const converted = convert(item);
    if (!converted.ok) return converted;
    all.push(converted.value);
  }
  return ok(all);
}

/** A range that prefixes of a table can be held against, or what is wrong with it. */
export function compileRange({ prefix, ge, le }: PrefixRange): Result<CompiledRange> {
  const parsed = parsePrefix(prefix);
  if (!parsed.ok) return parsed;
  const { address, length } = parsed.value;
  const width = address.family === 4 ? 32 : 128;
  const least = ge ?? length;
  const most = le ?? (ge === undefined ? length : width);
  if (least < length || most < least || most > width)
    return err(`${prefix}: ge and le must lie in order between ${length} and ${width}`);
  const family = address.family === 4 ? 'ipv4' : 'ipv6';
  return ok({ family, words: Int32Array.from(address.words), masks: masksOf(family, length), least, most });
}

/** The bits of the four words that a prefix of a length has; IPv4 lies in the last. */
const masksOf = (family: 'ipv4' | 'ipv6', length: number): Int32Array =>
  Int32Array.from([0, 1, 2, 3], (index) => {
    const left = family === 'ipv6' ? length - 32 * index : index === 3 ? length : 0;
    return left <= 0 ? 0 : left >= 32 ? -1 : -1 << (32 - left);
  });

function fits(
  { asPath, origin, peers }: PolicyMatch,
  communities: readonly CommunityMatcher[] | undefined,
  hops: readonly string[] | undefined,
  attributes: PathAttributes,
  peer: string,
): boolean {
  if (communities !== undefined && !communities.some((matches) => matches(attributes))) return false;
  if (origin !== undefined && !origin.includes(ORIGIN_NAMES[attributes.origin])) return false;
  if (peers !== undefined && !peers.includes(peer)) return false;
  if (hops !== undefined && !hops.includes(formatNextHop(attributes.nextHop))) return false;
  return asPath === undefined || pathFits(asPath, attributes.asPath);
}

function pathFits(wanted: NonNullable<PolicyMatch['asPath']>, path: readonly AsSegment[]): boolean {
  const { contains, originatedBy, from, minLength, maxLength } = wanted;
  const length = pathLength(path);
  if (minLength !== undefined && length < minLength) return false;
  if (maxLength !== undefined && length > maxLength) return false;
  if (contains !== undefined && !contains.some((as) => path.some((one) => one.as.includes(as)))) return false;
  const isOneOf = (list: readonly number[] | undefined, as: number | undefined): boolean =>
    list === undefined || (as !== undefined && list.includes(as));
  return isOneOf(originatedBy, originAs(path)) && isOneOf(from, firstAs(path));
}

/** The address of a next hop as text; empty where there is none. */
export const formatNextHop = (hop: NextHop | undefined): string =>
  hop === undefined ? '' : formatAddress({ family: hop.family === 'ipv4' ? 4 : 6, words: hop.words });

/** A next hop from its text. */
export function parseNextHop(text: string): Result<NextHop> {
  const parsed = parseAddress(text);
  if (!parsed.ok) return parsed;
  const { family, words } = parsed.value;
  return ok({ family: family === 4 ? 'ipv4' : 'ipv6', words });
}

function compileSet(set: PolicySet): Result<CompiledRule['change']> {
  const communities = compileCommunities(set);
  if (!communities.ok) return communities;
  const hop = set.nextHop === undefined ? ok(undefined) : parseNextHop(set.nextHop);
  if (!hop.ok) return hop;
  const { localPref, med, origin, prepend } = set;
  return ok((before) => {
    let next = communities.value(before);
    if (localPref !== undefined) next = { ...next, localPref };
    if (med === 'remove') next = { ...next, med: undefined };
    else if (med !== undefined) next = { ...next, med };
    if (origin !== undefined) next = { ...next, origin: ORIGIN_NAMES.indexOf(origin) as Origin };
    if (hop.value !== undefined) next = { ...next, nextHop: hop.value };
    if (prepend !== undefined) next = { ...next, asPath: prependAs(next.asPath, prepend.as, prepend.count) };
    return next;
  });
}

/** Replaces, removes and adds communities, in this order. */
function compileCommunities(set: PolicySet): Result<CompiledRule['change']> {
  const replacements = compileAdditions(set.replaceCommunities ?? []);
  if (!replacements.ok) return replacements;
  const patterns = allOf(set.removeCommunities, communityMatcher);
  if (!patterns.ok) return patterns;
  const additions = compileAdditions(set.addCommunities ?? []);
  if (!additions.ok) return additions;
  const replaces = set.replaceCommunities !== undefined;
  return ok((before) => {
    let next = before;
    if (replaces) next = replacements.value({ ...next, communities: [], large: [], extended: [] });
    for (const matches of patterns.value ?? []) next = without(next, matches);
    return additions.value(next);
  });
}

function without(attributes: PathAttributes, matches: CommunityMatcher): PathAttributes {
  const { communities, large, extended } = attributes;
  const none = { ...attributes, communities: [], large: [], extended: [] };
  return {
    ...attributes,
    communities: communities.filter((one) => !matches({ ...none, communities: [one] })),
    large: large.filter((one) => !matches({ ...none, large: [one] })),
    extended: extended.filter((one) => !matches({ ...none, extended: [one] })),
  };
}

/** What adds communities that a route lacks. */
function compileAdditions(texts: readonly string[]): Result<CompiledRule['change']> {
  const communities = allOf(texts, parseCommunity);
  if (!communities.ok) return communities;
  const matchers = allOf(texts, communityMatcher);
  if (!matchers.ok) return matchers;
  const all = communities.value ?? [];
  return ok((before) => {
    let next = before;
    all.forEach((community, index) => {
      if (matchers.value?.[index]?.(next) === true) return;
      if (community.kind === 'standard')
        next = { ...next, communities: [...next.communities, community.value] };
      else if (community.kind === 'large') next = { ...next, large: [...next.large, community.value] };
      else next = { ...next, extended: [...next.extended, community.value] };
    });
    return next;
  });
}

/** The attributes with communities that they lack, by text. */
export const addAll = (attributes: PathAttributes, texts: readonly string[]): PathAttributes =>
  must(compileAdditions(texts))(attributes);

/** The path with an AS in front `count` times. RFC 4271 5.1.2: a segment of at most 255. */
export function prependAs(path: readonly AsSegment[], as: number, count = 1): readonly AsSegment[] {
  const [first] = path;
  const joins = first?.type === 'sequence' && first.as.length + count <= 255;
  const longer: number[] = [];
  for (let i = 0; i < count; i++) longer.push(as);
  if (joins) for (const one of first.as) longer.push(one);
  const segments: AsSegment[] = [{ type: 'sequence', as: longer }];
  for (let i = joins ? 1 : 0; i < path.length; i++) segments.push(path[i] as AsSegment);
  return segments;
}

/** Whether the outcome of a policy depends on the prefix at all. */
export const dependsOnPrefix = ({ rules }: CompiledPolicy): boolean =>
  rules.some(({ prefixes, family }) => prefixes !== undefined || family !== undefined);

/**
 * Which of the rules that ask for prefixes a prefix fits, one bit for each, the first lowest: policy gives
 * one result for an attribute set and a signature.
 */
export function prefixSignature({ rules }: CompiledPolicy, table: PrefixTable, id: number): number {
  let signature = 0;
  let bit = 1;
  for (const { prefixes, family } of rules) {
    if (prefixes === undefined && family === undefined) continue;
    const isFamily = family === undefined || family === table.family;
    if (isFamily && (prefixes === undefined || inRanges(prefixes, table, id))) signature += bit;
    bit *= 2;
  }
  return signature;
}

/** Whether the bit of a rule, given as a power of two, is set. */
const hasBit = (signature: number, bit: number): boolean => Math.floor(signature / bit) % 2 === 1;

/** Whether a prefix of a table lies within one of some ranges. */
export function inRanges(ranges: readonly CompiledRange[], table: PrefixTable, id: number): boolean {
  const length = lengthOf(table, id);
  const last = wordOf(table, id, 3);
  for (const range of ranges) {
    if (range.family !== table.family || length < range.least || length > range.most) continue;
    // The word that IPv4 has alone comes first: it decides about most.
    if ((last & (range.masks[3] as number)) !== range.words[3]) continue;
    if (table.width === 1 || coversUpper(range, table, id)) return true;
  }
  return false;
}

function coversUpper({ words, masks }: CompiledRange, table: PrefixTable, id: number): boolean {
  for (let index = 0; index < 3; index++) {
    if ((wordOf(table, id, index) & (masks[index] as number)) !== words[index]) return false;
  }
  return true;
}

/** The attributes that a policy makes of a route with this signature; absent where it rejects it. */
export function applyPolicy(
  { rules, otherwise }: CompiledPolicy,
  attributes: PathAttributes,
  signature: number,
  peer: string,
): PathAttributes | undefined {
  let next = attributes;
  let bit = 1;
  for (const rule of rules) {
    if (rule.prefixes !== undefined || rule.family !== undefined) {
      const isFit = hasBit(signature, bit);
      bit *= 2;
      if (!isFit) continue;
    }
    if (!rule.fits(next, peer)) continue;
    if (rule.action === 'reject') return undefined;
    next = rule.change(next);
    if (rule.action === 'accept') return next;
  }
  return otherwise === 'accept' ? next : undefined;
}

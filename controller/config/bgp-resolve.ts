/** From the parsed `bgp` and `kernel` to what the machines take, and what their fields must agree on. */
import { parsePrefix } from '../base/ip.ts';
import type {
  DynamicOptions,
  Family,
  GracefulRestartOptions,
  MaxPrefixes,
  NeighborOptions,
  Origination,
  PeerOptions,
  Policy,
  PolicyRule,
  PrefixRange,
} from '../bgp/options.ts';
import {
  BFD_DEFAULT,
  type BfdSessionConfig,
  type BgpConfig,
  type KernelConfig,
  type SecretAuthentication,
  type SecretSource,
  type StandIn,
} from './bgp-model.ts';
import type { ParsedBgp, ParsedPeer, ParsedSecret } from './bgp-schema.ts';
import type { Finding, Note } from './finding.ts';
import type { Appliance } from './model.ts';
import type { ParsedFile } from './schema.ts';
import { suggest } from './suggest.ts';

type Path = Finding['path'];

/** What is set by the parser and not given. */
export const given = <K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };

export function resolveBgp(
  bgp: ParsedBgp,
  appliances: readonly Appliance[],
  file: Pick<ParsedFile, 'node' | 'kernel' | 'routeSync'>,
  note: Note,
): BgpConfig {
  const own = appliances.find(({ name }) => name === file.node);
  // Route sync forwards nothing here: what it takes as a next hop may be an ENI anywhere in the VPC.
  const checkNextHops = file.kernel !== undefined || (file.routeSync ?? []).length === 0;
  const checked = <T extends ParsedPeer>(one: T): T => ({
    ...one,
    checkNextHops: one.checkNextHops ?? checkNextHops,
  });
  const passwords: Record<string, SecretSource> = {};
  const bfdKeys: Record<string, SecretAuthentication> = {};
  const linked: Record<string, string> = {};
  const keep = (name: string, one: Pick<ParsedPeer, 'password' | 'bfd'>): void => {
    if (one.password !== undefined) passwords[name] = sourceOf(one.password);
    const auth = typeof one.bfd === 'object' ? one.bfd.auth : undefined;
    if (auth !== undefined) bfdKeys[name] = { ...auth, key: sourceOf(auth.key) };
  };
  const neighbors = bgp.neighbors.map((one, index): NeighborOptions => {
    const path = ['bgp', 'neighbors', index];
    const appliance = appliances.find(({ name }) => name === one.appliance);
    if (one.appliance !== undefined && appliance === undefined)
      note(
        [...path, 'appliance'],
        `'${one.appliance}' is not an appliance`,
        namesOf(one.appliance, appliances),
      );
    const address = one.address ?? appliance?.address ?? '';
    if (address === '') note(path, 'the neighbor has no address', 'give address, or appliance');
    const name = one.name ?? appliance?.name ?? address.replace(/[.:]+/g, '-');
    keep(name, one);
    if (appliance !== undefined) linked[name] = appliance.name;
    const options = peerOptions(bgp, checked(one), path, note, one.as, familyOf(address));
    const onLoss = appliance === undefined ? 'rfc' : 'ask';
    return { ...options, name, address, as: one.as, shutdown: one.shutdown, onLoss };
  });
  const dynamic = bgp.dynamic.map((one, index): DynamicOptions => {
    const path = ['bgp', 'dynamic', index];
    keep(one.name, one);
    const ranges = one.as.map((item, at) => asRange(item, [...path, 'as', at], note));
    const options = peerOptions(bgp, checked(one), path, note, ranges[0]?.from ?? 0, familyOf(one.prefix));
    return { ...options, name: one.name, prefix: one.prefix, as: ranges, limit: one.limit, passive: true };
  });
  const routerId = bgp.routerId ?? (own?.address.includes('.') === true ? own.address : '');
  if (routerId === '')
    note(
      ['bgp', 'routerId'],
      'there is no IPv4 address to take it from',
      'write routerId: and an IPv4 address',
    );
  checkTwice(
    [...neighbors, ...dynamic].map(({ name }) => name),
    'the neighbor',
    note,
  );
  checkTwice(
    neighbors.map(({ address }) => address),
    'the neighbor address',
    note,
  );
  const options = {
    as: bgp.as,
    routerId,
    listen: bgp.listen.map(endpoint),
    neighbors,
    dynamic,
    policies: bgp.policies.map((policy, index) =>
      resolvePolicy(bgp, policy, ['bgp', 'policies', index], note),
    ),
    originate: bgp.originate.flatMap((one) => (one.whileDead === undefined ? [originationOf(one)] : [])),
    multipath: bgp.multipath,
    subnets: bgp.subnets,
    track: false,
  };
  const standIns = standInsOf(bgp, appliances, own?.name, note);
  return { options, passwords, bfdKeys, standIns, appliances: linked };
}

type ParsedOrigination = ParsedBgp['originate'][number];

const originationOf = ({ prefix, nextHop, communities, med }: ParsedOrigination): Origination => ({
  prefix,
  nextHop,
  communities,
  ...given('med', med),
});

function standInsOf(
  { originate }: ParsedBgp,
  appliances: readonly Appliance[],
  own: string | undefined,
  note: Note,
): readonly StandIn[] {
  return originate.flatMap((one, index): readonly StandIn[] => {
    const path = ['bgp', 'originate', index];
    const { prefix, whileDead, linger } = one;
    if (originate.findIndex((other) => other.prefix === prefix) !== index)
      note([...path, 'prefix'], `${prefix} is announced twice`, 'keep one of them');
    if (whileDead === undefined) {
      if (linger !== undefined)
        note([...path, 'linger'], `${prefix} is announced always`, 'give whileDead, too, or leave it out');
      return [];
    }
    whileDead.forEach((name, at) => {
      if (name === own)
        note([...path, 'whileDead', at], 'the dead announce nothing', 'name other appliances than the own');
      else if (!appliances.some((appliance) => appliance.name === name))
        note([...path, 'whileDead', at], `'${name}' is not an appliance`, namesOf(name, appliances));
    });
    return [{ route: originationOf(one), whileDead, lingerMs: linger ?? 0 }];
  });
}

const sourceOf = ({ file, env, ssm }: ParsedSecret): SecretSource => ({
  ...given('file', file),
  ...given('env', env),
  ...given('ssm', ssm),
});

const familyOf = (text: string): Family => (text.includes(':') ? 'ipv6' : 'ipv4');

function endpoint(text: string): { readonly address: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

const namesOf = (wrong: string, appliances: readonly Appliance[]): string => {
  const names = appliances.map(({ name }) => name);
  return `${suggest(wrong, names)}the appliances are ${names.join(', ') || 'none'}`;
};

function checkTwice(values: readonly string[], what: string, note: Note): void {
  values.forEach((value, index) => {
    if (values.indexOf(value) !== index)
      note(['bgp', 'neighbors'], `${what} '${value}' is there twice`, 'keep one, or correct the other');
  });
}

function asRange(
  item: number | string,
  path: Path,
  note: Note,
): { readonly from: number; readonly to: number } {
  if (typeof item === 'number') return { from: item, to: item };
  const [from = 0, to = 0] = item.split('-').map(Number);
  if (from < 1 || to < from || to > 4294967295)
    note(path, `${item} is no range of AS numbers`, 'write the smaller first, from 1 to 4294967295');
  return { from, to };
}

function peerOptions(
  bgp: ParsedBgp,
  one: ParsedPeer,
  path: Path,
  note: Note,
  as: number,
  family: Family,
): PeerOptions {
  const ibgp = as === (one.localAs ?? bgp.as);
  if (one.gtsm !== false && one.multihop !== undefined)
    note([...path, 'gtsm'], 'gtsm and multihop exclude each other', 'write gtsm: { hops: N } alone');
  if (one.reflectorClient && !ibgp)
    note([...path, 'reflectorClient'], `AS ${as} is another AS`, 'only iBGP neighbors can be clients');
  const policies = ['all', 'none', ...bgp.policies.map(({ name }) => name)];
  for (const key of ['import', 'export'] as const) {
    const wanted = one[key];
    if (wanted !== undefined && !policies.includes(wanted))
      note(
        [...path, key],
        `there is no policy '${wanted}'`,
        `${suggest(wanted, policies)}the policies are ${policies.join(', ')}`,
      );
  }
  const gtsmHops = one.gtsm === true ? 1 : one.gtsm === false ? undefined : one.gtsm.hops;
  const restart = one.gracefulRestart ?? bgp.gracefulRestart;
  const hop = gtsmHops === undefined ? (one.multihop ?? (ibgp ? undefined : 1)) : undefined;
  return {
    ...given('localAs', one.localAs),
    ...given('localAddress', one.localAddress),
    port: one.port,
    passive: one.passive,
    holdTimeS: one.holdTime / 1000,
    connectRetryMs: one.connectRetry,
    ...given('gtsmHops', gtsmHops),
    ...given('ttl', hop),
    families: one.families ?? [family],
    addPath: one.addPath,
    extendedMessages: one.extendedMessages,
    extendedNextHop: one.extendedNextHop,
    ...given('role', one.role),
    strictRole: one.strictRole,
    ...given('gracefulRestart', restart === false ? undefined : gracefulOptions(restart)),
    ...policyOf('importPolicy', one.import, ibgp),
    ...policyOf('exportPolicy', one.export, ibgp),
    maxPrefixes: {
      ...given('ipv4', limitOf(one.maxPrefixes.ipv4)),
      ...given('ipv6', limitOf(one.maxPrefixes.ipv6)),
    },
    allowOwnAs: one.allowOwnAs,
    transparent: one.transparent,
    reflectorClient: one.reflectorClient,
    nextHopSelf: one.nextHopSelf,
    checkNextHops: one.checkNextHops ?? true,
    ...given('bfd', bfdOf(one.bfd)),
    onLoss: 'rfc',
  };
}

/** `none` on iBGP has to be said to the speaker, on eBGP it is the default. RFC 8212. */
const policyOf = <K extends 'importPolicy' | 'exportPolicy'>(
  key: K,
  name: string | undefined,
  ibgp: boolean,
): { readonly [P in K]?: string } => given(key, name === 'none' && !ibgp ? undefined : name);

function bfdOf(bfd: ParsedPeer['bfd']): PeerOptions['bfd'] {
  if (bfd === false) return undefined;
  if (bfd === true) return { ...BFD_DEFAULT, multihop: false, passive: false, strict: false };
  const { interval, multiplier, multihop, passive, strict } = bfd;
  return { intervalMs: interval, multiplier, multihop, passive, strict };
}

const gracefulOptions = (restart: Exclude<ParsedBgp['gracefulRestart'], false>): GracefulRestartOptions => ({
  restartTimeS: Math.ceil(restart.restartTime / 1000),
  staleTimeMs: restart.staleTime,
  forwardingKept: restart.forwardingKept,
  notification: restart.notification,
});

function limitOf(limit: ParsedPeer['maxPrefixes']['ipv4']): MaxPrefixes | undefined {
  if (limit === undefined) return undefined;
  const { limit: most, warn, action, restartAfter } = limit;
  return { limit: most, warnPercent: warn, action, ...given('restartAfterMs', restartAfter) };
}

type ParsedRange = { prefix: string; ge?: number | undefined; le?: number | undefined };

/** A range of prefixes whose limits are in order. */
export function rangeOf(range: ParsedRange, path: Path, note: Note): PrefixRange {
  const parsed = parsePrefix(range.prefix);
  const length = parsed.ok ? parsed.value.length : 0;
  const width = range.prefix.includes(':') ? 128 : 32;
  const least = range.ge ?? length;
  const most = range.le ?? (range.ge === undefined ? length : width);
  if (least < length || most < least || most > width)
    note(
      path,
      `ge and le of ${range.prefix} are out of order`,
      `choose them in order between ${length} and ${width}`,
    );
  return { prefix: range.prefix, ...given('ge', range.ge), ...given('le', range.le) };
}

function resolvePolicy(
  bgp: ParsedBgp,
  policy: ParsedBgp['policies'][number],
  path: Path,
  note: Note,
): Policy {
  if (['all', 'none'].includes(policy.name))
    note([...path, 'name'], `${policy.name} has a meaning of its own`, 'choose another name');
  const rules = policy.rules.map((rule, index): PolicyRule => {
    const at = [...path, 'rules', index];
    const { prefixList, prefixes, asPath, ...match } = rule.match;
    const lists = Object.keys(bgp.prefixLists);
    const listed = prefixList === undefined ? undefined : bgp.prefixLists[prefixList];
    if (prefixList !== undefined && listed === undefined) {
      const remedy = `${suggest(prefixList, lists)}the prefix lists are ${lists.join(', ') || 'none'}`;
      note([...at, 'match', 'prefixList'], `there is no prefix list '${prefixList}'`, remedy);
    }
    if (prefixList !== undefined && prefixes !== undefined)
      note([...at, 'match'], 'prefixes are given twice', 'keep prefixList or prefixes');
    const ranges = (listed ?? prefixes)?.map((one) => rangeOf(one, [...at, 'match'], note));
    return {
      match: {
        ...given('prefixes', ranges),
        ...plain(match),
        ...given('asPath', asPath === undefined ? undefined : plain(asPath)),
      },
      set: plain(rule.set),
      action: rule.action,
    };
  });
  return { name: policy.name, rules, otherwise: policy.otherwise };
}

type Plain<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };

/** An object without the keys whose value is undefined. */
const plain = <T extends object>(object: T): Plain<T> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Plain<T>;

/** BFD sessions that probes ask for where no neighbor does. */
export function resolveBfd(
  file: ParsedFile,
  bgp: BgpConfig | undefined,
  note: Note,
): readonly BfdSessionConfig[] {
  return file.appliances.flatMap(({ name, address, probes }, at) =>
    probes.flatMap((probe, index): readonly BfdSessionConfig[] => {
      if (probe.kind !== 'bfd' || name === file.node) return [];
      const hasOptions = [probe.interval, probe.multiplier, probe.multihop, probe.auth].some(
        (one) => one !== undefined,
      );
      const neighbor = bgp?.options.neighbors.find((one) => one.address === address && one.bfd !== undefined);
      if (neighbor !== undefined) {
        const path = ['appliances', at, 'probes', index];
        if (hasOptions) note(path, `neighbor ${neighbor.name} has the BFD options`, 'keep them there alone');
        return [];
      }
      const options = {
        peer: address,
        multihop: probe.multihop ?? false,
        intervalMs: probe.interval ?? BFD_DEFAULT.intervalMs,
        multiplier: probe.multiplier ?? BFD_DEFAULT.multiplier,
        passive: false,
      };
      const key = probe.auth === undefined ? {} : { key: { ...probe.auth, key: sourceOf(probe.auth.key) } };
      return [{ session: address, options, ...key }];
    }),
  );
}

export function resolveKernel(kernel: NonNullable<ParsedFile['kernel']>, note: Note): KernelConfig {
  const { prefixes, ...rest } = kernel;
  const ranges = prefixes?.map((one, index) => rangeOf(one, ['kernel', 'prefixes', index], note));
  return { ...rest, ...given('prefixes', ranges) };
}

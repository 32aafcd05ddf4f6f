/**
 * From the parsed file to the configuration: defaults that depend on other fields, and what fields must agree
 * on.
 */
import { parseAddress } from '../base/ip.ts';
import { unreachable } from '../base/result.ts';
import type { BgpConfig } from './bgp-model.ts';
import { given, resolveBfd, resolveBgp, resolveKernel } from './bgp-resolve.ts';
import { resolveEchoes } from './echo-resolve.ts';
import { type Finding, type Note, unique } from './finding.ts';
import { checkMoved, resolveGroup } from './group-resolve.ts';
import { resolveLeaseStore } from './lease-resolve.ts';
import type { Appliance, Config, ProbeBase, ProbeConfig, ThroughTarget } from './model.ts';
import { resolveRealm } from './realm-resolve.ts';
import { timesOf } from './rounds.ts';
import type { ParsedFile } from './schema.ts';
import { suggest } from './suggest.ts';
import { checkSync, resolveSync, trackedRanges } from './sync-resolve.ts';

type ParsedAppliance = ParsedFile['appliances'][number];
type ParsedProbe = ParsedAppliance['probes'][number];

/** The configuration, and everything found wrong with it; usable only where nothing was found. */
export function resolve(file: ParsedFile): {
  readonly config: Config;
  readonly findings: readonly Finding[];
} {
  const findings: Finding[] = [];
  const note: Note = (path, why, remedy) => findings.push({ path, why, remedy });
  const appliances = file.appliances.map((appliance, index) =>
    resolveAppliance(appliance, file, ['appliances', index], note),
  );
  const groups = file.groups.map((group, index) => resolveGroup(file, group, ['groups', index], note));
  const own = appliances.find((appliance) => appliance.name === file.node);
  const listen = file.health?.listen ?? (own === undefined ? undefined : '0.0.0.0:8179');
  const bgp = file.bgp === undefined ? undefined : resolveBgp(file.bgp, appliances, file, note);
  const kernel = file.kernel === undefined ? undefined : resolveKernel(file.kernel, note);
  const routeSync = resolveSync(file, note);
  const leaseStore = groups.some(({ lease }) => lease !== undefined) ? resolveLeaseStore(file) : undefined;
  // One that only tells others what it finds has work enough.
  if (file.groups.length === 0 && file.bgp === undefined && file.health === undefined)
    note([], 'the daemon has nothing to do', 'configure groups, bgp, or health to tell others what it finds');
  if (file.kernel !== undefined && bgp === undefined)
    note(['kernel'], 'there are no routes without BGP', 'configure bgp, or remove kernel');
  const config: Config = {
    version: 1,
    node: file.node,
    aws: {
      region: file.aws.region,
      ...(file.aws.endpoint === undefined ? {} : { endpoint: file.aws.endpoint }),
      attemptTimeoutMs: file.aws.attemptTimeout,
      timeoutMs: file.aws.timeout,
      addresses: file.aws.addresses,
    },
    appliances,
    groups,
    ...(leaseStore === undefined ? {} : { leaseStore }),
    ...(bgp === undefined ? {} : { bgp: tracking(bgp, trackedRanges(kernel, routeSync)) }),
    bfd: resolveBfd(file, bgp, note),
    echoes: bgp === undefined ? [] : resolveEchoes(file, bgp, note),
    ...(kernel === undefined ? {} : { kernel }),
    routeSync,
    ...(file.drain === undefined ? {} : { drain: file.drain }),
    ...(listen === undefined ? {} : { health: resolveListen(listen, note) }),
    quorum: file.health?.quorum ?? 1,
    observers: Object.entries(file.health?.observers ?? {}).map(([name, at]) => observer(name, at, note)),
    ...given('instanceStatusMs', file.health?.instanceStatus),
    readiness: { everyMs: file.readiness.every },
    observe: { intervalMs: file.observe.interval, staleAfterMs: file.observe.staleAfter },
    journal: file.journal,
    control: file.control,
    log: file.log,
  };
  checkTimes(config, note);
  checkUnique(config, note);
  checkMembers(config, note);
  checkQuorum(config, note);
  checkMoved(config, note);
  checkEvidence(config, note);
  checkSync(routeSync, groups, note);
  return { config, findings };
}

/** The same, with these best paths told to the node. */
const tracking = (bgp: BgpConfig, track: BgpConfig['options']['track']): BgpConfig => ({
  ...bgp,
  options: { ...bgp.options, track },
});

/** The probe of another observer's health address. */
function observer(name: string, at: string, note: Note): ProbeConfig {
  const { address, port } = resolveListen(at, note, ['health', 'observers', name]);
  const rounds = { intervalMs: DEFAULT_INTERVAL_MS.daemon, timeoutMs: 450, rise: 1, fall: 3 };
  const base = { id: `${name}/word`, appliance: name, ...rounds, advisory: true, from: 'all' } as const;
  return { ...base, kind: 'daemon', address, port };
}

function resolveListen(
  text: string,
  note: Note,
  path: Finding['path'] = ['health', 'listen'],
): { address: string; port: number } {
  const colon = text.lastIndexOf(':');
  const address = text.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(text.slice(colon + 1));
  if (!parseAddress(address).ok)
    note(path, `'${address}' is not an address`, 'write 0.0.0.0:8179 to listen on all');
  if (port < 1 || port > 65535) note(path, `port ${port} does not exist`, 'choose a port from 1 to 65535');
  return { address, port };
}

function resolveAppliance(
  appliance: ParsedAppliance,
  file: ParsedFile,
  path: Finding['path'],
  note: Note,
): Appliance {
  const probes = appliance.probes.map((probe, index) =>
    resolveProbe(appliance, probe, [...path, 'probes', index], note),
  );
  probes.forEach((probe, index) => {
    const first = probes.findIndex((other) => other.id === probe.id);
    if (first === index) return;
    note(
      [...path, 'probes', index],
      `it would be called ${probe.id} like probe ${first + 1}`,
      'give one of them a name:',
    );
  });
  const { name, address, eni, instance, capacity, attachment } = appliance;
  return {
    name,
    address,
    eni,
    ...given('instance', instance),
    ...given('capacity', capacity),
    ...given('attachment', attachment),
    ...resolveRealm(appliance, file),
    probes,
  };
}

const DEFAULT_INTERVAL_MS = {
  icmp: 200,
  tcp: 500,
  http: 1000,
  command: 2000,
  daemon: 500,
  through: 500,
  bfd: 0,
  bgp: 0,
  process: 1000,
  interface: 1000,
  conntrack: 1000,
  speaker: 500,
  ena: 1000,
} as const;

interface Rounds {
  readonly interval?: number | undefined;
  readonly timeout?: number | undefined;
  readonly rise: number;
  readonly fall: number;
  readonly from?: ProbeBase['from'] | undefined;
}

/** The rounds of a probe; of one that events drive, one event decides. */
function roundsOf(probe: ParsedProbe): Rounds {
  if (probe.kind === 'bfd' || probe.kind === 'bgp') return { interval: 0, timeout: 0, rise: 1, fall: 1 };
  return probe;
}

function resolveProbe(
  appliance: ParsedAppliance,
  probe: ParsedProbe,
  path: Finding['path'],
  note: Note,
): ProbeConfig {
  const rounds = roundsOf(probe);
  const times = timesOf(rounds, DEFAULT_INTERVAL_MS[probe.kind], path, note);
  const base = (label: string, from: ProbeBase['from']): ProbeBase => ({
    id: `${appliance.name}/${probe.name ?? label}`,
    appliance: appliance.name,
    ...times,
    rise: rounds.rise,
    fall: rounds.fall,
    advisory: probe.advisory,
    from: rounds.from ?? from,
  });
  const { address } = appliance;
  switch (probe.kind) {
    case 'icmp':
      return { ...base('icmp', 'others'), kind: 'icmp', address };
    case 'tcp':
      return { ...base(`tcp:${probe.port}`, 'others'), kind: 'tcp', address, port: probe.port };
    case 'daemon':
      return { ...base('daemon', 'others'), kind: 'daemon', address, port: probe.port };
    case 'command':
      return { ...base('command', 'self'), kind: 'command', command: probe.command };
    case 'bfd':
      return { ...base('bfd', 'others'), kind: 'bfd', address };
    case 'bgp':
      return { ...base('bgp', 'others'), kind: 'bgp' };
    case 'process':
      return { ...base(`process:${probe.program}`, 'self'), kind: 'process', program: probe.program };
    case 'interface':
      return { ...base(`interface:${probe.device}`, 'self'), kind: 'interface', device: probe.device };
    case 'conntrack':
      return { ...base('conntrack', 'self'), kind: 'conntrack', maxPercent: probe.max };
    case 'speaker':
      return { ...base('speaker', 'self'), kind: 'speaker', port: probe.port };
    case 'ena': {
      const { device, counters } = probe;
      return { ...base(`ena:${device}`, 'self'), kind: 'ena', device, counters };
    }
    case 'http': {
      const { url, port, path: file, tls, verify, expect } = probe;
      if (url !== undefined && (port !== undefined || file !== undefined || tls !== undefined)) {
        note([...path, 'url'], 'url says it all already', 'remove port, path and tls, or url');
      }
      const host = address.includes(':') ? `[${address}]` : address;
      const made = `${tls ? 'https' : 'http'}://${host}:${port ?? (tls ? 443 : 80)}${file ?? '/'}`;
      const whole = new URL(url ?? made);
      const label = `http:${whole.port || (whole.protocol === 'https:' ? 443 : 80)}`;
      return { ...base(label, 'others'), kind: 'http', url: url ?? made, expect, verify };
    }
    case 'through':
      return resolveThrough(appliance, probe, path, note, base);
    default:
      return unreachable(probe);
  }
}

function resolveThrough(
  appliance: ParsedAppliance,
  probe: Extract<ParsedProbe, { kind: 'through' }>,
  path: Finding['path'],
  note: Note,
  base: (label: string, from: ProbeBase['from']) => ProbeBase,
): ProbeConfig {
  const target = resolveTarget(probe.target, [...path, 'target'], note);
  const from = probe.from ?? 'all';
  const by = probe.by ?? (from === 'self' ? 'route' : 'next-hop');
  if (by === 'next-hop' && from === 'self') {
    note([...path, 'by'], 'an appliance cannot be its own next hop', 'remove by: it sends by its own routes');
  }
  const family = (text: string): number => (text.includes(':') ? 6 : 4);
  if (by === 'next-hop' && target.kind !== 'http' && family(target.address) !== family(appliance.address)) {
    const why = `${target.address} and the next hop ${appliance.address} are of different IP versions`;
    note([...path, 'target'], why, `choose an IPv${family(appliance.address)} target, or by: route`);
  }
  const label = `through:${target.kind === 'http' ? new URL(target.url).host : target.address}`;
  const via = by === 'next-hop' ? { via: appliance.address } : {};
  return { ...base(label, from), kind: 'through', target, by, ...via };
}

function resolveTarget(
  target: Extract<ParsedProbe, { kind: 'through' }>['target'],
  path: Finding['path'],
  note: Note,
): ThroughTarget {
  const given = [target.icmp, target.tcp, target.http].filter((value) => value !== undefined).length;
  if (given !== 1) note(path, `${given} targets are given`, 'name exactly one of icmp, tcp and http');
  if (target.expect !== undefined && target.http === undefined) {
    note([...path, 'expect'], 'only http answers with a status', 'remove expect');
  }
  if (target.tcp !== undefined) return { kind: 'tcp', ...target.tcp };
  if (target.http !== undefined) return { kind: 'http', url: target.http, expect: target.expect ?? [200] };
  return { kind: 'icmp', address: target.icmp ?? '' };
}

function checkTimes({ aws, observe }: Config, note: Note): void {
  if (aws.timeoutMs < 2 * aws.attemptTimeoutMs) {
    const why = `a call is given up after ${aws.timeoutMs}ms, before its second attempt can end`;
    note(['aws', 'timeout'], why, `make it at least twice attemptTimeout (${aws.attemptTimeoutMs}ms)`);
  }
  if (observe.staleAfterMs < 2 * observe.intervalMs) {
    const why = `observations every ${observe.intervalMs}ms would be stale after ${observe.staleAfterMs}ms`;
    note(['observe', 'staleAfter'], why, 'make it at least twice interval');
  }
}

function checkUnique({ appliances, groups }: Config, note: Note): void {
  for (const key of ['name', 'address', 'eni'] as const) {
    unique(
      appliances.map((appliance, index) => [appliance[key], ['appliances', index, key]]),
      `the appliance ${key}`,
      note,
    );
  }
  unique(
    groups.map(({ name }, index) => [name, ['groups', index, 'name']]),
    'the group name',
    note,
  );
  groups.forEach(({ members }, index) => {
    unique(
      members.map((member, at) => [member, ['groups', index, 'members', at]]),
      'the member',
      note,
    );
  });
}

function checkMembers({ appliances, groups }: Config, note: Note): void {
  const names = appliances.map(({ name }) => name);
  groups.forEach(({ members }, index) => {
    members.forEach((member, at) => {
      if (names.includes(member)) return;
      const remedy = `${suggest(member, names)}the appliances are ${names.join(', ')}`;
      note(['groups', index, 'members', at], `'${member}' is not an appliance`, remedy);
    });
  });
}

/** A quorum that can never be reached would end all takeovers. */
function checkQuorum({ node, quorum, observers, instanceStatusMs, appliances }: Config, note: Note): void {
  for (const { appliance } of observers) {
    if (!appliances.some(({ name }) => name === appliance)) continue;
    const remedy = 'give it a probe { kind: daemon }, which counts its word on others as well';
    note(['health', 'observers', appliance], 'it is an appliance', remedy);
  }
  const daemons = appliances.filter(
    (one) => one.name !== node && one.probes.some(({ kind }) => kind === 'daemon'),
  );
  const others = observers.filter(({ appliance }) => appliance !== node).length;
  const sources = 1 + daemons.length + others + (instanceStatusMs === undefined ? 0 : 1);
  if (sources >= quorum) return;
  const why = `${quorum} sources must agree that an appliance is dead, and there are ${sources}`;
  note(['health', 'quorum'], why, 'lower it, or add daemon probes, observers or instanceStatus');
}

/** Whoever may take over must be judged by somebody, and must judge itself. */
function checkEvidence({ node, appliances, groups, bgp }: Config, note: Note): void {
  const members = new Set(groups.flatMap((group) => group.members));
  // Where this node is no member, it gives the group to others, and must know that they still live.
  const heirs = new Set(groups.flatMap((group) => (group.members.includes(node) ? [] : group.members)));
  appliances.forEach(({ name, probes }, index) => {
    if (!members.has(name)) return;
    const decides = (...from: ProbeBase['from'][]): boolean =>
      probes.some(
        (probe) =>
          !probe.advisory && probe.kind !== 'daemon' && (probe.from === 'all' || from.includes(probe.from)),
      );
    const path = ['appliances', index, 'probes'];
    if (name !== node && !decides('others')) {
      const why = `no probe that decides is run from elsewhere, so nobody could tell whether ${name} lives`;
      note(path, why, 'add one, such as { kind: icmp }; daemon and advisory probes alone do not suffice');
    }
    const isHeard = bgp?.options.neighbors.some(
      (one) => bgp.appliances[one.name] === name && one.bfd !== undefined,
    );
    const isFresh = ({ kind, advisory, from }: ProbeConfig): boolean =>
      !advisory && kind !== 'daemon' && from !== 'self' && (kind !== 'bgp' || isHeard === true);
    if (heirs.has(name) && decides('others') && !probes.some(isFresh)) {
      const why = `the only evidence on ${name} is a BGP session without BFD, whose silence for a Hold Time shows nothing: nobody could tell that ${name} lives when it is to take over`;
      note(path, why, 'add a probe, such as { kind: icmp }, or write bfd: true at its BGP neighbor');
    }
    if (name === node && !decides('self')) {
      const why = `this node runs on ${name} and has no probe of it, so it could never know that it is fit to take over`;
      note(
        path,
        why,
        'add one with from: self, such as { kind: through, target: { icmp: 1.1.1.1 }, from: self }',
      );
    }
  });
}

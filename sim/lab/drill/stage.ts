/** A lab with a design and its traffic, as drills see it: daemons that are asked, machines that are told. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { present } from '../../../controller/base/result.ts';
import { type Config, parseConfig } from '../../../controller/config.ts';
import type { Status } from '../../../controller/failover/status.ts';
import { askDaemon, type Request } from '../../../controller/shell/control.ts';
import type { GuestVerb } from '../../world/guests.ts';
import type { Logged } from '../../world/happening.ts';
import { eventsIn, LATER, type StartedLab, said, startLabOf } from '../client.ts';
import { rootOf } from '../root.ts';
import type { ToldDesign } from '../told-design.ts';
import { networksOfLab } from './left.ts';
import { type FlowReport, type TrafficWanted, trafficReport } from './report.ts';

export interface LabStage {
  readonly told: ToldDesign;
  /** Whether its daemons move groups, and whether they speak BGP. */
  readonly moves: boolean;
  readonly speaks: boolean;
  /** What each flow has seen so far, of the machines whose traffic runs. */
  readonly reports: () => Promise<ReadonlyMap<string, FlowReport>>;
  /** What a daemon says of itself; undefined where none answers. */
  readonly status: (node: string) => Promise<Status | undefined>;
  /** The states of a daemon's BGP sessions; none where it speaks none, or does not answer. */
  readonly sessions: (node: string) => Promise<readonly string[]>;
  /** Gives a daemon an order; fails where it is refused. */
  readonly order: (node: string, request: Request) => Promise<void>;
  /** Runs a script in a machine; fails where that does. */
  readonly run: (machine: string, script: string) => Promise<void>;
  /** The same, whose output counts, and not how it ends. */
  readonly look: (machine: string, script: string) => Promise<string>;
  readonly tell: (machine: string, verb: GuestVerb | 'stop') => Promise<void>;
  /** Loses all between two machines or hosts; the answer heals that. */
  readonly cut: (from: string, to: string) => Promise<() => Promise<void>>;
  readonly events: (since: number) => Promise<readonly Logged[]>;
  /** The number of the last event so far. */
  readonly lastEvent: () => Promise<number>;
  /** The lines of a daemon's log, as objects. */
  readonly log: (node: string) => readonly LogLine[];
  /** Starts the traffic of a machine anew, once it runs. */
  readonly traffic: (machine: string) => Promise<void>;
  /** Whether the traffic of a machine runs. */
  readonly isBusy: (machine: string) => boolean;
  /** The networks of all that runs in the lab. */
  readonly networks: () => ReadonlySet<string>;
  readonly close: () => Promise<void>;
}

export interface LogLine {
  readonly time: string;
  readonly topic?: string;
  readonly msg?: string;
}

const bgpSummary = z.object({ peers: z.array(z.object({ state: z.string() })) });

const ASK_MS = 2000;
const BOOT_MS = 30_000;
const OWNED_MS = 90_000;
const REPORT_MS = 1000;

/** What a machine sends and answers. */
function wantedOf({ flows }: ToldDesign, machine: string): TrafficWanted {
  const answers = flows.filter(({ answerers }) => answerers.includes(machine)).map(({ bind }) => bind);
  return {
    answers: [...new Set(answers)],
    flows: flows.filter(({ from }) => from === machine).map(({ name, to }) => ({ name, to })),
  };
}

/** The machines that send or answer. */
export const peopleOf = ({ flows }: ToldDesign): readonly string[] => [
  ...new Set(flows.flatMap(({ from, answerers }) => [from, ...answerers])),
];

/** Asks until the answer is true; fails in time. */
export async function until(
  what: string,
  limitMs: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await pause(200);
  }
}

const rootIn = ({ lab }: StartedLab, machine: string): string => `/proc/${lab.pid}/root${rootOf(machine)}`;

function logIn(lab: StartedLab, machine: string): readonly LogLine[] {
  const lines = readFileSync(`${rootIn(lab, machine)}/var/log/byoa.log`, 'utf8').split('\n');
  return lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
}

/** A lab that runs a design, all of whose machines have been set up by their user data. */
export async function openStage(
  program: readonly string[],
  design: string,
  options: readonly string[],
): Promise<LabStage> {
  const lab = await startLabOf(program, design, options);
  try {
    return await stageIn(lab, program);
  } catch (error) {
    await lab.close();
    throw error;
  }
}

async function designIn(lab: StartedLab): Promise<ToldDesign> {
  const answer = await lab.ask({ kind: 'design' });
  if (answer.kind !== 'design') throw new Error('the lab tells of no design');
  return answer.told;
}

const socketIn = (lab: StartedLab, machine: string): string =>
  `${rootIn(lab, machine)}/run/byoa/control.sock`;

async function statusIn(lab: StartedLab, machine: string): Promise<Status | undefined> {
  const asked = askDaemon(socketIn(lab, machine), { kind: 'status' }, ASK_MS);
  return asked.then(({ ok, body }) => (ok ? (body as Status) : undefined)).catch(() => undefined);
}

/** The design once its daemons have what they move: by then it is known which address stands for which. */
async function ownedDesign(lab: StartedLab): Promise<ToldDesign> {
  const { nodes } = await designIn(lab);
  await until('every group has an owner', OWNED_MS, async () => {
    for (const { instanceId } of nodes) {
      const status = await statusIn(lab, instanceId);
      if (status === undefined || status.groups.some(({ ownerMember }) => ownerMember === undefined))
        return false;
    }
    return true;
  });
  return designIn(lab);
}

/** The configurations of a design's daemons, which the same parser has taken when they were deployed. */
const configsOf = ({ nodes }: ToldDesign): readonly Config[] =>
  nodes.flatMap(({ name, config }) => {
    const parsed = parseConfig(config, name);
    return parsed.ok ? [parsed.value] : [];
  });

async function stageIn(lab: StartedLab, program: readonly string[]): Promise<LabStage> {
  const told = await ownedDesign(lab);
  const configs = configsOf(told);
  const nodeOf = (name: string) =>
    present(
      told.nodes.find((node) => node.name === name),
      name,
    );
  const running = new Map<string, Traffic>();

  const run: LabStage['run'] = async (machine, script) => {
    const { status, out } = await lab.run(machine, script);
    if (status !== 0) throw new Error(`in ${machine}, ${script.slice(0, 100)}: ${out.slice(-500)}`);
  };
  const traffic: LabStage['traffic'] = async (machine) => {
    running.get(machine)?.child.kill('SIGKILL');
    const wanted = wantedOf(told, machine);
    // It may answer for an address that comes to it later.
    await until(`${machine} runs`, BOOT_MS, async () => {
      const { status } = await lab.run(machine, 'echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind').catch(() => ({
        status: 1,
      }));
      return status === 0;
    });
    const child = lab.start(machine, [...program, 'lab', 'traffic', JSON.stringify(wanted)], 'pipe');
    await said(child, /ready/);
    const made = trafficOf(child);
    running.set(machine, made);
    child.once('exit', () => {
      if (running.get(machine) === made) running.delete(machine);
    });
  };
  return {
    told,
    moves: configs.some(({ groups }) => groups.length > 0),
    speaks: configs.some(({ bgp }) => bgp !== undefined),
    reports: async () => {
      const all = await Promise.all([...running.values()].map(({ report }) => report()));
      return new Map(all.flat().map((flow) => [flow.name, flow]));
    },
    status: (name) => statusIn(lab, nodeOf(name).instanceId),
    sessions: async (name) => {
      const question = { what: 'summary' } as const;
      const socket = socketIn(lab, nodeOf(name).instanceId);
      const asked = await askDaemon(socket, { kind: 'bgp-query', question }, ASK_MS).catch(() => undefined);
      const summary = bgpSummary.safeParse(asked?.body);
      return summary.success ? summary.data.peers.map(({ state }) => state) : [];
    },
    order: async (name, request) => {
      const { ok, body } = await askDaemon(socketIn(lab, nodeOf(name).instanceId), request, BOOT_MS);
      if (!ok) throw new Error(`the daemon of ${name} refuses ${request.kind}: ${JSON.stringify(body)}`);
    },
    run,
    look: async (machine, script) => (await lab.run(machine, script)).out,
    tell: async (machine, verb) => void (await lab.ask({ kind: 'verb', machine, verb })),
    cut: async (from, to) => {
      const made = await lab.ask({ kind: 'cut', from, to, loss: 1 });
      const id = made.kind === 'done' ? (made.text.split(' ')[0] ?? '') : '';
      return async () => void (await lab.ask({ kind: 'heal', id }));
    },
    events: async (since) => (await eventsIn(lab, since)).events,
    lastEvent: async () => (await eventsIn(lab, LATER)).last,
    log: (name) => logIn(lab, nodeOf(name).instanceId),
    traffic,
    isBusy: (machine) => running.has(machine),
    networks: () => networksOfLab(lab.lab.pid),
    close: async () => {
      for (const { child } of running.values()) child.kill('SIGKILL');
      await lab.close();
    },
  };
}

/** The traffic of a machine, and how it is asked. */
interface Traffic {
  readonly child: ChildProcess;
  /** What it says within a second; nothing where it stands still. */
  readonly report: () => Promise<readonly FlowReport[]>;
}

function trafficOf(child: ChildProcess): Traffic {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the traffic has no pipes');
  const waiting = new Map<number, (flows: readonly FlowReport[]) => void>();
  let asked = 0;
  createInterface({ input: stdout }).on('line', (line) => {
    // A machine that stood still answers old questions, too.
    const { number, flows } = trafficReport.parse(JSON.parse(line));
    waiting.get(number)?.(flows);
  });
  stdin.on('error', () => undefined);
  return {
    child,
    report: () =>
      new Promise((resolve) => {
        asked += 1;
        const number = asked;
        const done = (flows: readonly FlowReport[]): void => {
          clearTimeout(timer);
          waiting.delete(number);
          resolve(flows);
        };
        const timer = setTimeout(() => done([]), REPORT_MS);
        waiting.set(number, done);
        stdin.write(`${number}\n`);
      }),
  };
}

/** The id of the daemon's process: machines have networks of their own, not processes. */
export const DAEMON = `own=$(readlink /proc/self/ns/net)
for d in /proc/[0-9]*; do
  [ "$(readlink "$d/ns/net")" = "$own" ] || continue
  tr '\\0' ' ' <"$d/cmdline" | grep -q '^[^ ]*node .* run --config' && echo "\${d#/proc/}"
done`;

/** Sends a signal to the daemon of a machine. */
export const signalDaemon = ({ run }: LabStage, machine: string, signal: 'HUP' | 'KILL'): Promise<void> =>
  run(machine, `kill -${signal} $(${DAEMON})`);

/** Such a configuration, with groups that may move as often as they like; undefined where it has none. */
function undamped(config: string): string | undefined {
  const file = parse(config) as { readonly groups?: readonly object[] };
  const groups = file.groups?.map((group) => ({ ...group, damping: { moves: 1000, within: '1s' } }));
  return groups && stringify({ ...file, groups });
}

/**
 * Lets daemons move as often as drills do: damping would hold back the fourth failure within ten minutes. All
 * else stays as it was deployed.
 */
export async function withoutDamping(stage: LabStage): Promise<void> {
  for (const { instanceId, config } of stage.told.nodes) {
    const text = undamped(config);
    if (text === undefined) continue;
    await stage.run(instanceId, `cat >/etc/byoa/byoa.yaml <<'END'\n${text}\nEND`);
    await signalDaemon(stage, instanceId, 'HUP');
  }
}

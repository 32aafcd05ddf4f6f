/**
 * A design deployed once into a simulator with short delays, its daemons as processes that can be killed and
 * started again, and a flow through the group. Not a test itself.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { present } from '../../controller/base/result.ts';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { ask, deployStage, HOST, HOSTS, type Stage, settled } from '../../sim/demo/stage.ts';
import { type Logged, type RunningSimulator, startSimulator } from '../../sim/index.ts';
import type { NodeOutput } from '../../sim/pulumi/design.ts';
import type { DesignName } from '../../sim/pulumi/designs.ts';
import { type DaemonProcess, type LogLine, startByoa } from '../shell/daemon-process.ts';

export interface Rig {
  readonly design: DesignName;
  readonly simulator: RunningSimulator;
  /** The simulator's id of a node's instance. */
  readonly instance: (node: string) => string;
  readonly daemon: (node: string) => DaemonProcess;
  /** Starts a node's daemon, as systemd would, and waits until it is ready. */
  readonly start: (node: string) => Promise<void>;
  /** SIGKILL, and waits for the end. */
  readonly kill: (node: string) => Promise<void>;
  readonly switchover: (to: string) => Promise<void>;
  /** Waits until all daemons see `owner` own the group and hold all appliances for healthy. */
  readonly agreed: (owner: string) => Promise<void>;
  /** The one node that owns the group in the data plane, if one does. */
  readonly owner: () => string | undefined;
  readonly events: () => readonly Logged[];
  /** Calls that wrote, as the simulator has counted them since the start. */
  readonly writes: () => number;
  /**
   * The one owner, as soon as nothing has been written for a while and (unless told otherwise) packets flow.
   */
  readonly settledOwner: (wait?: { readonly traffic: boolean }) => Promise<string>;
  /** The newest file of a node's journal. */
  readonly journal: (node: string) => string;
  readonly close: () => Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 20_000;
/** Longer than any wait of a daemon that has not given up, at the settings below. */
const QUIET_MS = 700;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function eventually(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${LIMIT_MS / 1000} s: ${what()}`);
    await pause(10);
  }
}

/**
 * The deployed configuration with quick probes and short waits; a busy machine must not look like a dead one.
 */
function quick(text: string, orphanGrace: string): string {
  const input: ConfigInput = parse(text);
  const fast = { interval: '80ms', timeout: '75ms', rise: 2, fall: 5 };
  const appliances = (input.appliances ?? []).map((appliance) => ({
    ...appliance,
    probes: (appliance.probes ?? []).map((probe) => ({ ...probe, ...fast })),
  }));
  const groups = (input.groups ?? []).map((group) => ({
    ...group,
    ...(group.eni && { eni: { ...group.eni, forceAfter: '2s' } }),
    takeoverStagger: '200ms',
    orphanGrace,
    damping: { moves: 1000, within: '1m' },
  }));
  const aws = { ...input.aws, attemptTimeout: '400ms', timeout: '1s' };
  return formatConfig({
    ...input,
    aws,
    appliances,
    groups,
    observe: { interval: '500ms', staleAfter: '3s' },
  });
}

const isWrite = (event: Logged): boolean =>
  event.kind === 'api' && event.service === 'ec2' && !event.action.startsWith('Describe');

/** The lines that tell of a takeover, from the decision to move on: each is an instant at which to die. */
export function moveLines(
  { lines }: { readonly lines: readonly LogLine[] },
  since: number,
): readonly LogLine[] {
  const told = lines.filter(
    ({ at, topic }) => at >= since && ['decision', 'call', 'outcome', 'owned', 'guest'].includes(topic),
  );
  const first = told.findIndex(({ topic, msg }) => topic === 'decision' && msg.startsWith('Moves '));
  return first < 0 ? [] : told.slice(first);
}

/** `orphanGrace`: longer than any move that a fault holds up, or the other member takes it for given up. */
export async function openRig(design: DesignName, orphanGrace = '500ms'): Promise<Rig> {
  const directory = mkdtempSync(join(tmpdir(), 'byoa-e2e-'));
  const simulator = await startSimulator({
    hosts: HOSTS,
    knobs: {
      latency: { medianMs: 20, spread: 0 },
      propagation: { medianMs: 20, spread: 0 },
      attachMs: 100,
      detachMs: 100,
    },
  });
  const stage = await deployStage(design, { root: ROOT, directory, simulator, progress: () => undefined });
  const daemons = new Map<string, DaemonProcess>();
  const rig = rigOf(design, stage, daemons, orphanGrace);
  await Promise.all(stage.nodes.map(({ name }) => rig.start(name)));
  simulator.startFlow({ id: FLOW, from: stage.workload, to: HOST, intervalMs: 5 });
  await rig.agreed('a');
  return rig;
}

const FLOW = 'e2e';

function rigOf(
  design: DesignName,
  stage: Stage,
  daemons: Map<string, DaemonProcess>,
  orphanGrace: string,
): Rig {
  const { simulator, directory } = stage;
  const node = (name: string): NodeOutput =>
    present(
      stage.nodes.find((one) => one.name === name),
      `node ${name}`,
    );
  const daemon = (name: string): DaemonProcess => present(daemons.get(name), `the daemon of ${name}`);
  const owner = (): string | undefined => ownerOf(stage, design);
  const events = (): readonly Logged[] => simulator.events();
  const kill = async (name: string): Promise<void> => {
    daemon(name).child.kill('SIGKILL');
    await daemon(name).ended;
  };
  return {
    design,
    simulator,
    instance: (name) => node(name).instanceId,
    daemon,
    start: async (name) => {
      const { config, instanceId } = node(name);
      const file = join(directory, `${name}.yaml`);
      const journal = { directory: join(directory, `journal-${name}`) };
      const control = { socket: join(directory, `${name}.sock`) };
      simulator.profile(instanceId, { role: 'nat', services: [] });
      writeFileSync(file, formatConfig({ ...parse(quick(config, orphanGrace)), journal, control }));
      const started = startByoa(['run', '--config', file, '--attach', simulator.attachTo(instanceId)]);
      daemons.set(name, started);
      await started.logged(({ topic }) => topic === 'ready', `${name} is ready`);
    },
    kill,
    switchover: async (to) => void (await ask(stage, to, { kind: 'switchover', group: stage.group, to })),
    agreed: (name) => settled(stage, name),
    owner,
    events,
    writes: () => events().filter(isWrite).length,
    settledOwner: (wait = { traffic: true }) => settledOwner(stage, owner, events, wait.traffic),
    journal: (name) => {
      const folder = join(directory, `journal-${name}`);
      return join(folder, present(readdirSync(folder).sort().at(-1), `a journal of ${name}`));
    },
    close: async () => {
      await Promise.all([...daemons.keys()].map(kill));
      await simulator.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function ownerOf({ simulator, nodes }: Stage, design: DesignName): string | undefined {
  const { routeTables, networkInterfaces } = simulator.state();
  const enis = new Set(nodes.map(({ networkInterfaceId }) => networkInterfaceId));
  if (design === 'floating-eni') {
    const appliances = new Set(nodes.map(({ instanceId }) => instanceId));
    const floating = networkInterfaces.filter(
      ({ id, attachment }) =>
        !enis.has(id) && attachment !== undefined && appliances.has(attachment.instance),
    );
    return nodes.find(({ instanceId }) => floating[0]?.attachment?.instance === instanceId)?.name;
  }
  const targets = routeTables.flatMap(({ routes }) =>
    routes.flatMap(({ destination, target }) =>
      destination === '0.0.0.0/0' && target.kind === 'eni' ? [target.eni] : [],
    ),
  );
  const [first, ...others] = new Set(targets);
  return others.length === 0
    ? nodes.find(({ networkInterfaceId }) => networkInterfaceId === first)?.name
    : undefined;
}

async function settledOwner(
  { simulator }: Stage,
  owner: () => string | undefined,
  events: () => readonly Logged[],
  traffic: boolean,
): Promise<string> {
  const answered = (): number => simulator.flow(FLOW)?.answered ?? 0;
  let since = performance.now();
  let before = JSON.stringify([owner(), events().filter(isWrite).length]);
  let base = answered();
  await eventually(
    () => {
      const seen = JSON.stringify([owner(), events().filter(isWrite).length]);
      if (seen !== before) [before, since, base] = [seen, performance.now(), answered()];
      const flow = simulator.flow(FLOW);
      const carries = answered() > base + 10 && flow?.gaps.every(({ to }) => to !== undefined) === true;
      return owner() !== undefined && (carries || !traffic) && performance.now() - since >= QUIET_MS;
    },
    () => `one settled owner that carries traffic; ${before}, ${simulator.flow(FLOW)?.lastLoss}`,
  );
  return present(owner(), 'an owner');
}

/**
 * One running daemon: the brain, its driver, and everything that runs its effects, put together and taken
 * apart.
 */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { present, unreachable } from '../base/result.ts';
import { probesOfNode } from '../config/model.ts';
import { type Config, formatConfigError, parseConfig, realmsOf, type Secrets } from '../config.ts';
import type { Effect, Event, HookName, Memory } from '../event.ts';
import { createNode, nextDeadline, recall, step } from '../node.ts';
import { attach } from './attach-network.ts';
import { type Aws, createAws, fixedCredentials } from './aws.ts';
import { regionalHost } from './aws-endpoint.ts';
import { addressed, answerBgp } from './bgp-answer.ts';
import { now, wallOffset, watchWall } from './clock.ts';
import { type ControlServer, type Request, serveControl } from './control.ts';
import { tuneEngine } from './engine.ts';
import { runHook } from './hook.ts';
import { createHostNetwork } from './host-network.ts';
import { Journal } from './journal.ts';
import { recallMemory } from './journal-read.ts';
import { createLeaseClient, type LeaseClient } from './lease-client.ts';
import { createLog, type Log } from './log.ts';
import { createMachines, type Machines } from './machines.ts';
import type { Network } from './network.ts';
import { createNotifier } from './notify.ts';
import { createOwnWord, type HealthEndpoint } from './own-word.ts';
import { runProbe } from './probe.ts';
import { createDriver, type Driver } from './run.ts';
import { type DaemonSecrets, daemonSecrets } from './secrets.ts';

export interface DaemonOptions {
  readonly configFile: string;
  readonly observeOnly: boolean;
  /** `URL#INSTANCE` of a simulator; absent: the network of this machine. */
  readonly attach?: string;
  /** Directory, instead of the configured one. */
  readonly journal?: string;
  readonly version: string;
}

/** The exit code of a daemon whose simulated machine is gone. */
const EXIT_DEAD = 3;
const brain = { step, nextDeadline, recall };

/** Reads a configuration file; throws all its errors, a line each. */
export async function loadConfig(file: string): Promise<Config> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new Error(`cannot read the configuration: ${error.message}; name it with --config FILE`);
  });
  const parsed = parseConfig(text, file);
  if (parsed.ok) return parsed.value;
  throw new Error(`the configuration is not valid\n${parsed.error.map(formatConfigError).join('\n')}`);
}

/** Runs until told to stop; resolves when the daemon has left cleanly. */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  tuneEngine();
  const config = await loadConfig(options.configFile);
  const log = createLog(config.node, config.log.level);
  let daemon: Daemon | undefined;
  // First of all: it is also the lock that keeps a second daemon away.
  const control = await serveControl(config.control.socket, (id, command) => {
    if (daemon === undefined)
      control.reply(id, { ok: false, body: { message: 'The daemon is starting; ask again.' } });
    else daemon.command(id, command);
  });
  try {
    daemon = await assemble(options, config, log, control);
  } catch (error) {
    await control.close();
    throw error;
  }
  const { memory } = daemon;
  await daemon.run({
    kind: 'start',
    wallOffsetMs: wallOffset(),
    ...(memory === undefined ? {} : { memory }),
  });
}

/** Makes all that a daemon needs; what cannot be had is a sentence. */
async function assemble(
  options: DaemonOptions,
  config: Config,
  log: Log,
  control: ControlServer,
): Promise<Daemon> {
  const directory = options.journal ?? config.journal.directory;
  const [network, memory] = await Promise.all([
    openNetwork(options.attach),
    recallMemory(directory, config.node),
  ]);
  const journal = new Journal({
    ...config.journal,
    directory,
    node: config.node,
    version: options.version,
    now,
    onTrouble: (level, sentence) => log.write(level, 'journal', sentence),
  });
  const onFailure = (sentence: string): void => log.write('error', 'aws', sentence);
  const aws = await createAws({
    ...network.aws(config),
    node: config.node,
    realms: realmsOf(config),
    network: network.network,
    onFailure,
  });
  const store = config.leaseStore;
  const leases =
    store === undefined
      ? undefined
      : await createLeaseClient({
          store,
          network: network.network,
          credentials: aws.credentials,
          addresses: config.aws.addresses,
          ...network.leases(config),
          onFailure,
        });
  const word = createOwnWord(network.network, config.node);
  await word.listen(config.health);
  await prepare(network.network, config, log);
  if (
    options.attach !== undefined &&
    (config.bgp !== undefined || config.bfd.length > 0 || config.kernel !== undefined)
  )
    throw new Error(
      'bgp, bfd and kernel do not work in an attached daemon, which has no TTLs, keys and kernel routes; ' +
        'run it on a machine of its own',
    );
  const secrets = daemonSecrets(aws.parameter, warnOf(log));
  const parts = {
    options,
    config,
    log,
    network: network.network,
    journal,
    aws,
    leases,
    word,
    control,
    secrets,
    first: await secrets.soon(config),
  };
  return new Daemon(parts, memory);
}

const warnOf =
  (log: Log) =>
  (sentence: string): void =>
    log.write('warn', 'config', `${sentence}.`);

interface OpenedNetwork {
  readonly network: Network;
  /** How the AWS API is reached from there. */
  readonly aws: (config: Config) => Pick<Parameters<typeof createAws>[0], 'aws' | 'credentials'>;
  /** How the store of leases is. */
  readonly leases: (config: Config) => { readonly endpoint?: string };
}

async function openNetwork(target: string | undefined): Promise<OpenedNetwork> {
  if (target === undefined)
    return { network: createHostNetwork(), aws: ({ aws }) => ({ aws }), leases: () => ({}) };
  const network = await attach(target);
  const { account } = network.hello;
  // The simulated Internet has its own AWS hosts; this machine's loopback does not exist there.
  const endpointOf = ({ aws }: Config): string => `http://${regionalHost('ec2', aws.region)}`;
  return {
    network,
    leases: (config) => ({ endpoint: endpointOf(config) }),
    aws: (config) => ({
      aws: { ...config.aws, endpoint: endpointOf(config) },
      credentials: fixedCredentials(account, 'simulated'),
    }),
  };
}

/** Sets up the next hops that probes name; what is missing is told and does not stop the daemon. */
async function prepare(network: Network, config: Config, log: Log): Promise<void> {
  const hops = probesOfNode(config).flatMap((probe) =>
    probe.kind === 'through' && probe.via !== undefined ? [probe.via] : [],
  );
  const failure = await network.prepareNextHops([...new Set(hops)]);
  if (failure !== undefined) log.write('error', 'network', `${failure}.`);
}

interface Parts {
  readonly options: DaemonOptions;
  readonly config: Config;
  readonly log: Log;
  readonly network: Network;
  readonly journal: Journal;
  readonly aws: Aws;
  /** Absent where no group has a lease. */
  readonly leases: LeaseClient | undefined;
  readonly word: HealthEndpoint;
  readonly control: ControlServer;
  readonly secrets: DaemonSecrets;
  /** What the daemon starts with. */
  readonly first: Secrets;
}

class Daemon {
  /** What its last run left behind. */
  readonly memory: Memory | undefined;
  readonly #parts: Parts;
  readonly #driver: Driver;
  readonly #machines: Machines;
  readonly #notifier = createNotifier(process.env);
  #config: Config;
  #ended: (() => void) | undefined;
  #surroundings: readonly string[] = [];
  /** Status commands, whose answers get the shell's part added. */
  readonly #statusIds = new Set<number>();

  constructor(parts: Parts, memory: Memory | undefined) {
    this.memory = memory;
    this.#parts = parts;
    this.#config = parts.config;
    const { options, config, journal } = parts;
    this.#driver = createDriver({
      brain,
      node: createNode(
        { config, observeOnly: options.observeOnly, seed: randomInt(2 ** 32), version: options.version },
        now(),
      ),
      now,
      journal,
      perform: (effect) => this.#perform(effect),
      onFault: (error) => this.#fault(error),
    });
    this.#machines = createMachines(config, parts.first, parts.log, (event) => this.#driver.postNow(event));
  }

  command(id: number, command: Request): void {
    if (command.kind === 'bgp-query') {
      void answerBgp(this.#machines, command.question).then((answer) =>
        this.#parts.control.reply(id, answer),
      );
      return;
    }
    if (command.kind === 'status') this.#statusIds.add(id);
    if (command.kind === 'bgp') {
      const input = addressed(this.#machines.speaker(), command.input);
      if (input.ok) this.#driver.post({ kind: 'command', id, command: { kind: 'bgp', input: input.value } });
      else this.#parts.control.reply(id, { ok: false, body: { message: input.error } });
      return;
    }
    this.#driver.post({ kind: 'command', id, command });
  }

  async run(start: Event): Promise<void> {
    const { config, log, network } = this.#parts;
    network.onPower((power) => {
      if (power === 'dead') process.exit(EXIT_DEAD);
      if (power === 'frozen') this.#driver.pause();
      else this.#driver.resume();
    });
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    const stop = (): void => {
      this.#notifier.stopping();
      this.#driver.post({ kind: 'stop' });
    };
    process.once('SIGTERM', stop).once('SIGINT', stop);
    process.on('SIGHUP', () => void this.#reload());
    process.on('uncaughtException', (error) => this.#fault(error));
    process.on('unhandledRejection', (error) => this.#fault(error));
    this.#driver.post(start);
    this.#machines.start();
    this.#renewSecrets();
    log.write('info', 'started', `Daemon ${config.node} runs: probes, commands and the journal are on.`);
    this.#notifier.ready(`node ${config.node}`);
    const stopWatching = watchWall((offsetMs) => this.#driver.post({ kind: 'wall', offsetMs }));
    const surroundings = setInterval(() => this.#tellSurroundings(), SURROUNDINGS_MS);
    await ended;
    stopWatching();
    clearInterval(surroundings);
    await this.#leave();
  }

  /** Tells the brain when something else is wrong with credentials and addresses, or nothing any more. */
  #tellSurroundings(): void {
    const problems = this.#parts.aws.problems();
    if (problems.join('\n') === this.#surroundings.join('\n')) return;
    this.#surroundings = problems;
    this.#driver.post({ kind: 'surroundings', problems });
  }

  #perform(effect: Effect): void {
    const { network, aws, leases, log, word } = this.#parts;
    const post = this.#driver.post;
    switch (effect.kind) {
      case 'probe': {
        const { probe, round, spec } = effect;
        runProbe(network, spec, (result) => post({ kind: 'probe-result', probe, round, result }));
        break;
      }
      case 'ec2-call': {
        const { request, call } = effect;
        aws.call(call, (outcome) => post({ kind: 'ec2-outcome', request, outcome }));
        break;
      }
      case 'lease-call': {
        const { request, call, timeoutMs } = effect;
        const client = present(leases, 'the store of leases');
        client.call(call, timeoutMs, (outcome) => post({ kind: 'lease-outcome', request, outcome }));
        break;
      }
      case 'guest':
        void this.#applyGuest(effect);
        break;
      case 'bgp':
      case 'bfd':
      case 'kernel':
        this.#machines.perform(effect);
        break;
      case 'hook':
        this.#hook(effect);
        break;
      case 'reply':
        this.#reply(effect);
        break;
      case 'own-word':
        word.say(effect);
        break;
      case 'log':
        log.effect(effect);
        break;
      case 'stopped':
        this.#ended?.();
        break;
      default:
        unreachable(effect);
    }
  }

  async #applyGuest({ request, changes }: Extract<Effect, { kind: 'guest' }>): Promise<void> {
    const failure = await this.#parts.network.applyGuest(changes);
    this.#driver.post({ kind: 'guest-outcome', request, ...(failure === undefined ? {} : { failure }) });
  }

  #hook({ request, hook, group, detail }: Extract<Effect, { kind: 'hook' }>): void {
    const hooks = this.#config.groups.find(({ name }) => name === group)?.hooks;
    const action = hooks?.[HOOK_FIELD[hook]];
    const done = (failure?: string): void =>
      this.#driver.post({ kind: 'hook-outcome', request, ...(failure === undefined ? {} : { failure }) });
    if (hooks === undefined || action === undefined) {
      done();
      return;
    }
    const run = { hook, node: this.#config.node, group, detail, timeoutMs: hooks.timeoutMs };
    runHook(this.#parts.network, action, run, done);
  }

  #reply({ id, ok, body }: Extract<Effect, { kind: 'reply' }>): void {
    const { journal, aws, options, control } = this.#parts;
    const own = this.#statusIds.delete(id);
    const daemon = { journal: journal.state(), aws: aws.state(), attached: options.attach ?? null };
    const whole = own && typeof body === 'object' ? { ...body, daemon } : body;
    control.reply(id, { ok, body: whole });
  }

  /** What was last read, and not now, is asked for until it is known. */
  #renewSecrets(): void {
    const { secrets, log } = this.#parts;
    const config = this.#config;
    void secrets.renew(config, (changed) => {
      this.#use(config, changed);
      log.write('info', 'config', 'Secrets have changed since they were last read; the new ones are used.');
    });
  }

  #use(config: Config, secrets: Secrets): void {
    this.#machines.configure(config, secrets);
    this.#driver.post({ kind: 'configured', config });
  }

  /** The new configuration as a whole, or the old one as it was. */
  async #reload(): Promise<void> {
    const { options, network, word, log } = this.#parts;
    this.#notifier.reloading();
    try {
      const next = await loadConfig(options.configFile);
      const fixed = RESTART_ONLY.filter(
        (key) => JSON.stringify(next[key]) !== JSON.stringify(this.#config[key]),
      );
      if (fixed.length > 0)
        throw new Error(`${fixed.join(', ')} cannot change while the daemon runs; restart it`);
      const secrets = await this.#parts.secrets.now(next);
      await word.listen(next.health);
      await prepare(network, next, log);
      this.#parts.aws.prepare(realmsOf(next));
      this.#config = next;
      log.setLevel(next.log.level);
      this.#use(next, secrets);
      this.#renewSecrets();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.write('error', 'config', `Keeps the old configuration: ${why}.`);
    }
    this.#notifier.ready(`node ${this.#config.node}`);
  }

  async #leave(): Promise<void> {
    const { network, aws, leases, word, journal, log, control, secrets } = this.#parts;
    secrets.stop();
    await this.#machines.stop();
    await leases?.close();
    this.#driver.stop();
    this.#notifier.close();
    word.close();
    await control.close();
    await journal.close();
    await network.close();
    aws.close();
    log.flush();
  }

  /** A bug of ours: what is recorded is kept, and systemd starts the daemon again. */
  #fault(error: unknown): void {
    const { log, journal } = this.#parts;
    this.#driver.stop();
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.write('error', 'fault', `Ends because of a fault of its own: ${text}`);
    log.flush();
    void journal.close().finally(() => process.exit(1));
  }
}

const SURROUNDINGS_MS = 5_000;

/** What the driver and its surroundings were built from at start. */
const RESTART_ONLY = ['node', 'aws', 'leaseStore', 'journal', 'control'] as const;
const HOOK_FIELD = { 'on-own': 'onOwn', 'on-lose': 'onLose', 'on-fail': 'onFail' } as const satisfies Record<
  HookName,
  string
>;

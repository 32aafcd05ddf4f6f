/**
 * A production daemon in a process of its own, as an observer of two appliances that are TCP servers on the
 * loopback.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { ACCOUNT, end, REGION, type Region } from './region.ts';

/** The health port of an appliance: answers while alive, refuses at once when killed. */
export interface Target {
  readonly address: string;
  readonly port: number;
  readonly revive: () => Promise<void>;
  readonly kill: () => Promise<void>;
}

/** Opens one on a loopback address of its own. */
export async function openTarget(address: string): Promise<Target> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const revive = async (): Promise<void> => {
    if (server !== undefined) return;
    const fresh = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    });
    server = fresh;
    await new Promise<void>((resolve) => fresh.listen(port, address, resolve));
    const bound = fresh.address();
    if (bound !== null && typeof bound !== 'string') port = bound.port;
  };
  const kill = (): Promise<void> =>
    new Promise((resolve) => {
      const old = server;
      server = undefined;
      if (old === undefined) return resolve();
      old.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await revive();
  return { address, port, revive, kill };
}

/** A configuration with one group of `tables`, whose appliances are the two targets. */
export function configuration(options: {
  readonly folder: string;
  readonly endpoint: string;
  readonly region: Region;
  readonly tables: readonly string[];
  readonly targets: readonly [Target, Target];
}): string {
  const { folder, endpoint, region, tables, targets } = options;
  const appliance = (name: string, index: 0 | 1) => ({
    name,
    address: targets[index].address,
    eni: region.enis[index],
    probes: [
      {
        kind: 'tcp' as const,
        port: targets[index].port,
        interval: '50ms',
        timeout: '45ms',
        rise: 2,
        fall: 2,
      },
    ],
  });
  const input: ConfigInput = {
    version: 1,
    node: 'observer',
    aws: { region: REGION, endpoint },
    appliances: [appliance('a', 0), appliance('b', 1)],
    groups: [
      {
        name: 'egress',
        members: ['a', 'b'],
        routes: tables.map((table) => ({ table, destinations: ['0.0.0.0/0'] })),
      },
    ],
    journal: { directory: join(folder, 'journal') },
    control: { socket: join(folder, 'control.sock') },
  };
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'byoa.yaml');
  writeFileSync(file, formatConfig(input));
  return file;
}

/** One line of the daemon's log. */
export interface LogLine {
  readonly topic?: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

export interface Daemon {
  /**
   * Resolves with the first line, past or future, that `wanted` accepts; rejects in time, and when the daemon
   * ends.
   */
  readonly logged: (what: string, wanted: (line: LogLine) => boolean) => Promise<LogLine>;
  /** Ends it as systemd would; its exit code. */
  readonly stop: () => Promise<number | null>;
}

const PATIENCE_MS = 15_000;

function asLine(text: string): LogLine {
  try {
    return JSON.parse(text);
  } catch {
    return { msg: text };
  }
}

/** Starts `command run --config FILE`. */
export function startDaemon(command: readonly string[], config: string): Daemon {
  const [program = '', ...args] = command;
  const credentials = {
    AWS_ACCESS_KEY_ID: ACCOUNT,
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const env = { ...process.env, ...credentials };
  const child: ChildProcess = spawn(program, [...args, 'run', '--config', config], { stdio: 'pipe', env });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  const lines: LogLine[] = [];
  const checks = new Set<() => void>();
  const changed = (): void => {
    for (const check of checks) check();
  };
  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (text) => {
      lines.push(asLine(text));
      changed();
    });
  }
  child.once('exit', changed).once('error', changed);
  const logged: Daemon['logged'] = (what, wanted) =>
    new Promise((resolve, reject) => {
      const last = (): string =>
        lines
          .slice(-8)
          .map((line) => line.msg)
          .join('\n  ');
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        checks.delete(check);
        act();
      };
      const check = (): void => {
        const found = lines.find(wanted);
        if (found !== undefined) settle(() => resolve(found));
        else if (child.exitCode !== null || child.signalCode !== null) {
          settle(() => reject(new Error(`the daemon ended before it logged ${what}; it said:\n  ${last()}`)));
        }
      };
      const late = (): Error => new Error(`the daemon did not log ${what} in time; it said:\n  ${last()}`);
      const timer = setTimeout(() => settle(() => reject(late())), PATIENCE_MS);
      checks.add(check);
      check();
    });
  return { logged, stop: () => end(child) };
}

/**
 * When the brain took the first step that called for `action`, from the journal in `folder`; Unix
 * milliseconds.
 */
export function decidedAt(folder: string, call: string): number | undefined {
  const directory = join(folder, 'journal');
  for (const name of readdirSync(directory).sort()) {
    for (const line of readFileSync(join(directory, name), 'utf8').split('\n')) {
      if (!line.includes(`"${call}"`)) continue;
      const record: { at: number; effects?: readonly { kind: string; call?: { kind: string } }[] } =
        JSON.parse(line);
      if (record.effects?.some((effect) => effect.call?.kind === call)) return record.at;
    }
  }
  return undefined;
}

/**
 * byoa as one of the speakers under test: the built daemon as users run it, with its journal, and the policy
 * that all have. A watch on its main loop is loaded beside it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundle } from '../../bin/bundle.ts';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import type { SummaryAnswer } from '../../controller/shell/bgp-answer.ts';
import { askDaemon } from '../../controller/shell/control.ts';
import { NODE_OPTIONS } from '../../infra/components/unit.ts';
import { type Host, type Running, until } from '../../test/interop/lab.ts';
import type { LoopFigures } from '../scene/loop.ts';
import { startAhead } from './start.ts';
import { COMMUNITY, MARTIANS, type Parties, type Party, SPEAKER_AS } from './task.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The daemon and the watch, each one file of JavaScript. */
export interface Program {
  readonly daemon: string;
  readonly watch: string;
}

/** Builds both into a folder. */
export async function buildByoa(folder: string): Promise<Program> {
  const watch = join(folder, 'loop.cjs');
  const entryPoints = [join(ROOT, 'bench', 'scene', 'loop.ts')];
  await build({ entryPoints, outfile: watch, bundle: true, format: 'cjs', platform: 'node' });
  return { daemon: await bundle(ROOT, folder, '0.0.0'), watch };
}

/** What is configured but for the places of journal and socket. */
export type OwnConfig = Omit<ConfigInput, 'journal' | 'control'>;

function configuration({ senders, receiver }: Parties, { ipv4: local }: Host): OwnConfig {
  const peer = ({ address, as }: Party) => ({
    address,
    as,
    passive: true,
    holdTime: '240s',
    gracefulRestart: false as const,
  });
  return {
    version: 1,
    node: 'router',
    aws: { region: 'eu-central-1', endpoint: 'http://127.0.0.1:9' },
    bgp: {
      as: SPEAKER_AS,
      routerId: local,
      listen: [`${local}:179`],
      neighbors: [
        ...senders.map((one) => ({ ...peer(one), import: 'incoming', export: 'none' })),
        { ...peer(receiver), import: 'none', export: 'outgoing' },
      ],
      policies: [
        {
          name: 'incoming',
          rules: [
            { match: { prefixes: MARTIANS.map((prefix) => ({ prefix, le: 32 })) }, action: 'reject' },
            {
              match: { prefixes: [{ prefix: '0.0.0.0/0', ge: 8, le: 24 }] },
              set: { localPref: 150, addCommunities: [COMMUNITY] },
              action: 'accept',
            },
          ],
        },
        { name: 'outgoing', rules: [{ match: { communities: [COMMUNITY] }, action: 'accept' }] },
      ],
    },
  };
}

export const socketOf = (folder: string): string => join(folder, 'control.sock');
const loopFile = (folder: string): string => join(folder, 'loop.json');

/** Starts the daemon as a speaker under test. */
export const startByoa = (program: Program, host: Host, parties: Parties): Promise<Running> =>
  runByoa(program, host, configuration(parties, host));

/** Starts the daemon in a host and waits until it answers. */
export async function runByoa(program: Program, host: Host, own: OwnConfig): Promise<Running> {
  const { folder } = host;
  const directory = join(folder, 'journal');
  mkdirSync(directory, { recursive: true });
  const config = join(folder, 'byoa.yaml');
  const input: ConfigInput = { ...own, journal: { directory }, control: { socket: socketOf(folder) } };
  writeFileSync(config, formatConfig(input));
  const command = [process.execPath, '--require', program.watch, program.daemon, 'run', '--config', config];
  const env = {
    BYOA_LOOP_FILE: loopFile(host.folder),
    AWS_ACCESS_KEY_ID: '123456789012',
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_EC2_METADATA_DISABLED: 'true',
    NODE_OPTIONS,
  };
  const running = startAhead(host, 'byoa', command, env);
  await until('byoa answers', async () => (await summaryOf(host)) !== undefined);
  return running;
}

async function summaryOf({ folder }: Host): Promise<SummaryAnswer> {
  const request = { kind: 'bgp-query', question: { what: 'summary' } } as const;
  const { ok, body } = await askDaemon(socketOf(folder), request, 5000);
  if (!ok) throw new Error(`byoa does not answer: ${JSON.stringify(body)}`);
  return body as SummaryAnswer;
}

/** What the daemon says of its own portions of work. */
export const slicesOf = async (host: Host): Promise<SummaryAnswer['slices']> =>
  (await summaryOf(host)).slices;

/** How late the main loop was since this was asked before. */
export async function loopOf({ pid }: Running, { folder }: Host): Promise<LoopFigures> {
  const file = loopFile(folder);
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  await until('the watch on the main loop tells', () => existsSync(file));
  return JSON.parse(readFileSync(file, 'utf8'));
}

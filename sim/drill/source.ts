/** Where subjects come from: a design deployed into a simulator, a world file, or a live account. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '../../controller/base/result.ts';
import { type Config, formatConfigError, parseConfig } from '../../controller/config.ts';
import { importDocuments } from '../import/import.ts';
import { type RunningSimulator, startSimulator } from '../index.ts';
import { type Deployed, deployDesign, PROBED } from '../pulumi/design.ts';
import type { Program } from '../pulumi/program.ts';
import { readLive } from '../server/import-source.ts';
import { readWorld } from '../server/keeper.ts';
import type { SavedWorld } from '../world/world-file.ts';
import type { Subject } from './subject.ts';

/** The host that workloads of a design talk to. */
const HOST = '203.0.113.10';

function configOf(text: string, file: string): Config {
  const parsed = parseConfig(text, file);
  if (parsed.ok) return parsed.value;
  throw new Error(parsed.error.map(formatConfigError).join('\n'));
}

/**
 * Deploys the program of a design into a simulator of its own, and takes what is there. What user data would
 * do on an appliance is done by the simulator's control API.
 */
export async function designSubject(
  program: Program,
  progress: (text: string) => void,
  keys: Readonly<Record<string, string>> = {},
): Promise<Subject> {
  const { title } = program;
  const directory = mkdtempSync(join(tmpdir(), 'byoa-drill-'));
  const state = join(directory, 'world');
  try {
    const simulator = await startSimulator({ state, hosts: [HOST, ...PROBED] });
    const deployed = await deployDesign(program, {
      url: simulator.url,
      stack: 'drill',
      stateFile: join(directory, 'stack.json'),
      keys: played({ ...program.config, ...keys }, keys, (text) => progress(`${title}: ${text}`)),
      progress: (made) => progress(`${title}: deploying, ${made} resources made`),
    })
      .then((made) => {
        setUp(simulator, made);
        return made;
      })
      .finally(() => simulator.close());
    return deployedSubject(title, present(readWorld(state), 'the world that was deployed'), deployed);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const SPEAKER = 'byoa:speaker';

/** The keys of a stack for virtual time, in which no program runs: the daemon plays what speaks BGP. */
function played(
  stack: Readonly<Record<string, string>>,
  keys: Readonly<Record<string, string>>,
  say: (text: string) => void,
): Readonly<Record<string, string>> {
  const { [SPEAKER]: speaker = 'byoa' } = stack;
  if (speaker === 'byoa') return keys;
  say(`the daemon plays ${speaker}, whose sessions it has; byoa lab drill runs the program itself`);
  return { ...keys, [SPEAKER]: 'byoa' };
}

/** A design that has been deployed into a world. */
export const deployedSubject = (
  title: string,
  world: SavedWorld,
  { nodes, flows }: Pick<Deployed, 'nodes' | 'flows'>,
): Subject => ({
  title,
  world,
  configs: nodes.map(({ name, config }) => configOf(config, `${title}/${name}.yaml`)),
  runsOn: Object.fromEntries(nodes.map(({ name, instanceId }) => [name, instanceId])),
  role: 'nat',
  promises: flows,
});

/** What user data would do on the appliances of a design. */
export function setUp(simulator: RunningSimulator, { appliances }: Pick<Deployed, 'appliances'>): void {
  for (const { instanceId, role, translates, overlay, tunnels } of appliances)
    simulator.profile(instanceId, {
      ...{ role, services: [], overlay },
      ...(tunnels.length > 0 && { tunnels }),
      ...(role === 'nat' && { translates }),
    });
}

export interface Given {
  readonly files: readonly string[];
  readonly runsOn: Readonly<Record<string, string>>;
  readonly role: Subject['role'];
}

const givenOf = ({ files, runsOn, role }: Given) => ({
  configs: files.map((file) => configOf(readFileSync(file, 'utf8'), file)),
  runsOn,
  role,
});

/** The world in a file, with the daemons of configuration files. */
export function worldSubject(file: string, given: Given): Subject {
  const world = readWorld(file);
  if (world === undefined)
    throw new Error(`There is no file ${file}; byoa import and byoa sim --state write such files.`);
  return { title: file, world, ...givenOf(given) };
}

/** What EC2 describes of the account that the credentials are for; it is only read. */
export async function liveSubject(given: Given, endpoint: string | undefined): Promise<Subject> {
  const { configs, ...rest } = givenOf(given);
  const { region } = present(configs[0], 'a configuration').aws;
  const { changes } = importDocuments(
    await readLive({ region, ...(endpoint !== undefined && { endpoint }) }),
  );
  return { title: given.files.join(', '), world: { now: 0, run: 0, changes }, configs, ...rest };
}

/** A provider of boxes for the engine's tests: a small world with its own rules, in memory. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DeployEvent,
  type DeployOptions,
  type DeployResult,
  deploy,
  type Operation,
  type Step,
} from '../../sim/pulumi/deploy.ts';
import type { Made, Provider } from '../../sim/pulumi/provider.ts';
import type { Properties } from '../../sim/pulumi/value.ts';
import { program } from './program/boxes.ts';

/** What is there, and what happened to it. */
export interface World {
  readonly boxes: Map<string, Properties>;
  readonly log: string[];
  /** Names of boxes whose creation or deletion fails. */
  readonly failing: Set<string>;
  serial: number;
}

export const emptyWorld = (): World => ({ boxes: new Map(), log: [], failing: new Set(), serial: 0 });

const FIXED = new Set(['size', 'on']);

/** A box's size and what it stands on cannot change; a box cannot go while another one stands on it. */
const boxProvider = (world: World): Provider => ({
  resourceType: (token) => {
    if (token !== 'box:index:Box') throw new Error(`there is no type ${token}`);
    const made = (id: string): Made => ({ id, outputs: world.boxes.get(id) ?? {} });
    return {
      replaces: (property) => FIXED.has(property),
      check: (name, inputs) => {
        if (inputs.colour === 'invisible') throw new Error('colour is invisible, and a box must be seen');
        return { colour: 'brown', label: name, ...inputs };
      },
      create: async (inputs) => {
        if (world.failing.has(String(inputs.label))) throw new Error(`no room for ${inputs.label}`);
        world.serial += 1;
        const id = `box-${world.serial}`;
        world.boxes.set(id, { ...inputs, serial: world.serial });
        world.log.push(`create ${inputs.label}`);
        return made(id);
      },
      read: async (id) => (world.boxes.has(id) ? made(id) : undefined),
      update: async (id, _old, inputs) => {
        world.boxes.set(id, { ...world.boxes.get(id), ...inputs });
        world.log.push(`update ${inputs.label}`);
        return made(id);
      },
      remove: async (id) => {
        const box = world.boxes.get(id);
        if (box === undefined) return;
        if (world.failing.has(String(box.label))) throw new Error(`${box.label} is glued down`);
        const above = [...world.boxes.values()].find((other) => other.on === id);
        if (above !== undefined) throw new Error(`${above.label} stands on ${box.label}`);
        world.boxes.delete(id);
        world.log.push(`delete ${box.label}`);
      },
    };
  },
  invoke: async (_token, args) => ({ value: Number(args.value) * 2 }),
  close: () => undefined,
});

export interface Bench {
  readonly world: World;
  readonly stateFile: string;
  readonly events: DeployEvent[];
  /** Carries out an operation; the program runs in this process. */
  run(operation: Operation, boxes?: readonly object[], extra?: Record<string, string>): Promise<DeployResult>;
  /** The same with the program in a process of its own: what breaks there is not this process's. */
  runApart: Bench['run'];
  /** The state file, as text. */
  state(): string;
}

/** A stack of its own in a temporary folder. */
export function bench(): Bench {
  const world = emptyWorld();
  const stateFile = join(mkdtempSync(join(tmpdir(), 'byoa-engine-')), 'state.json');
  const events: DeployEvent[] = [];
  const operate =
    (what: DeployOptions['program']): Bench['run'] =>
    (operation, boxes = [], extra = {}) =>
      deploy({
        operation,
        program: what,
        project: 'boxes',
        stack: 'test',
        config: { 'box:boxes': JSON.stringify(boxes), ...extra },
        secretKeys: ['box:password'],
        stateFile,
        onEvent: (event) => events.push(event),
        providers: { box: () => boxProvider(world) },
      });
  return {
    world,
    stateFile,
    events,
    state: () => readFileSync(stateFile, 'utf8'),
    run: operate(program),
    runApart: operate(new URL('./program', import.meta.url).pathname),
  };
}

/** The steps that changed something, as `kind name`, boxes only. */
export const changes = (steps: readonly Step[]): readonly string[] =>
  steps
    .filter((step) => step.kind !== 'same' && step.type === 'box:index:Box')
    .map((step) => `${step.kind} ${step.name}`);

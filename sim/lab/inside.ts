/**
 * The lab's own process, inside the wrapper: starts the lab, deploys a design into it, and waits to be
 * ended.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import { deployDesign, PROBED } from '../pulumi/design.ts';
import { DESIGNS, type DesignName } from '../pulumi/designs.ts';
import { designProgram } from '../pulumi/program.ts';
import { readWorld } from '../server/keeper.ts';
import type { WorldOptions } from '../world/settings.ts';
import { openControl } from './control.ts';
import { LAB_DESIGNS, whyNotInLabs } from './designs.ts';
import { bringUpLoopback } from './devices.ts';
import { type Lab, startLab } from './lab.ts';
import { serveFile } from './services.ts';
import { type ToldDesign, toldDesign } from './told-design.ts';

/** What `up` was asked for, as JSON on the command line of this process. */
export interface Wanted extends WorldOptions {
  /** A world file, or the name of a design. */
  readonly what: string;
  readonly port: number;
  /** Runs the user data of a world's instances; a design's are always run. */
  readonly userData?: boolean;
  /** Further keys of the design's stack. */
  readonly keys?: Readonly<Record<string, string>>;
}

/** A host that clients talk to. */
const HOST = '203.0.113.10';

const isDesign = (what: string): what is DesignName => (DESIGNS as readonly string[]).includes(what);

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** What stands for the daemon's executable: this program, wherever it runs. */
const daemon = (): string => {
  const [, script = ''] = process.argv;
  return `#!/bin/sh\nexec ${[process.execPath, ...process.execArgv, script].join(' ')} "$@"\n`;
};

async function deployInto(
  lab: Lab,
  design: DesignName,
  keys: Readonly<Record<string, string>>,
): Promise<() => ToldDesign> {
  const executable = daemon();
  serveFile(HOST, executable);
  const directory = mkdtempSync('/run/byoa/stack-');
  const deployed = await deployDesign(designProgram(design), {
    url: lab.simulator.url,
    stack: design,
    stateFile: `${directory}/state.json`,
    keys: {
      'byoa:daemonUrl': `http://${HOST}/byoa`,
      'byoa:daemonSha256': createHash('sha256').update(executable).digest('hex'),
      'byoa:endpoint': `http://${API_ADDRESS}`,
      ...keys,
    },
    progress: () => undefined,
  });
  await lab.settled();
  say(`deployed ${design}: ${deployed.resources} resources`);
  const { act, world } = lab.simulator;
  return () => act(() => toldDesign(world(), design, deployed));
}

/** Runs until somebody says `down`, or the process is told to end. */
export async function runInside({
  what,
  port,
  userData = false,
  keys = {},
  ...options
}: Wanted): Promise<void> {
  const design = isDesign(what) ? what : undefined;
  const why = design && whyNotInLabs(design);
  if (why !== undefined) throw new Error(`${what} cannot be in a lab: ${why}.`);
  const saved = design === undefined ? readWorld(what) : undefined;
  if (design === undefined && saved === undefined) {
    throw new Error(
      `There is no world file '${what}', and no such design; designs are ${LAB_DESIGNS.join(', ')}.`,
    );
  }
  bringUpLoopback();
  const began = performance.now();
  const hosts = design === undefined ? {} : { hosts: [HOST, ...PROBED, ...(options.hosts ?? [])] };
  const lab = await startLab({
    ...options,
    ...hosts,
    ...(saved !== undefined && { saved }),
    port,
    say,
    userData: design !== undefined || userData,
  });
  const { taps } = await lab.settled();
  const end = (): void => void lab.close().finally(() => process.exit(0));
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  const told = design === undefined ? undefined : await deployInto(lab, design, keys);
  await openControl(lab, told, end);
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  say(`byoa lab ready: ${lab.machines().length} machines, ${taps} devices, after ${seconds} s`);
}

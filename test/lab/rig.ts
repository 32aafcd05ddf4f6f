/** A lab for a test, started as people start one. Not a test itself. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { present } from '../../controller/base/result.ts';
import { type StartedLab, startLabOf } from '../../sim/lab/client.ts';
import type { ToldDesign } from '../../sim/lab/told-design.ts';
import { missingForLab } from '../../sim/lab/wrapper.ts';
import type { World } from '../../sim/world/state.ts';
import { worldLines } from '../../sim/world/world-file.ts';

export { said } from '../../sim/lab/client.ts';

const BYOA = [process.execPath, fileURLToPath(new URL('../../bin/byoa.js', import.meta.url))];

/** What the lab's tests lack here. */
export function missingHere(): readonly string[] {
  const absent = ['nft', 'ping', 'curl'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  return [...missingForLab(), ...absent.map((name) => `the program ${name}`)];
}

export type Rig = StartedLab;

/** Starts a lab with a world, or a design by its name. */
export async function startRig(what: World | string, options: readonly string[] = []): Promise<Rig> {
  if (typeof what === 'string') return startLabOf(BYOA, what, options);
  const directory = mkdtempSync(join(tmpdir(), 'byoa-lab-'));
  const file = join(directory, 'world');
  writeFileSync(file, [...worldLines(what, 1)].join(''));
  return startLabOf(BYOA, file, options).finally(() => rmSync(directory, { recursive: true }));
}

const SIGNED = 'AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-central-1/ssm/aws4_request';

/** A lab with a design, whose nodes are called by name. */
export interface DesignRig {
  readonly rig: Rig;
  readonly told: ToldDesign;
  /** The instance of a node. */
  machineOf(node: string): string;
  /** What a command says on a node. */
  out(node: string, script: string): Promise<string>;
  /** Writes a parameter of Systems Manager, as the account itself, from node a; what the API says. */
  put(name: string, text: string): Promise<string>;
}

export async function startDesign(
  design: string,
  keys: Readonly<Record<string, string>>,
): Promise<DesignRig> {
  const options = Object.entries(keys).flatMap(([key, value]) => ['--config', `byoa:${key}=${value}`]);
  const rig = await startRig(design, options);
  const answer = await rig.ask({ kind: 'design' });
  if (answer.kind !== 'design') throw new Error('no design');
  const { told } = answer;
  const machineOf = (node: string): string =>
    present(
      told.nodes.find(({ name }) => name === node),
      node,
    ).instanceId;
  const out = async (node: string, script: string): Promise<string> =>
    (await rig.run(machineOf(node), script)).out;
  const put = (Name: string, Value: string): Promise<string> => {
    const body = JSON.stringify({ Name, Type: 'SecureString', Value, Overwrite: true });
    return out(
      'a',
      `curl -s http://ec2.eu-central-1.amazonaws.com/ -H 'X-Amz-Target: AmazonSSM.PutParameter' \\
        -H 'Authorization: ${SIGNED}' -d '${body}'`,
    );
  };
  return { rig, told, machineOf, out, put };
}

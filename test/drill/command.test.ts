/** `byoa drill` as a user calls it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { routeSetsOf } from '../../controller/config.ts';
import { pair } from './scene.ts';

const BYOA = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'byoa-drill-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const byoa = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BYOA, 'drill', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

const { file, subject, observer } = pair('observer');
const world = join(folder, 'world.jsonl');
writeFileSync(world, file);
const config = join(folder, 'observer.yaml');
const [{ appliances, groups, aws } = { appliances: [], groups: [], aws: { region: '' } }] = subject.configs;
writeFileSync(
  config,
  stringify({
    version: 1,
    node: 'observer',
    aws: { region: aws.region },
    appliances: appliances.map(({ name, address, eni }) => ({
      name,
      address,
      eni,
      probes: [{ kind: 'icmp', interval: '200ms', timeout: '180ms' }],
    })),
    groups: groups.map((group) => ({
      name: group.name,
      members: group.members,
      routes: routeSetsOf(group),
    })),
  }),
);
const on = ['--on', `observer=${observer}`];

describe('byoa drill', () => {
  it('drills a world file, and fails where a flow misses its objective', () => {
    const xml = join(folder, 'drill.xml');
    const ran = byoa(
      '--world',
      world,
      '--config',
      config,
      ...on,
      '--no-pairs',
      '--limit',
      '20s',
      '--junit',
      xml,
    );
    expect(ran.stdout).toMatch(/a killed +back in/);
    // What an appliance drops silently, nobody here can see.
    expect(ran.stdout).toMatch(/a forwards nothing +LOST/);
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('missed its objective') });
    expect(readFileSync(xml, 'utf8')).toContain('<failure message="LOST');
  });

  it('says what is missing', () => {
    expect(byoa('--world', world).stderr).toContain('--config FILE');
    expect(byoa('--world', world, '--config', config).stderr).toContain('--on observer=i-...');
    expect(byoa('--world', join(folder, 'none'), '--config', config).stderr).toContain('There is no file');
    expect(byoa('--objective', 'soon').stderr).toContain("'soon' is not a duration");
  });
});

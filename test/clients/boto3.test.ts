/** boto3, unmodified: its waiters, paginators and errors, in the Python story beside this file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningSimulator } from '../../sim/index.ts';
import { ACCOUNT, answers, clientEnvironment, instantSimulator, run } from './simulator.ts';

const have = answers('python3', ['-c', 'import boto3']);

describe.skipIf(!have)('boto3 (skipped: python3 with boto3 not found; pip install boto3)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-boto3-'));
  let simulator: RunningSimulator;
  beforeAll(async () => {
    simulator = await instantSimulator();
  });
  afterAll(async () => {
    await simulator.close();
    rmSync(folder, { recursive: true });
  });

  it('waits, pages, tags and catches errors as with AWS', async () => {
    const story = fileURLToPath(new URL('story.py', import.meta.url));
    const env = clientEnvironment(simulator.url, folder);
    const ran = await run('python3', [story], { env, cwd: folder, timeoutMs: 150_000 });
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toEqual({
      tag: 'story & <more>',
      pages: [5, 5, 2],
      launched: ['pending', 'pending'],
      userData: '#!/bin/sh\necho hello\n',
      types: 'datetime',
      check: { Value: false },
      errors: {
        resize: ['IncorrectInstanceState', 400],
        absent: ['InvalidInstanceID.NotFound', 400],
        malformed: ['InvalidInstanceID.Malformed', 400],
        filter: ['InvalidParameterValue', 400],
        dryRun: ['DryRunOperation', 412],
        inUse: ['DependencyViolation', 400],
        unknown: ['InvalidAction', 400],
      },
      left: 0,
      account: ACCOUNT,
    });
  }, 180_000);
});

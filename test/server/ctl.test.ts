/** `byoa sim` and `byoa sim ctl` as commands, run as a user does. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const BYOA = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));
const run = promisify(execFile);

let process_: ChildProcess;
let url = '';

beforeAll(async () => {
  process_ = spawn(
    process.execPath,
    [BYOA, 'sim', '--port', '0', '--latency', '3', '--attach-ms', '7', '--seed', 'x'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  process_.stdout?.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  const ready = await new Promise<string>((resolve, reject) => {
    process_.once('exit', (code) => reject(new Error(`byoa sim ended with ${code}: ${text}`)));
    process_.stdout?.on('data', () => {
      const line = /ready at (http:\S+)/.exec(text)?.[1];
      if (line !== undefined) resolve(line);
    });
  });
  url = ready;
}, 60_000);
afterAll(() => {
  process_.kill('SIGTERM');
});

const ctl = async (...args: string[]): Promise<string> =>
  (await run(process.execPath, [BYOA, 'sim', 'ctl', url, ...args])).stdout;

test('the options become knobs, and state is readable', async () => {
  expect(JSON.parse(await ctl('knobs', '--json'))).toMatchObject({
    latency: { medianMs: 3 },
    attachMs: 7,
    throttle: 'off',
  });
  expect(await ctl('state')).toContain('host 203.0.113.10');
}, 60_000);

test('a flow between hosts, its books, and what is refused', async () => {
  await ctl('host', '198.51.100.9');
  expect(await ctl('flow', '198.51.100.9', '203.0.113.10', '--id', 'f', '--interval', '5')).toContain(
    'f: 198.51.100.9 ->',
  );
  expect(await ctl('trace', '198.51.100.9', '203.0.113.10', '--protocol', 'udp')).toContain('DELIVERED');
  expect(await ctl('flows')).toMatch(/sent \d+, back \d+, lost 0/);
  expect(await ctl('events', '--kinds', 'flow')).toContain('flow f started');
  await expect(ctl('kill', 'i-00000000000000000')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no machine'),
  });
  await expect(ctl('explode')).rejects.toMatchObject({
    stderr: expect.stringContaining("no verb 'explode'"),
  });
  await expect(ctl('flow')).rejects.toMatchObject({ stderr: expect.stringContaining('flow FROM TO') });
}, 60_000);

test('SIGTERM ends it', async () => {
  const exited = new Promise((resolve) => process_.once('exit', (code) => resolve(code)));
  process_.kill('SIGTERM');
  expect(await exited).toBe(0);
});

/** A daemon that cannot start says why and ends, so that its supervisor notices. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatConfig } from '../../controller/config.ts';
import { byoa } from './daemon-process.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'byoa-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function start(listen: string, ...args: readonly string[]) {
  const socket = join(directory, 'a.sock');
  const probes = [{ kind: 'tcp' as const, port: 22, from: 'all' as const }];
  const text = formatConfig({
    version: 1,
    node: 'a',
    aws: { region: 'eu-central-1', endpoint: 'http://127.0.0.1:1' },
    appliances: [
      { name: 'a', address: '127.0.0.1', eni: 'eni-0123456789abcdef0', probes },
      { name: 'b', address: '127.0.0.2', eni: 'eni-0123456789abcdef1', probes },
    ],
    groups: [
      {
        name: 'egress',
        members: ['a', 'b'],
        routes: [{ table: 'rtb-0123456789abcdef0', destinations: ['0.0.0.0/0'] }],
      },
    ],
    health: { listen },
    journal: { directory: join(directory, 'journal') },
    control: { socket },
  });
  const file = join(directory, 'config.yaml');
  writeFileSync(file, text);
  const { code, stderr } = await byoa(['run', '-c', file, ...args]);
  return { code, stderr, socketLeft: existsSync(socket) };
}

describe('a daemon ends with exit code 1 and leaves no socket', () => {
  it('where its simulator is not there', async () => {
    const ended = await start('127.0.0.1:8179', '--attach', 'http://127.0.0.1:1#i-0123456789abcdef0');
    expect(ended).toEqual({ code: 1, socketLeft: false, stderr: expect.stringContaining('cannot attach') });
  }, 30_000);

  it('where another program has its health port', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const listen = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ended = await start(listen);
    server.close();
    expect(ended).toEqual({ code: 1, socketLeft: false, stderr: expect.stringContaining(listen) });
  }, 30_000);
});

/** The control socket, the health endpoint, hooks and sd_notify, each against the real thing. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askDaemon, type ControlServer, serveControl } from '../../controller/shell/control.ts';
import { runHook } from '../../controller/shell/hook.ts';
import { createHostNetwork } from '../../controller/shell/host-network.ts';
import { createNotifier } from '../../controller/shell/notify.ts';
import { createOwnWord } from '../../controller/shell/own-word.ts';

let directory: string;
const closing: (() => void | Promise<void>)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'byoa-test-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(directory, { recursive: true, force: true });
});

const network = createHostNetwork();
const socketPath = (): string => join(directory, 'control.sock');

async function serve(receive: Parameters<typeof serveControl>[1] = () => undefined): Promise<ControlServer> {
  const control = await serveControl(socketPath(), receive);
  closing.push(() => control.close());
  return control;
}

describe('the control socket', () => {
  it('is for its owner only, answers each request with its own answer', async () => {
    const control = await serve((id, command) => {
      control.reply(id, { ok: true, body: { command } });
    });
    expect(statSync(socketPath()).mode & 0o777).toBe(0o600);
    const status = askDaemon(socketPath(), { kind: 'status' }, 1000);
    const move = askDaemon(socketPath(), { kind: 'switchover', group: 'g', to: 'b' }, 1000);
    expect(await status).toEqual({ ok: true, body: { command: { kind: 'status' } } });
    expect((await move).body).toEqual({ command: { kind: 'switchover', group: 'g', to: 'b' } });
  });

  it('refuses what is no request', async () => {
    await serve(() => expect.fail('it was taken for a request'));
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(socketPath(), () => socket.write('{"kind":"shutdown"}\n'));
      socket.once('data', (data) => {
        socket.destroy();
        resolve(String(data));
      });
    });
    expect(JSON.parse(answer)).toMatchObject({
      ok: false,
      body: { message: expect.stringContaining('no request') },
    });
  });

  it('of a daemon that crashed is taken over, of one that lives is not', async () => {
    const script = `require('node:net').createServer().listen(${JSON.stringify(socketPath())}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(() => execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' })).toThrow();
    expect(existsSync(socketPath())).toBe(true);
    await serve();
    await expect(serve()).rejects.toThrow(/another daemon listens at .*control\.sock/);
  });

  it('tells clients what to do when no daemon is there', async () => {
    await expect(askDaemon(socketPath(), { kind: 'status' }, 1000)).rejects.toThrow(/is `byoa run` running/);
  });
});

describe('the health endpoint', () => {
  it('says nothing at first, then 200 or 503 with the reason', async () => {
    const word = createOwnWord(network, 'a');
    closing.push(() => word.close());
    const probe = createSocketServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    await word.listen({ address: '127.0.0.1', port });
    const url = `http://127.0.0.1:${port}/`;
    expect((await fetch(url)).status).toBe(204);
    word.say({ healthy: true, reason: 'all probes pass', dead: [], drained: [], owns: [], serves: 0 });
    expect((await fetch(url)).status).toBe(200);
    const said = {
      healthy: false,
      reason: 'egress fails',
      dead: ['b'],
      drained: ['a'],
      owns: ['egress'],
      serves: 2,
    };
    word.say(said);
    const sick = await fetch(url);
    expect(sick.status).toBe(503);
    expect(await sick.json()).toEqual({ node: 'a', ...said });
  });

  it('says which address cannot be had', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => void server.close());
    const at = { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
    await expect(createOwnWord(network, 'a').listen(at)).rejects.toThrow(`127.0.0.1:${at.port}`);
  });
});

describe('a hook', () => {
  const run = { hook: 'on-own', node: 'b', group: 'egress', detail: 'a is dead', timeoutMs: 500 } as const;
  const hook = (action: Parameters<typeof runHook>[1]): Promise<string | undefined> =>
    new Promise((resolve) => runHook(network, action, run, resolve));

  it('that is a command finds what happened in its environment', async () => {
    const file = join(directory, 'seen');
    const words = 'echo "$BYOA_HOOK $BYOA_GROUP $BYOA_NODE $BYOA_DETAIL" > "$0"';
    expect(await hook({ kind: 'command', command: ['sh', '-c', words, file] })).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toBe('on-own egress b a is dead\n');
  });

  it('that fails or takes too long says so', async () => {
    expect(await hook({ kind: 'command', command: ['sh', '-c', 'echo broken >&2; exit 3'] })).toBe(
      'on-own: exit code 3: broken',
    );
    expect(await hook({ kind: 'command', command: ['sleep', '5'] })).toBe(
      'on-own: not done within 500 ms, killed',
    );
  });

  it('that is a webhook posts JSON', async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (part: string) => bodies.push(part));
      request.on('end', () => response.writeHead(request.url === '/ok' ? 204 : 500).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await hook({ kind: 'webhook', url: `${url}/ok` })).toBeUndefined();
    expect(JSON.parse(bodies[0] ?? '')).toEqual({
      hook: 'on-own',
      group: 'egress',
      node: 'b',
      detail: 'a is dead',
    });
    expect(await hook({ kind: 'webhook', url: `${url}/no` })).toContain('HTTP 500');
  });
});

const havePython = (() => {
  try {
    execFileSync('python3', ['-c', 'import socket'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!havePython)('sd_notify (skipped: python3 not found; install python3)', () => {
  it('tells systemd that the daemon is ready, and feeds the watchdog', async () => {
    const path = join(directory, 'notify.sock');
    const out = join(directory, 'heard');
    const script = [
      'import socket,sys',
      's=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(10)',
      'open(sys.argv[2]+".bound","w").close()',
      'open(sys.argv[2],"w").write("|".join(s.recv(4096).decode() for _ in range(3)))',
      'open(sys.argv[2]+".done","w").close()',
    ].join('\n');
    const file = join(directory, 'listen.py');
    writeFileSync(file, script);
    const { spawn } = await import('node:child_process');
    const python = spawn('python3', [file, path, out], { stdio: 'ignore' });
    closing.push(() => void python.kill());
    const appeared = async (name: string): Promise<void> => {
      for (let round = 0; !existsSync(name) && round < 1000; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    await appeared(`${out}.bound`);
    const notifier = createNotifier({ NOTIFY_SOCKET: path, WATCHDOG_USEC: '20000' });
    closing.push(() => notifier.close());
    notifier.ready('node a');
    await appeared(`${out}.done`);
    expect(readFileSync(out, 'utf8')).toBe('READY=1\nSTATUS=node a|WATCHDOG=1|WATCHDOG=1');
  });
});

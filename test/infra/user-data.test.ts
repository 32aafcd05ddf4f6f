/** User data is run, not read: by bash, in a temporary root, with its own words. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NODE_OPTIONS, UNIT } from '../../infra/components/unit.ts';
import { type Boot, USER_DATA_LIMIT_BYTES, userData } from '../../infra/components/user-data.ts';

const EXECUTABLE = '#!/bin/sh\necho the daemon\n';
const SHA256 = createHash('sha256').update(EXECUTABLE).digest('hex');
const CONFIG = "version: 1\nnode: a\nname: 'it''s $HOME `date` \\n'\n";
const DAEMON = { url: 'http://127.0.0.1:1/byoa', sha256: SHA256, config: CONFIG };
const BOOT: Boot = {
  name: 'a',
  forwarding: { kind: 'nat', blocks: ['10.0.0.0/16'], translate: [] },
  overlay: [],
  ipv6: false,
  daemon: DAEMON,
};
const have = (command: string): boolean => spawnSync('bash', ['-c', `command -v ${command}`]).status === 0;

/** The script with `call` in place of its last line, in a root of its own. */
function script(args: Boot, root: string, call: string): string {
  const text = userData(args);
  expect(text.endsWith('\nmain\n')).toBe(true);
  const settings = `ROOT='${root}'\nATTEMPTS=2\nPAUSE_S=0\n`;
  return text.replace(/\nmain\n$/, `\n${settings}${call}\n`);
}

const bash = (text: string): Promise<{ readonly code: number | null; readonly err: string }> =>
  new Promise((resolve) => {
    const child = spawn('bash', ['-s'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let err = '';
    child.stderr.on('data', (data) => {
      err += String(data);
    });
    child.on('close', (code) => resolve({ code, err }));
    child.stdin.end(text);
  });

const newRoot = (): string => {
  const root = mkdtempSync(join(tmpdir(), 'byoa-root-'));
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  return root;
};

describe('user data', () => {
  let server: Server;
  let url = '';
  beforeAll(async () => {
    server = createServer((_request, response) => response.end(EXECUTABLE));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/byoa`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  it('is a script that bash accepts', () => {
    execFileSync('bash', ['-n'], { input: userData({ ...BOOT, ipv6: true }) });
  });

  it('writes the configuration byte for byte, whatever stands in it', async () => {
    const root = newRoot();
    expect(await bash(script(BOOT, root, 'write_files'))).toMatchObject({ code: 0 });
    expect(readFileSync(join(root, 'etc/byoa/byoa.yaml'), 'utf8')).toBe(CONFIG);
    expect(readFileSync(join(root, 'etc/sysctl.d/90-byoa.conf'), 'utf8')).toContain(
      'net.ipv4.ip_forward = 1',
    );
    expect(readFileSync(join(root, 'etc/nftables.conf'), 'utf8')).toContain(
      'ip saddr 10.0.0.0/16 ip daddr != 10.0.0.0/16 masquerade',
    );
  });

  it.skipIf(process.getuid?.() !== 0 || !have('unshare') || !have('sysctl'))(
    'sends nobody past the machine, by no device that is there already (needs root, unshare, sysctl)',
    async () => {
      const root = newRoot();
      expect(await bash(script(BOOT, root, 'write_files'))).toMatchObject({ code: 0 });
      const settings = `sysctl --quiet --load ${root}/etc/sysctl.d/90-byoa.conf`;
      const show = 'cd /proc/sys/net/ipv4; cat ip_forward conf/*/send_redirects conf/*/accept_redirects';
      const all = `ip link add eth0 type veth peer name far; ${settings}; ${show}`;
      const { stdout } = spawnSync('unshare', ['--net', 'sh', '-c', all], { encoding: 'utf8' });
      const [forwards, ...redirects] = stdout.trim().split('\n');
      expect([forwards, redirects.length, ...new Set(redirects)]).toEqual(['1', 10, '0']);
    },
  );

  it('does not reset connections of an address that has just come to it', async () => {
    const root = newRoot();
    const translate = [{ from: '10.0.16.0/23', to: '10.0.0.20' }];
    const boot: Boot = { ...BOOT, forwarding: { kind: 'nat', blocks: ['10.0.0.0/16'], translate } };
    expect(await bash(script(boot, root, 'write_files'))).toMatchObject({ code: 0 });
    const rules = readFileSync(join(root, 'etc/nftables.conf'), 'utf8');
    expect(rules).toContain(
      'ip daddr { 10.0.0.20 } tcp flags & (fin | syn | rst | ack) != syn ct state new,invalid drop',
    );
    expect(rules).toContain('ip saddr 10.0.16.0/23 ip daddr != 10.0.0.0/16 snat to 10.0.0.20');
  });

  it('lets a firewall forward what its rules accept, and everything without rules', async () => {
    const nftables = async (rules: string) => {
      const root = newRoot();
      const boot: Boot = { ...BOOT, forwarding: { kind: 'firewall', rules } };
      expect(await bash(script(boot, root, 'write_files'))).toMatchObject({ code: 0 });
      return readFileSync(join(root, 'etc/nftables.conf'), 'utf8');
    };
    expect(await nftables('')).toContain('policy accept;');
    const strict = await nftables('tcp dport 443 accept\n\n  udp dport 53 accept');
    expect(strict).toMatch(
      /policy drop;\n.*established.*\n.*echo-request accept\n {4}tcp dport 443 accept\n {4}udp dport 53 accept\n/,
    );
    expect(strict).not.toContain('masquerade');
  });

  it('has two firewalls tell each other of connections, by the device that leads to the partner', async () => {
    const root = newRoot();
    const sync = { own: '10.0.0.4', partner: '127.0.0.1' };
    const boot: Boot = { ...BOOT, forwarding: { kind: 'firewall', rules: 'accept', sync } };
    // Words of the machine that the script would change.
    const words = 'systemctl() { :; }\nconntrackd() { :; }\nwrite_files\nshare_state';
    expect(await bash(script(boot, root, words))).toEqual({ code: 0, err: '' });
    const config = readFileSync(join(root, 'etc/byoa/conntrackd.conf'), 'utf8');
    expect(config).toMatch(/IPv4_address 10\.0\.0\.4\n +IPv4_Destination_Address 127\.0\.0\.1\n/);
    expect(config).toContain('Interface lo\n');
    const rules = readFileSync(join(root, 'etc/nftables.conf'), 'utf8');
    expect(rules).toContain('udp dport 3780 ip saddr != 127.0.0.1 drop');
    if (have('nft') && process.getuid?.() === 0)
      execFileSync('nft', ['--check', '--file', join(root, 'etc/nftables.conf')]);
    const unit = readFileSync(join(root, 'etc/systemd/system/byoa-state.service'), 'utf8');
    expect(unit).toContain('-C /etc/byoa/conntrackd.conf');
    expect(userData({ ...boot, forwarding: { kind: 'firewall', rules: 'accept' } })).not.toContain(
      'conntrackd',
    );
  });

  it('leaves forwarding alone on an observer, and the daemon out of an observed appliance', async () => {
    const root = newRoot();
    const observer = script({ ...BOOT, forwarding: { kind: 'none' } }, root, 'write_files');
    expect(await bash(observer)).toMatchObject({ code: 0 });
    expect(readFileSync(join(root, 'etc/sysctl.d/90-byoa.conf'), 'utf8')).not.toContain('forward');
    expect(existsSync(join(root, 'etc/nftables.conf'))).toBe(false);
    const { daemon: _, ...rest } = BOOT;
    expect(userData(rest)).not.toMatch(/^ {2}(install|start)_daemon$/m);
    execFileSync('bash', ['-n'], { input: userData(rest) });
  });

  it('has overlay addresses put on at every boot', async () => {
    const root = newRoot();
    await bash(script({ ...BOOT, overlay: ['192.0.2.1'] }, root, 'write_files'));
    const unit = readFileSync(join(root, 'etc/systemd/system/byoa-overlay.service'), 'utf8');
    expect(unit).toContain('ip address replace 192.0.2.1/32 dev lo');
  });

  it('installs the executable whose digest is right', async () => {
    const root = newRoot();
    const result = await bash(script({ ...BOOT, daemon: { ...DAEMON, url } }, root, 'install_daemon'));
    expect(result).toEqual({ code: 0, err: '' });
    expect(readFileSync(join(root, 'usr/local/bin/byoa'), 'utf8')).toBe(EXECUTABLE);
    expect(statSync(join(root, 'usr/local/bin/byoa')).mode & 0o777).toBe(0o755);
  });

  it('stops at a wrong digest: nothing is installed and nothing is started', async () => {
    const root = newRoot();
    const args = { ...BOOT, daemon: { ...DAEMON, url, sha256: '0'.repeat(64) } };
    const { code, err } = await bash(script(args, root, `install_daemon\ntouch '${root}/started'`));
    expect(code).not.toBe(0);
    expect(err).toContain(`has SHA-256 ${SHA256}, not ${'0'.repeat(64)}`);
    expect(existsSync(join(root, 'usr/local/bin/byoa'))).toBe(false);
    expect(existsSync(join(root, 'usr/local/bin/byoa.part'))).toBe(false);
    expect(existsSync(join(root, 'started'))).toBe(false);
  });

  it('tries again, then says that no daemon watches', async () => {
    const { code, err } = await bash(script(BOOT, newRoot(), 'install_daemon'));
    expect(code).not.toBe(0);
    expect(err).toContain('attempt 2 of 2');
    expect(err).toContain('no daemon watches it');
  });

  it('does not run what stands in a URL', async () => {
    const root = newRoot();
    const evil = `http://127.0.0.1:1/'; touch '${root}/pwned`;
    await bash(script({ ...BOOT, daemon: { ...DAEMON, url: evil } }, root, 'install_daemon'));
    expect(existsSync(join(root, 'pwned'))).toBe(false);
  });

  it('refuses a configuration that does not fit, with its size and the limit', () => {
    const config = `# ${'x'.repeat(USER_DATA_LIMIT_BYTES)}\n`;
    expect(() => userData({ ...BOOT, daemon: { ...DAEMON, config } })).toThrow(
      /user data of a has \d+ bytes, and EC2 takes 16384/,
    );
    expect(() => userData({ ...BOOT, daemon: { ...DAEMON, config: 'a\nEND_OF_FILE\nb\n' } })).toThrow(
      /END_OF_FILE/,
    );
  });

  it('gives Node options that it takes, and that leave it fewer threads', () => {
    const threads = (options: string): number =>
      Number(
        spawnSync(process.execPath, ['-p', "fs.readdirSync('/proc/self/task').length"], {
          encoding: 'utf8',
          env: { ...process.env, NODE_OPTIONS: options },
        }).stdout,
      );
    expect(UNIT).toContain(`\nEnvironment=NODE_OPTIONS=${NODE_OPTIONS}\n`);
    expect(threads(NODE_OPTIONS)).toBeGreaterThan(0);
    expect(threads(NODE_OPTIONS)).toBeLessThan(threads(''));
  });

  it.skipIf(!have('systemd-analyze'))(
    'makes a unit that systemd accepts (skipped: systemd-analyze not found)',
    async () => {
      const root = newRoot();
      await bash(script(BOOT, root, 'write_files'));
      const unit = join(root, 'etc/systemd/system/byoa.service');
      writeFileSync(unit, readFileSync(unit, 'utf8').replace(/\/usr\/local\/bin\/byoa/g, '/bin/true'));
      const result = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
      expect(result.stderr.split('\n').filter((line) => line.includes('byoa.service'))).toEqual([]);
    },
  );
});

/** `byoa check --local`: what a node needs of its machine, in a network namespace of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { byoa } from './daemon-process.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/byoa.js', import.meta.url));
const can = process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'true']).status === 0;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'byoa-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function configFile(change: Partial<ConfigInput> = {}): string {
  const appliance = (name: string, address: string): NonNullable<ConfigInput['appliances']>[number] => ({
    name,
    address,
    eni: `eni-0123456789abcdef${name === 'a' ? 0 : 1}`,
    probes: [{ kind: 'icmp' }, { kind: 'through', target: { icmp: '203.0.113.10' }, by: 'next-hop' }],
  });
  const config: ConfigInput = {
    version: 1,
    node: 'a',
    aws: { region: 'eu-central-1' },
    appliances: [appliance('a', '10.0.0.10'), appliance('b', '10.0.0.11')],
    groups: [
      {
        name: 'egress',
        members: ['a', 'b'],
        routes: [{ table: 'rtb-0123456789abcdef0', destinations: ['0.0.0.0/0', '::/0'] }],
      },
    ],
    control: { socket: join(directory, 'a.sock') },
    ...change,
  };
  const file = join(directory, 'config.yaml');
  writeFileSync(file, formatConfig(config));
  return file;
}

interface Line {
  readonly ok: boolean;
  readonly what: string;
  readonly remedy?: string;
}

const linesOf = (stdout: string): readonly Line[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** The findings in a new network namespace, after some settings and without some capabilities. */
function checkInside(script: string, ...wrapper: readonly string[]): readonly Line[] {
  return checkFile(configFile(), script, ...wrapper);
}

function checkFile(file: string, script: string, ...wrapper: readonly string[]): readonly Line[] {
  const check = [...wrapper, process.execPath, PROGRAM, 'check', '--local', '--json', '-c', file];
  const run = ['--net', 'sh', '-c', `ip link set lo up; ${script}; exec "$@"`, 'sh', ...check];
  return linesOf(spawnSync('unshare', run, { encoding: 'utf8' }).stdout);
}

describe.skipIf(!can)('byoa check --local (skipped: no network namespaces; run as root on Linux)', () => {
  it('finds a machine in order', () => {
    const lines = checkInside(
      'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.ping_group_range="0 9"',
    );
    expect(lines.filter(({ ok }) => !ok)).toEqual([]);
    expect(lines.map(({ what }) => what).slice(1)).toEqual([
      'this process may send ICMP echoes',
      'this process has CAP_NET_ADMIN (b/through:203.0.113.10 goes by a next hop)',
      'this machine forwards IPv4 (net.ipv4.ip_forward is 1)',
      'this machine forwards IPv6 (net.ipv6.conf.all.forwarding is 1)',
      'this machine follows no ICMP redirects (b/through:203.0.113.10 goes by a next hop)',
      'health.listen 0.0.0.0:8179 is free',
    ]);
  }, 30_000);

  it('finds a kernel that does not forward, echoes that are forbidden, a capability that is missing', () => {
    const drop = ['setpriv', '--bounding-set=-net_raw,-net_admin', '--inh-caps=-net_raw,-net_admin'];
    const forwarding = 'net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0';
    const lines = checkInside(`sysctl -qw ${forwarding} net.ipv4.ping_group_range="1 0"`, ...drop);
    const failures = lines.filter(({ ok }) => !ok);
    expect(failures.map(({ what, remedy }) => `${what}; ${remedy}`)).toEqual([
      expect.stringMatching(
        /^this process may not send ICMP echoes \(EACCES\); set `sysctl -w net\.ipv4\.ping/,
      ),
      expect.stringMatching(/^this process lacks CAP_NET_ADMIN, and b\/through/),
      expect.stringMatching(
        /^this machine does not forward IPv4: .* is 0; sysctl -w net\.ipv4\.ip_forward=1/,
      ),
      expect.stringMatching(/^this machine does not forward IPv6/),
      expect.stringMatching(
        /^this machine follows ICMP redirects \(net\.ipv4\.conf\.all\.accept_redirects is 1\), .*; write the line net\.ipv4\.conf\.\*\.acc/,
      ),
    ]);
  }, 30_000);

  it('finds redirects that are followed, or sent, by a device alone', () => {
    const announces: Partial<ConfigInput> = {
      bgp: {
        as: 65_000,
        originate: [{ prefix: '0.0.0.0/0' }],
        neighbors: [{ address: '127.0.0.2', as: 65_001 }],
      },
    };
    const beside: Partial<ConfigInput> = {
      groups: [],
      health: {},
      appliances: [
        { name: 'a', address: '10.0.0.10', eni: 'eni-0123456789abcdef0', probes: [{ kind: 'speaker' }] },
      ],
    };
    const found = (wire: 0 | 1, forwards: 0 | 1, change = announces): readonly string[] => {
      const settings = ['accept', 'send'].flatMap((one) => [
        `net.ipv4.conf.*.${one}_redirects = 0`,
        `net.ipv4.conf.wire.${one}_redirects = ${wire}`,
      ]);
      const script = [
        'ip link add wire type veth peer name far',
        `printf '%s\\n' '${[...settings, `net.ipv4.ip_forward = ${forwards}`].join("' '")}' | sysctl -qp -`,
      ].join('; ');
      return checkFile(configFile(change), script)
        .filter(({ ok, what }) => !ok && what.includes('redirects'))
        .map(({ what }) => / (\w+) ICMP redirects \((\S+)/.exec(what)?.slice(1).join(' ') ?? what);
    };
    const accepted = 'follows net.ipv4.conf.wire.accept_redirects';
    const sent = 'sends net.ipv4.conf.wire.send_redirects';
    expect(found(0, 1)).toEqual([]);
    // Who forwards follows where both are on, and sends where either is.
    expect(found(1, 1)).toEqual([sent]);
    expect(found(1, 0)).toEqual([accepted, sent]);
    // Another program announces its routes.
    expect(found(1, 1, beside)).toEqual([sent]);
  }, 60_000);

  /** What is found of BGP and BFD. */
  const machines = (lines: readonly Line[]): readonly string[] =>
    lines
      .filter(({ what }) => /bgp|BGP|BFD|MD5|GTSM|secret|kernel/.test(what))
      .map(
        ({ ok, what, remedy }) => `${ok ? 'ok' : 'FAIL'} ${what}${remedy === undefined ? '' : `; ${remedy}`}`,
      );
  const withBgp = (secret: string): string => {
    const md5 = { as: 65_001, address: '127.0.0.2', bfd: true, password: { file: secret } };
    const gtsm = { as: 65_002, address: '127.0.0.3', gtsm: true };
    return configFile({ bgp: { as: 65_000, neighbors: [md5, gtsm] }, kernel: {} });
  };

  it('finds the ports, options and secrets of BGP and BFD in order', () => {
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'hunter2', { mode: 0o600 });
    expect(machines(checkFile(withBgp(secret), 'true'))).toEqual([
      'ok the secrets can be read (1)',
      'ok bgp.listen 0.0.0.0 port 179 can be listened at',
      'ok the kernel supports TCP-MD5',
      'ok the kernel supports GTSM',
      'ok the ports of BFD are free',
      expect.stringMatching(/^ok BFD (may have|runs without) real-time scheduling/),
    ]);
  }, 30_000);

  it('finds a port that needs a capability, and a secret that is missing', () => {
    const drop = ['setpriv', '--bounding-set=-net_bind_service', '--inh-caps=-net_bind_service'];
    const lines = machines(checkFile(withBgp(join(directory, 'none')), 'true', ...drop));
    expect(lines).toContainEqual(expect.stringMatching(/^FAIL cannot read the secret in .*none: ENOENT/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^FAIL bgp\.listen 0\.0\.0\.0 port 179 cannot be .*EACCES.*CAP_NET_BIND_SERVICE/),
    );
  }, 30_000);
});

describe('byoa check', () => {
  it('finds a health port that another program has', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const file = configFile({ health: { listen: `127.0.0.1:${port}` } });
    const { stdout } = await byoa(['check', '--local', '--json', '-c', file]);
    server.close();
    expect(linesOf(stdout).at(-1)).toMatchObject({
      ok: false,
      what: expect.stringContaining(`127.0.0.1:${port} cannot be listened at (EADDRINUSE)`),
      remedy: expect.stringContaining('health.listen'),
    });
  }, 30_000);

  it('says nothing of a machine that is not the node', async () => {
    const { stdout, code } = await byoa(['check', '--json', '-c', configFile()]);
    expect(linesOf(stdout)).toHaveLength(1);
    expect(code).toBe(0);
  }, 30_000);
});

/**
 * The host's network in namespaces of its own: echoes, probes by next hop with marks, and changes to the
 * guest. A gateway namespace and a target namespace stand for an appliance and the Internet behind it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const can = ((): boolean => {
  if (process.getuid?.() !== 0) return false;
  const name = `byoa-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) spawnSync('ip', ['netns', 'del', name]);
  return made;
})();

const tag = `byoa${process.pid}`;
const NODE = `${tag}-n`;
const HOPS = [`${tag}-a`, `${tag}-b`] as const;
const TARGET = `${tag}-t`;
const MAC = '02:00:00:00:00:77';
const WORKER = fileURLToPath(new URL('./host-network-worker.ts', import.meta.url));

const sh = (...words: readonly string[]): string => {
  const [program = '', ...args] = words;
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
};
const inside = (space: string, ...words: readonly string[]): string =>
  sh('ip', 'netns', 'exec', space, ...words);

/** Does things on the network of the node's namespace, each a JSON array, and returns what each gave. */
function perform(...actions: readonly (readonly unknown[])[]): readonly unknown[] {
  const args = ['netns', 'exec', NODE, process.execPath, '--import', 'tsx', WORKER, JSON.stringify(actions)];
  return JSON.parse(sh('ip', ...args));
}

function setUp(): void {
  for (const space of [NODE, ...HOPS, TARGET]) {
    sh('ip', 'netns', 'add', space);
    inside(space, 'ip', 'link', 'set', 'lo', 'up');
  }
  // One segment 10.9.0.0/24 with the node (.1) and both hops (.10, .11), bridged in the target's namespace.
  inside(TARGET, 'ip', 'link', 'add', 'lan', 'type', 'bridge');
  inside(TARGET, 'ip', 'link', 'set', 'lan', 'up');
  const plug = (space: string, address: string): void => {
    const peer = `p${address.split('.').at(-1)}`;
    inside(TARGET, 'ip', 'link', 'add', peer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    inside(TARGET, 'ip', 'link', 'set', peer, 'master', 'lan', 'up');
    inside(space, 'ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
    inside(space, 'ip', 'link', 'set', 'eth0', 'up');
  };
  plug(NODE, '10.9.0.1');
  HOPS.forEach((hop, index) => {
    plug(hop, `10.9.0.${10 + index}`);
    // Behind each hop a wire to the target, which has the same address on both.
    const outer = `out${index}`;
    inside(TARGET, 'ip', 'link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth1', 'netns', hop);
    inside(TARGET, 'ip', 'address', 'add', `10.8.${index}.2/24`, 'dev', outer);
    inside(TARGET, 'ip', 'link', 'set', outer, 'up');
    inside(hop, 'ip', 'address', 'add', `10.8.${index}.1/24`, 'dev', 'eth1');
    inside(hop, 'ip', 'link', 'set', 'eth1', 'up');
    inside(hop, 'ip', 'route', 'add', '10.7.0.1/32', 'via', `10.8.${index}.2`);
    inside(hop, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  });
  inside(TARGET, 'ip', 'address', 'add', '10.7.0.1/32', 'dev', 'lo');
  inside(TARGET, 'ip', 'route', 'add', '10.9.0.0/24', 'via', '10.8.0.1');
  for (const name of ['all', 'default', 'out0', 'out1']) {
    inside(TARGET, 'sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=0`);
  }
  inside(TARGET, 'sysctl', '-qw', 'net.ipv4.ip_forward=0');
  inside(NODE, 'sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647');
  inside(NODE, 'ip', 'link', 'add', 'ens6', 'address', MAC, 'type', 'veth', 'peer', 'name', 'far6');
  inside(NODE, 'ip', 'link', 'set', 'far6', 'up');
}

const tearDown = (): void => {
  for (const space of [NODE, ...HOPS, TARGET]) spawnSync('ip', ['netns', 'del', space]);
};

describe.skipIf(!can)('the host network (skipped: no network namespaces; run as root with iproute2)', () => {
  beforeAll(setUp, 30_000);
  afterAll(tearDown);

  it('sends echoes, and tells silence from what it could not send', () => {
    const [alive, dead, nowhere] = perform(
      ['icmp', { to: '10.9.0.10', timeoutMs: 1000 }],
      ['icmp', { to: '10.9.0.99', timeoutMs: 200 }],
      ['icmp', { to: '192.0.2.1', timeoutMs: 200 }],
    );
    expect(alive).toMatchObject({ kind: 'reply', from: '10.9.0.10' });
    expect(dead).toEqual({ kind: 'timeout' });
    expect(nowhere).toMatchObject({ kind: 'failed', reason: expect.stringContaining('192.0.2.1') });
  }, 30_000);

  describe('where ping_group_range forbids echoes', () => {
    beforeAll(() => inside(NODE, 'sysctl', '-qw', 'net.ipv4.ping_group_range=1 0'));
    afterAll(() => inside(NODE, 'sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647'));

    it('sends them by a raw socket, of both families, each reply to its own', () => {
      const [alive, dead, other, nowhere, six] = perform(
        ['icmp', { to: '10.9.0.10', timeoutMs: 1000 }],
        ['icmp', { to: '10.9.0.99', timeoutMs: 200 }],
        ['icmp', { to: '10.9.0.11', timeoutMs: 1000 }],
        ['icmp', { to: '192.0.2.1', timeoutMs: 200 }],
        ['icmp', { to: '::1', timeoutMs: 1000 }],
      );
      expect(alive).toMatchObject({ kind: 'reply', from: '10.9.0.10' });
      expect(dead).toEqual({ kind: 'timeout' });
      expect(other).toMatchObject({ kind: 'reply', from: '10.9.0.11' });
      expect(nowhere).toMatchObject({ kind: 'failed', reason: expect.stringContaining('ENETUNREACH') });
      expect(six).toMatchObject({ kind: 'reply', from: '::1' });
    }, 30_000);

    it('says what to set without CAP_NET_RAW', () => {
      const actions = JSON.stringify([['icmp', { to: '10.9.0.10', timeoutMs: 1000 }]]);
      const dropped = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw'];
      const [refused] = JSON.parse(
        inside(NODE, ...dropped, process.execPath, '--import', 'tsx', WORKER, actions),
      );
      expect(refused).toMatchObject({ kind: 'failed', reason: expect.stringContaining('ping_group_range') });
    }, 30_000);
  });

  it('sends by the next hop that a probe names, ICMP and TCP, and cleans up after', () => {
    const packets = (hop: string): number =>
      Number(inside(hop, 'cat', '/sys/class/net/eth1/statistics/tx_packets').trim());
    const before = HOPS.map(packets);
    const hops = ['10.9.0.10', '10.9.0.11'];
    const results = perform(
      ['prepare', hops],
      ['icmp', { to: '10.7.0.1', via: '10.9.0.11', timeoutMs: 1000 }],
      ['icmp', { to: '10.7.0.1', via: '10.9.0.11', timeoutMs: 1000 }],
      ['tcp', { to: '10.7.0.1', port: 9, via: '10.9.0.10' }],
      ['icmp', { to: '10.7.0.1', timeoutMs: 300 }],
    );
    expect(results[0]).toBeNull();
    expect(results.slice(1, 3)).toMatchObject([{ kind: 'reply' }, { kind: 'reply' }]);
    expect(results[3]).toBe('ECONNREFUSED');
    // By its own routes the node has no way there.
    expect(results[4]).toMatchObject({ kind: 'failed' });
    const [a = 0, b = 0] = HOPS.map(packets);
    expect(a - (before[0] ?? 0)).toBeGreaterThanOrEqual(1);
    expect(b - (before[1] ?? 0)).toBeGreaterThanOrEqual(2);
    expect(inside(NODE, 'ip', 'rule')).not.toContain('fwmark');
    expect(inside(NODE, 'ip', 'route', 'show', 'table', 'all')).not.toContain('7300');
  }, 30_000);

  it('refuses a next hop in another subnet, with what to do instead', () => {
    inside(NODE, 'ip', 'route', 'add', '10.7.0.0/24', 'via', '10.9.0.10');
    const [refusal] = perform(['prepare', ['10.7.0.1']]);
    inside(NODE, 'ip', 'route', 'del', '10.7.0.0/24');
    expect(refusal).toContain('another subnet');
    expect(refusal).toContain('by: route');
  }, 30_000);

  it('sets up an ENI that moved in, again without harm, and takes it away', () => {
    const set = [
      { kind: 'link-up', mac: MAC },
      { kind: 'address-add', mac: MAC, address: '10.6.0.5', length: 24 },
      { kind: 'address-add', mac: MAC, address: 'fd00::5', length: 64 },
      { kind: 'route-add', mac: MAC, table: 1001, destination: '10.6.0.0/24' },
      { kind: 'route-add', mac: MAC, table: 1001, destination: '0.0.0.0/0', via: '10.6.0.1' },
      { kind: 'rule-add', from: '10.6.0.5/32', table: 1001 },
      { kind: 'rp-filter', mac: MAC, mode: 2 },
    ];
    expect(perform(['guest', set], ['guest', set])).toEqual([null, null]);
    expect(inside(NODE, 'ip', 'address', 'show', 'dev', 'ens6')).toMatch(/10\.6\.0\.5\/24[\s\S]*fd00::5\/64/);
    expect(inside(NODE, 'ip', 'route', 'show', 'table', '1001')).toContain('default via 10.6.0.1 dev ens6');
    expect(inside(NODE, 'ip', 'rule').match(/from 10\.6\.0\.5 lookup 1001/g)).toHaveLength(1);
    expect(inside(NODE, 'sysctl', '-n', 'net.ipv4.conf.ens6.rp_filter').trim()).toBe('2');
    const clear = [
      { kind: 'rule-remove', from: '10.6.0.5/32', table: 1001 },
      { kind: 'route-remove', mac: MAC, table: 1001, destination: '0.0.0.0/0', via: '10.6.0.1' },
      { kind: 'address-remove', mac: MAC, address: '10.6.0.5', length: 24 },
    ];
    expect(perform(['guest', clear], ['guest', clear])).toEqual([null, null]);
    expect(inside(NODE, 'ip', 'rule')).not.toContain('10.6.0.5');
    expect(inside(NODE, 'ip', 'address', 'show', 'dev', 'ens6')).not.toContain('10.6.0.5');
  }, 30_000);

  it('takes what left with its device for removed', () => {
    const gone = { kind: 'address-remove', mac: '02:00:00:00:00:78', address: '10.6.0.5', length: 24 };
    expect(perform(['guest', [gone]])).toEqual([null]);
  }, 30_000);
});

/** `byoa bgp` as an operator types it: a running daemon beside BIRD, asked and steered. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NeighborAnswer, RouteAnswer } from '../../controller/shell/bgp-answer.ts';
import { askDaemon } from '../../controller/shell/control.ts';
import { titleOf } from '../title.ts';
import { birdc } from './bird.ts';
import { whyNot } from './daemons.ts';
import * as fleet from './fleet.ts';
import { type Lab, openLab, until } from './lab.ts';
import { isEstablished, logOf, type PeerDaemon, routeFrom, routes, sessionWith, startPeer } from './peer.ts';

const LIMIT_MS = 60_000;
const OWN = '203.0.113.0/24';
const PASSWORD = 'correct-horse-battery';
const why = fleet.whyNoLab() ?? whyNot('bird');

describe.skipIf(why !== undefined)(titleOf('byoa bgp beside BIRD', why), () => {
  let lab: Lab;
  let daemon: fleet.Daemon;
  let bird: PeerDaemon;
  const bgp = (...words: readonly string[]) => daemon.asked('bgp', ...words);
  const said = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await bgp(...words);
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' });
    return stdout;
  };
  /** What a command complains of. */
  const complaint = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await bgp(...words);
    expect({ words, code, stdout }).toEqual({ words, code: 1, stdout: '' });
    return stderr.trim();
  };
  /** As `byoa bgp neighbor NAME --json` has it, without a process for each look. */
  const neighborOf = async (name: string): Promise<NeighborAnswer['neighbors'][number]> => {
    const question = { what: 'neighbor', name } as const;
    const socket = join(daemon.host.folder, 'byoa.sock');
    const { body } = await askDaemon(socket, { kind: 'bgp-query', question }, LIMIT_MS);
    const [one] = (body as NeighborAnswer).neighbors;
    if (one === undefined) throw new Error(`no neighbor ${name} in the answer`);
    return one;
  };
  const established = () => sessionWith(bird, daemon.host.ipv4, isEstablished, LIMIT_MS);

  beforeAll(async () => {
    if (why !== undefined) return;
    lab = openLab();
    const [node, other] = [lab.host('node', 1), lab.host('bird', 12)];
    const spec = fleet.announcer('bird', other, node);
    const [first, ...rest] = spec.neighbors;
    if (first === undefined) throw new Error('the announcer has no neighbor');
    const secured = { ...first, password: PASSWORD };
    bird = await startPeer(other, { ...spec, neighbors: [secured, ...rest] });
    const secret = join(node.folder, 'password');
    writeFileSync(secret, `${PASSWORD}\n`, { mode: 0o600 });
    const shared = {
      as: fleet.THEIR_AS,
      import: 'all',
      export: 'all',
      connectRetry: '1s',
      bfd: { interval: `${fleet.BFD_MS}ms` },
    };
    fleet.configure(node, {
      node: 'node',
      bgp: {
        as: fleet.OUR_AS,
        routerId: node.ipv4,
        listen: ['0.0.0.0:179', '[::]:179'],
        originate: [{ prefix: OWN }],
        neighbors: [
          { ...shared, name: 'upstream', address: other.ipv4, password: { file: secret } },
          { ...shared, name: 'upstream6', address: other.ipv6 },
          { as: 65_003, name: 'absent', address: '192.0.2.99', passive: true },
        ],
      },
    });
    daemon = await fleet.startDaemon(node);
    await established();
    await sessionWith(bird, node.ipv6, isEstablished, LIMIT_MS);
    await daemon.says('bfd', `BFD with ${other.ipv4} is up`);
    await routeFrom(bird, node.ipv4, OWN, LIMIT_MS);
    await until('routes of BIRD', async () => {
      const { received, sent } = await neighborOf('upstream');
      return received.ipv4 === 1 && sent.ipv4 === 1;
    });
  }, LIMIT_MS);
  afterAll(async () => {
    await daemon?.kill();
    await lab?.close();
  });

  it('summary: who is up, for how long, with how many prefixes', async () => {
    const text = await said('summary');
    expect(text).toMatch(/^AS 65000, identifier 192\.0\.2\.1, running: 2 IPv4 and 1 IPv6 prefixes\n/);
    expect(text).toMatch(/^NEIGHBOR +ADDRESS +AS +STATE +FOR +BFD +RECEIVED +SENT +FLAPS +WHY\n/m);
    expect(text).toMatch(/^upstream +192\.0\.2\.12 +65002 +Established +[\d.]+ m?s +up +1 +1 +0/m);
    expect(text).toMatch(/^absent +192\.0\.2\.99 +65003 +Active /m);
    const { as, peers } = JSON.parse(await said('summary', '--json'));
    expect(as).toBe(65_000);
    expect(peers[0]).toMatchObject({ name: 'upstream', state: 'Established', bfd: 'up', flaps: 0 });
  });

  it('neighbor: by name or address, and all', async () => {
    const text = await said('neighbor', 'upstream');
    expect(text).toMatch(/^upstream \(192\.0\.2\.12\), AS 65002\n {2}state +Established for /);
    for (const line of [
      /^ {2}hold time +90 s$/m,
      /^ {2}bfd +up$/m,
      /^ {2}policies +import all, export all$/m,
      /^ {2}routes +1 received, 1 sent, 0 stale$/m,
      /^ {2}security +TCP-MD5$/m,
    ])
      expect(text).toMatch(line);
    expect((await neighborOf('192.0.2.12')).name).toBe('upstream');
    expect((await said('neighbor')).match(/, AS \d+$/gm)).toHaveLength(3);
  });

  it('rib: best paths, what came, what went, within a prefix, of a family', async () => {
    expect(await said('rib')).toMatch(/^> +198\.51\.100\.0\/24 +192\.0\.2\.12 +upstream +100 +- +65002 i$/m);
    const prefixes = async (...words: readonly string[]): Promise<readonly string[]> =>
      (await said('rib', '--json', ...words))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).prefix);
    const wanted: readonly (readonly [readonly string[], ...string[]])[] = [
      [[fleet.BEYOND.ipv4, fleet.BEYOND.ipv6, OWN]],
      [[fleet.BEYOND.ipv4], '--in', 'upstream'],
      [[fleet.BEYOND.ipv4], '--in', '192.0.2.12'],
      [[OWN], '--out', 'upstream'],
      [[fleet.BEYOND.ipv4], '--longer', '198.51.0.0/16'],
      [[fleet.BEYOND.ipv6], '--family', 'ipv6'],
    ];
    const seen = await Promise.all(wanted.map(([, ...words]) => prefixes(...words)));
    expect(seen.map((list) => [...list].sort())).toEqual(wanted.map(([list]) => [...list].sort()));
    expect(await said('rib', '--longer', '10.0.0.0/8')).toMatch(/^ +PREFIX .*\n+$/);
  });

  it('route: why a path won, of a prefix and of an address in it', async () => {
    const text = await said('route', '198.51.100.0/24');
    expect(text).toMatch(/^198\.51\.100\.0\/24, sent to nobody\n/);
    expect(text).toMatch(/^> +198\.51\.100\.0\/24 .*the only path$/m);
    const own: RouteAnswer = JSON.parse(await said('route', OWN, '--json'));
    expect(own).toMatchObject({
      prefix: OWN,
      sentTo: ['upstream'],
      paths: [{ peer: 'local', best: true }],
    });
    expect(JSON.parse(await said('route', '198.51.100.77', '--json')).prefix).toBe('198.51.100.0/24');
  });

  it('bfd: the sessions', async () => {
    expect(await said('bfd')).toMatch(/^PEER +STATE +REMOTE .*\n192\.0\.2\.12 +up +up +200 ms +\S+ ms +0 /);
    expect(JSON.parse(await said('bfd', '--json')).sessions).toHaveLength(2);
  });

  it('says what is wrong with a question', async () => {
    const wrong: readonly (readonly [string | RegExp, ...string[]])[] = [
      [
        "byoa: There is no neighbor 'upstraem'. Did you mean 'upstream'? The neighbors are: upstream, upstream6, absent.",
        'neighbor',
        'upstraem',
      ],
      [/^byoa: There is no neighbor 'nobody'\. The neighbors are/, 'rib', '--in', 'nobody'],
      [/^byoa: There is no neighbor 'nobody'\. The neighbors are/, 'clear', 'nobody'],
      ["byoa: --family 'x' is neither ipv4 nor ipv6", 'rib', '--family', 'x'],
      [/10\.0\.0\.1\/8.*: write 192\.0\.2\.0\/24/, 'rib', '--longer', '10.0.0.1/8'],
      [/'x' is no address and no CIDR block: write 192\.0\.2\.0\/24/, 'route', 'x'],
      ['byoa: No route to 10.9.9.0/24 is known.', 'route', '10.9.9.0/24'],
      [/'up' is neither in nor out/, 'soft', 'upstream', 'up'],
      [/'x' is none of graceful-shutdown/, 'drain', 'x'],
      [/no daemon|not run/i, 'summary', '--socket', join(lab.folder, 'none.sock')],
    ];
    const complaints = await Promise.all(wrong.map(([, ...words]) => complaint(...words)));
    wrong.forEach(([words], index) => {
      if (typeof words === 'string') expect(complaints[index]).toBe(words);
      else expect(complaints[index]).toMatch(words);
    });
  });

  it('refresh asks for the routes again, soft applies policy anew: the session stays', async () => {
    const before = (await neighborOf('upstream')).messages;
    await said('refresh', 'upstream');
    const asked = await until('BIRD sent its routes again', async () => {
      const { messages } = await neighborOf('upstream');
      return messages.received.update > before.received.update ? messages : undefined;
    });
    expect(asked.sent.routeRefresh).toBe(before.sent.routeRefresh + 1);
    await Promise.all([said('soft', 'upstream', 'in'), said('soft', '192.0.2.12', 'out')]);
    const after = await until('our routes went out again', async () => {
      const one = await neighborOf('upstream');
      return one.messages.sent.update > asked.sent.update ? one : undefined;
    });
    expect(after).toMatchObject({
      state: 'Established',
      flaps: 0,
      received: { ipv4: 1 },
      sent: { ipv4: 1 },
    });
  });

  it('drain: BIRD sees the community of RFC 8326, or no route; none ends it', async () => {
    const ours = async () => (await routes(bird, 'ipv4')).find(({ prefix }) => prefix === OWN);
    await said('drain');
    await until('GRACEFUL_SHUTDOWN', async () => (await ours())?.communities.includes('65535:0'));
    expect(await said('summary')).toContain('drained by graceful-shutdown');
    await said('drain', 'withdraw');
    await until('no route', async () => (await ours()) === undefined);
    await said('drain', 'none');
    await until('the plain route', async () => (await ours())?.communities.length === 0);
  });

  it(
    'shutdown tells BIRD why and lasts until enable; clear comes back by itself',
    async () => {
      await said('shutdown', 'upstream', '--text', 'cable change');
      const blocked = await until('it is down', async () => {
        const one = await neighborOf('upstream');
        return one.state === 'Idle' ? one : undefined;
      });
      expect(blocked.lastSent?.text).toBe('Cease / Administrative Shutdown (6/2): "cable change"');
      expect(await said('neighbor', 'upstream')).toMatch(
        /^ {2}last sent +Cease \/ Administrative Shutdown \(6\/2\): "cable change" \(.* ago\)$/m,
      );
      await until('BIRD logs why', async () => /Received: .*cable change/.test(logOf(bird)));
      await said('enable', 'upstream');
      await established();
      await said('clear', 'upstream', '--text', 'once more');
      await until('it ended', async () => (await neighborOf('upstream')).flaps === 2);
      await established();
      // As BIRD logs it: two connections that collide meanwhile end in a NOTIFICATION of their own.
      await until('BIRD logs why', async () => /Received: Administrative reset.*once more/.test(logOf(bird)));
    },
    LIMIT_MS,
  );

  it(
    'shows what BIRD said last, in words',
    async () => {
      await birdc(bird.host, 'disable', 'n0', '"night work"');
      const told = await until('a NOTIFICATION', async () => (await neighborOf('upstream')).lastReceived);
      expect(told.text).toMatch(/^Cease \/ Administrative Shutdown \(6\/2\)/);
      expect(await said('summary')).toMatch(
        /^upstream .* received Cease \/ Administrative Shutdown \(6\/2\)/m,
      );
      await birdc(bird.host, 'enable', 'n0');
      await established();
    },
    LIMIT_MS,
  );

  it('writes no secret anywhere', async () => {
    const shown = [
      await said('neighbor', '--json'),
      await said('summary', '--json'),
      (await daemon.asked('status', '--json')).stdout,
      JSON.stringify(daemon.lines),
      daemon.errors(),
    ];
    const journal = join(daemon.host.folder, 'journal');
    const files = readdirSync(journal).map((name) => readFileSync(join(journal, name), 'utf8'));
    expect(files.join('')).toContain('"bgp');
    for (const text of [...shown, ...files]) expect(text).not.toContain(PASSWORD);
  });
});

/** What the shell tells of this machine's links, in a namespace whose addresses and routes change. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { titleOf } from '../title.ts';
import { ip, whyNoLab } from './fleet.ts';
import { type Host, type Lab, openLab, printed, type Running, start, stop, until } from './lab.ts';

const PROGRAM = fileURLToPath(new URL('reach-program.ts', import.meta.url));
const LOADER = import.meta.resolve('tsx');
const ON_LINK = '192.0.2.77';
const BEHIND = '198.51.100.9';
const NOWHERE = '203.0.113.9';
const BEHIND6 = '2001:db8:99::9';
const why = whyNoLab();

describe.skipIf(why !== undefined)(titleOf('links', why), () => {
  let lab: Lab;
  let host: Host;
  const running: Running[] = [];
  const watch = (way: 'link' | 'any'): Running => {
    const hops = [ON_LINK, BEHIND, NOWHERE, BEHIND6];
    const one = start(host, `${way}-${running.length}`, [
      process.execPath,
      '--import',
      LOADER,
      PROGRAM,
      way,
      ...hops,
    ]);
    running.push(one);
    return one;
  };
  const last = (one: Running, kind: string): readonly string[] | undefined =>
    printed(one)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): { kind: string; addresses: readonly (string | readonly string[])[] } => JSON.parse(line))
      .filter((input) => input.kind === kind)
      .at(-1)
      ?.addresses.flat();
  const becomes = (one: Running, kind: string, wanted: readonly string[]) =>
    until(
      `${one.name}: ${kind} ${wanted.join(', ')}`,
      () => last(one, kind)?.join() === wanted.join(),
      15_000,
      () => printed(one),
    );

  beforeAll(() => {
    if (why !== undefined) return;
    lab = openLab();
    host = lab.host('links', 1);
  });
  afterAll(async () => {
    await Promise.all(running.map(stop));
    await lab?.close();
  });

  it('its interfaces are told, and told again when an address comes or goes', async () => {
    const one = watch('any');
    await until('interfaces', () => last(one, 'interfaces')?.includes('192.0.2.1/24'));
    ip(host, 'addr', 'add', '10.9.9.1/25', 'dev', 'eth0');
    await until('the new one', () => last(one, 'interfaces')?.includes('10.9.9.1/25'));
    ip(host, 'link', 'set', 'eth0', 'down');
    await until('none', () => last(one, 'interfaces')?.some((text) => text.includes('.9.')) === false);
    ip(host, 'link', 'set', 'eth0', 'up');
    await until('back', () => last(one, 'interfaces')?.includes('192.0.2.1/24'));
  });

  it('RFC 4271 9.1.2.1: without a route there is no way, and by a gateway none for kernel routes', async () => {
    const [any, link] = [watch('any'), watch('link')];
    for (const one of [any, link]) await becomes(one, 'unreachable', [BEHIND, NOWHERE, BEHIND6]);
    ip(host, 'route', 'add', '198.51.100.0/24', 'via', ON_LINK);
    await becomes(any, 'unreachable', [NOWHERE, BEHIND6]);
    ip(host, 'route', 'add', '203.0.113.0/24', 'dev', 'eth0');
    ip(host, '-6', 'route', 'add', '2001:db8:99::/48', 'dev', 'eth0');
    await becomes(any, 'unreachable', []);
    await becomes(link, 'unreachable', [BEHIND]);
    ip(host, 'route', 'del', '203.0.113.0/24', 'dev', 'eth0');
    await becomes(link, 'unreachable', [BEHIND, NOWHERE]);
  });

  it('prohibited and blackholed is no way', async () => {
    const one = watch('any');
    await becomes(one, 'unreachable', [NOWHERE]);
    ip(host, 'route', 'add', '203.0.113.0/24', 'dev', 'eth0');
    await becomes(one, 'unreachable', []);
    ip(host, 'route', 'replace', 'blackhole', '203.0.113.0/24');
    await becomes(one, 'unreachable', [NOWHERE]);
    expect(last(one, 'interfaces')).toContain('127.0.0.1/8');
  });
});

/** The secrets of BGP and BFD sessions are parameters of Systems Manager, and nowhere else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { DAEMON } from '../../sim/lab/drill/stage.ts';
import { type DesignRig, missingHere, startDesign } from './rig.ts';

const missing = missingHere();
const title = missing.length === 0 ? 'a password' : `a password (needs ${missing.join('; ')})`;
const NAME = '/byoa/egress/bgp';
const BFD_NAME = '/byoa/egress/bfd';
const LIMIT_MS = 120_000;
/** How long what is asked for may take; a daemon that read nothing asks again within that. */
const PATIENCE = { timeout: 40_000, interval: 500 };

describe.skipIf(missing.length > 0)(title, () => {
  let opened: DesignRig | undefined;
  const lab = (): DesignRig => present(opened, 'the lab');
  beforeAll(async () => {
    opened = await startDesign('same-subnet-bgp', {
      bgpPasswordParameter: NAME,
      bfdKeyParameter: BFD_NAME,
    });
  }, LIMIT_MS);
  afterAll(() => opened?.rig.close());

  const taker = (): string => present(lab().told.nodes.at(-1), 'the client').name;
  const out: DesignRig['out'] = (node, script) => lab().out(node, script);
  const put = (text: string, name = NAME): Promise<string> => lab().put(name, text);
  /** The names of the neighbors to which the client has a session. */
  const sessions = async (): Promise<readonly string[]> => {
    const lines = (await out(taker(), 'byoa bgp summary --socket /run/byoa/control.sock')).split('\n');
    return lines.filter((line) => line.includes('Established')).map((line) => line.split(' ')[0] ?? '');
  };
  /** The states of its BFD sessions, which have a key. */
  const watched = async (): Promise<readonly string[]> => {
    const [, ...lines] = (await out(taker(), 'byoa bgp bfd --socket /run/byoa/control.sock'))
      .trim()
      .split('\n');
    return lines.map((line) => line.split(/ +/)[1] ?? '');
  };
  /** How often they went down. */
  const flaps = async (): Promise<readonly number[]> => {
    const lines = (await out(taker(), 'byoa bgp bfd --json --socket /run/byoa/control.sock')).trim();
    const { sessions } = JSON.parse(lines) as { readonly sessions: readonly { readonly flaps: number }[] };
    return sessions.map((one) => one.flaps);
  };
  const reload = (node: string): Promise<string> => out(node, `kill -HUP $(${DAEMON})`);

  it(
    'is waited for by daemons that have never read it, and then all speak',
    async () => {
      await expect
        .poll(() => out('a', 'cat /var/log/byoa.log'), PATIENCE)
        .toContain(`cannot read the parameter ${NAME} of Systems Manager: ParameterNotFound`);
      await put('bfd-sesame', BFD_NAME);
      expect(await put('sesame')).toContain('"Version":1');
      await expect.poll(sessions, PATIENCE).toEqual(['a', 'b']);
      await expect.poll(watched, PATIENCE).toEqual(['up', 'up']);
    },
    LIMIT_MS,
  );

  it(
    'is the one that counts: who has another one gets no session until the others have it',
    async () => {
      expect(await put('tahini')).toContain('"Version":2');
      await reload('a');
      await expect.poll(sessions, PATIENCE).toEqual(['b']);
      await reload(taker());
      await expect.poll(sessions, PATIENCE).toEqual(['a']);
      await reload('b');
      await expect.poll(sessions, PATIENCE).toEqual(['a', 'b']);
    },
    LIMIT_MS,
  );

  it(
    'of BFD changes without the end of a session, one daemon after the other',
    async () => {
      await expect.poll(watched, PATIENCE).toEqual(['up', 'up']);
      const before = await flaps();
      const told = (node: string, what: string) => () =>
        out(node, `grep -c 'BFD session.*${what}' /var/log/byoa.log`).then(Number);
      expect(await put('bfd-tahini', BFD_NAME)).toContain('"Version":2');
      await reload('a');
      await expect.poll(told('a', 'signs by both keys'), PATIENCE).toBe(1);
      await reload(taker());
      await expect.poll(told(taker(), 'the peer has the new key'), PATIENCE).toBe(1);
      await reload('b');
      await expect.poll(told(taker(), 'the peer has the new key'), PATIENCE).toBe(2);
      expect([await watched(), await flaps(), await sessions()]).toEqual([['up', 'up'], before, ['a', 'b']]);
    },
    LIMIT_MS,
  );

  it('stands in no user data, configuration, journal or log', async () => {
    for (const { name } of lab().told.nodes) {
      const places = '/run/user-data /etc/byoa /var/log/byoa.log /var/lib/byoa/journal';
      const found = await out(name, `ls -d ${places} | wc -l; grep -rlE 'sesame|tahini' ${places}`);
      expect([name, found.trim()]).toEqual([name, '4']);
    }
  });
});

/** BIRD and FRR on the appliances of same-subnet-bgp, for the daemon, with its sessions and secrets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { whyNot } from '../interop/daemons.ts';
import { type DesignRig, missingHere, startDesign } from './rig.ts';

const LIMIT_MS = 120_000;
const PATIENCE = { timeout: 60_000, interval: 500 };
const [PASSWORD, KEY] = ['/byoa/egress/bgp', '/byoa/egress/bfd'];

describe.each([
  // FRR has no authentication of BFD.
  { speaker: 'bird', secrets: { [PASSWORD]: 'open-sesame!', [KEY]: '$tahini#' } },
  { speaker: 'frr', secrets: { [PASSWORD]: 'open-sesame!' } },
] as const)('$speaker on appliances', ({ speaker, secrets }) => {
  const missing = [...missingHere(), ...[whyNot(speaker)].filter((why) => why !== undefined)];
  const title = missing.length === 0 ? 'in a lab' : `in a lab (needs ${missing.join('; ')})`;

  describe.skipIf(missing.length > 0)(title, () => {
    let opened: DesignRig | undefined;
    const lab = (): DesignRig => present(opened, 'the lab');
    beforeAll(async () => {
      opened = await startDesign('same-subnet-bgp', {
        speaker,
        ipv6: 'true',
        bgpPasswordParameter: PASSWORD,
        ...(KEY in secrets ? { bfdKeyParameter: KEY } : {}),
      });
    }, LIMIT_MS);
    afterAll(() => opened?.rig.close());

    const client = (): string => present(lab().told.nodes.at(-1), 'the client').name;
    const out: DesignRig['out'] = (name, script) => lab().out(name, script);
    const power = (verb: 'kill' | 'start' | 'stop'): Promise<unknown> =>
      lab().rig.ask({ kind: 'verb', machine: lab().machineOf('a'), verb });
    const asked = async (what: 'summary' | 'bfd'): Promise<readonly (readonly string[])[]> => {
      const text = await out(client(), `byoa bgp ${what} --socket /run/byoa/control.sock`);
      return text.split('\n').map((line) => line.split(/ +/));
    };
    /** The appliances to which the client has a session that BFD watches. */
    const sessions = async (): Promise<readonly (string | undefined)[]> =>
      (await asked('summary'))
        .filter((line) => line[3] === 'Established' && line.includes('up'))
        .map(([name]) => name);
    const wayOut = async (): Promise<string | undefined> => {
      const route = await out(client(), 'ip route show default proto 98');
      return lab().told.appliances.find(({ privateIp }) => route.includes(`via ${privateIp} `))?.name;
    };

    it(
      'wait for their secrets, and then every client has a session, and its way out by the preferred one',
      async () => {
        await expect
          .poll(() => out('a', 'cat /var/log/boot.log'), PATIENCE)
          .toContain(`secret ${PASSWORD} gives nothing`);
        for (const [name, text] of Object.entries(secrets))
          expect(await lab().put(name, text)).toContain('"Version":1');
        await expect.poll(sessions, PATIENCE).toEqual(['a', 'b']);
        await expect.poll(wayOut, PATIENCE).toBe('a');
        // By the address that the appliance was given, which only its boot script can know.
        await expect
          .poll(() => out(client(), 'ip -6 route show default proto 98'), PATIENCE)
          .toContain('via 2001:');
      },
      LIMIT_MS,
    );

    it('do not speak through the daemon, which judges their health as ever', async () => {
      expect(await out('a', 'byoa bgp summary --socket /run/byoa/control.sock 2>&1')).toContain(
        'speaks no BGP',
      );
      const text = await out('a', 'byoa status --json --socket /run/byoa/control.sock');
      const { appliances } = JSON.parse(text) as { appliances: readonly { name: string; verdict: string }[] };
      expect(appliances.map(({ name, verdict }) => [name, verdict])).toEqual([
        ['a', 'healthy'],
        ['b', 'healthy'],
      ]);
    });

    it(
      'are left when they die, and taken again when they are back',
      async () => {
        await power('kill');
        await expect.poll(wayOut, PATIENCE).toBe('b');
        await power('start');
        await expect.poll(sessions, PATIENCE).toEqual(['a', 'b']);
        await expect.poll(wayOut, PATIENCE).toBe('a');
      },
      LIMIT_MS,
    );

    it(
      'lose nothing when one is told to stop: it is left while its machine forwards yet',
      async () => {
        const pings = out(client(), 'ping -q -i 0.02 -c 500 -W 1 203.0.113.10');
        await power('stop');
        expect(await wayOut()).toBe('b');
        const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(await pings) ?? [];
        // A client that waits for its probes loses 90.
        expect(Number(sent) - Number(received)).toBeLessThan(20);
        await power('start');
        await expect.poll(sessions, PATIENCE).toEqual(['a', 'b']);
        await expect.poll(wayOut, PATIENCE).toBe('a');
      },
      LIMIT_MS,
    );

    it('have their secrets in no user data', async () => {
      for (const name of ['a', 'b'])
        expect(await out(name, `grep -lE 'sesame|tahini' /run/user-data /etc/byoa/*; echo none`)).toBe(
          'none\n',
        );
    });
  });
});

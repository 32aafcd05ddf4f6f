/** What a machine refuses to BGP and BFD: the daemon says it in a sentence, and goes on with the rest. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { titleOf } from '../title.ts';
import * as fleet from './fleet.ts';
import { ask, type Lab, openLab, start, until } from './lab.ts';

const why = fleet.whyNoLab();
const TAKES = `require('node:dgram').createSocket('udp4').bind(3784, () => console.log('has it'));`;

let lab: Lab | undefined;
let daemon: fleet.Daemon | undefined;
afterEach(async () => {
  await daemon?.kill();
  await lab?.close();
});

describe.skipIf(why !== undefined)(titleOf('a daemon without its ports', why), () => {
  it('names port, cause and remedy, and runs on', async () => {
    lab = openLab();
    const node = lab.host('node', 1);
    const taker = start(node, 'taker', [process.execPath, '-e', TAKES]);
    await until('the port is taken', () => readFileSync(taker.log, 'utf8').includes('has it'));
    fleet.configure(node, {
      node: 'node',
      bgp: {
        as: fleet.OUR_AS,
        routerId: node.ipv4,
        listen: ['0.0.0.0:179', '0.0.0.0:1179'],
        neighbors: [{ name: 'peer', as: fleet.THEIR_AS, address: '192.0.2.12', bfd: true }],
      },
    });
    const drop = ['setpriv', '--bounding-set=-net_bind_service', '--inh-caps=-net_bind_service'];
    daemon = await fleet.startDaemon(node, {}, drop);
    expect(await daemon.says('bgp', 'cannot listen')).toBe(
      'BGP cannot listen on 0.0.0.0 port 179: cannot use 0.0.0.0 port 179 (EACCES); a port below 1024 needs ' +
        'CAP_NET_BIND_SERVICE, or sysctl net.ipv4.ip_unprivileged_port_start=179.',
    );
    expect(await daemon.says('bfd', 'cannot receive')).toMatch(
      /^BFD cannot receive on 0\.0\.0\.0:3784 \(EADDRINUSE\): another program receives BFD there; stop it/,
    );
    // 1179, as the kernel writes it.
    expect(await ask(node, ['cat', '/proc/net/tcp'])).toContain('00000000:049B ');
    const { code, stdout } = await daemon.asked('bgp', 'summary');
    expect({ code, running: stdout.includes(', running') }).toEqual({ code: 0, running: true });
  }, 60_000);
});

/** What we send, read by others: tshark, and ExaBGP's decoder. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NO_ATTRIBUTES, type PathAttributes } from '../../controller/wire/attribute.ts';
import { encodeNotification } from '../../controller/wire/message.ts';
import { encodeShutdownText, notification } from '../../controller/wire/notification.ts';
import { encodeOpen } from '../../controller/wire/open.ts';
import { mpReachHead, updateMessage } from '../../controller/wire/update.ts';
import { writeAttributes } from '../../controller/wire/write-attributes.ts';

const have = (program: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' }).status === 0;
const absent = (program: string, pack: string): string =>
  have(program) ? '' : ` (skipped: ${program} not found; apt-get install ${pack}, or npm run peers)`;

const route: PathAttributes = {
  ...NO_ATTRIBUTES,
  asPath: [{ type: 'sequence', as: [65000, 4200000001] }],
  nextHop: { family: 'ipv4', words: [0, 0, 0, 0x0a000001] },
  med: 77,
  communities: [0xfde80001, 0xffff0000],
  large: [[65000, 1, 2]],
};
const update = updateMessage(
  [24, 10, 9, 9],
  writeAttributes(route, { as4: true, inMpReach: false }),
  [24, 10, 1, 2],
);
const nextHop6 = { family: 'ipv6', words: [0x20010db8, 0, 0, 1] } as const;
const nlri6 = [48, 0x20, 0x01, 0x0d, 0xb8, 0, 7];
const update6 = updateMessage(
  [],
  [
    ...writeAttributes({ ...route, nextHop: nextHop6 }, { as4: true, inMpReach: true }),
    ...mpReachHead('ipv6', nextHop6, nlri6.length),
    ...nlri6,
  ],
  [],
);

/** Everything that tshark finds in a message, as it prints it. */
function dissect(bytes: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-tshark-'));
  try {
    const dump = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    writeFileSync(join(folder, 'in'), `0000 ${dump}\n`);
    const made = spawnSync('text2pcap', ['-q', '-T', '179,33333', join(folder, 'in'), join(folder, 'pcap')]);
    expect(made.status).toBe(0);
    const read = spawnSync('tshark', ['-r', join(folder, 'pcap'), '-O', 'bgp', '-V'], { encoding: 'utf8' });
    return read.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(!have('tshark'))(`tshark reads what we send${absent('tshark', 'tshark')}`, () => {
  it('OPEN with its capabilities', () => {
    const text = dissect(
      encodeOpen({
        as: 4200000001,
        holdTimeS: 90,
        bgpId: 0x0a000001,
        capabilities: [
          { kind: 'multiprotocol', afi: 2, safi: 1 },
          { kind: 'four-octet-as', as: 4200000001 },
          { kind: 'extended-message' },
          {
            kind: 'graceful-restart',
            restarting: true,
            notification: true,
            timeS: 120,
            families: [{ afi: 1, safi: 1, forwarding: true }],
          },
          { kind: 'add-path', items: [{ afi: 1, safi: 1, send: true, receive: true }] },
          { kind: 'role', role: 3 },
        ],
      }),
    );
    for (const word of [
      'My AS: 23456',
      '4200000001',
      'BGP-Extended Message',
      'Restart state: Yes',
      'Additional Paths',
      'IPv6',
      'Role',
    ])
      expect(text).toContain(word);
    expect(text).not.toMatch(/malformed/i);
  });
  it('UPDATE of both families', () => {
    const text = dissect(update);
    for (const word of ['10.9.9.0/24', '10.1.2.0/24', '65000 4200000001', '10.0.0.1', '65000:1:2'])
      expect(text).toContain(word);
    const text6 = dissect(update6);
    for (const word of ['2001:db8:7::/48', '2001:db8::1']) expect(text6).toContain(word);
    expect(text + text6).not.toMatch(/malformed/i);
  });
  it('NOTIFICATION with its shutdown text', () => {
    const text = dissect(encodeNotification(notification(6, 2, encodeShutdownText('upgrade'))));
    expect(text).toContain('Shutdown Communication');
    expect(text).toContain('upgrade');
  });
});

describe.skipIf(!have('exabgp'))(`ExaBGP reads what we send${absent('exabgp', 'exabgp')}`, () => {
  const decode = (bytes: Uint8Array): string => {
    const text = Buffer.from(bytes).toString('hex').toUpperCase();
    const folder = mkdtempSync(join(tmpdir(), 'byoa-exabgp-'));
    try {
      const file = join(folder, 'conf');
      const families = 'family { ipv4 unicast; ipv6 unicast; }';
      writeFileSync(
        file,
        `neighbor 127.0.0.1 { router-id 1.1.1.1; local-address 127.0.0.1; local-as 65001; peer-as 65000; ${families} }\n`,
      );
      const run = spawnSync('exabgp', [file, '--decode', text], { encoding: 'utf8', timeout: 20_000 });
      return run.stdout + run.stderr;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  it('UPDATE of both families', () => {
    const text = decode(update);
    for (const word of ['10.1.2.0/24', '10.9.9.0/24', '4200000001']) expect(text).toContain(word);
    expect(decode(update6)).toContain('2001:db8:7::/48');
  });
});

/** What we send, read by others: tshark, and ExaBGP's decoder. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createBfd, stepBfd } from '../../controller/bfd/machine.ts';
import { NO_ATTRIBUTES, type PathAttributes } from '../../controller/wire/attribute.ts';
import { encodeKeepalive, encodeNotification, encodeRouteRefresh } from '../../controller/wire/message.ts';
import { encodeShutdownText, hardReset, notification } from '../../controller/wire/notification.ts';
import { type Capability, encodeOpen } from '../../controller/wire/open.ts';
import { encodeEndOfRib, mpReachHead, mpUnreachHead, updateMessage } from '../../controller/wire/update.ts';
import { writeAttributes } from '../../controller/wire/write-attributes.ts';

const have = (program: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' }).status === 0;
const absent = (program: string, pack: string): string =>
  have(program) ? '' : ` (skipped: ${program} not found; apt-get install ${pack}, or npm run peers)`;

const segment = (...as: number[]) => ({ type: 'sequence' as const, as });
const nextHop4 = { family: 'ipv4', words: [0, 0, 0, 0x0a000001] } as const;
const nextHop6 = { family: 'ipv6', words: [0x20010db8, 0, 0, 1] } as const;

/** Every attribute that we can send inside an AS. */
const route: PathAttributes = {
  ...NO_ATTRIBUTES,
  origin: 2,
  asPath: [segment(65000, 4200000001)],
  nextHop: nextHop4,
  med: 77,
  localPref: 321,
  atomicAggregate: true,
  aggregator: { as: 65009, id: 0x0a000063 },
  communities: [0xfde80001, 0xffff0000],
  extended: [[0x0002fde8, 7]],
  large: [[65000, 1, 2]],
  originatorId: 0x0a000058,
  clusterList: [0x0a000057],
  otc: 65004,
  unknown: [{ flags: 0xe0, type: 200, value: Uint8Array.of(0xde, 0xad) }],
};
const nlri4 = [24, 10, 1, 2];
const update = updateMessage([24, 10, 9, 9], writeAttributes(route, { as4: true, inMpReach: false }), nlri4);
/** As a neighbor of 2-octet AS numbers gets it. */
const narrow = updateMessage([], writeAttributes(route, { as4: false, inMpReach: false }), nlri4);

const reaching = (family: 'ipv4' | 'ipv6', nlri: readonly number[]): Uint8Array =>
  updateMessage(
    [],
    [
      ...mpReachHead(family, nextHop6, nlri.length),
      ...nlri,
      ...writeAttributes({ ...route, nextHop: nextHop6 }, { as4: true, inMpReach: true }),
    ],
    [],
  );
const nlri6 = [48, 0x20, 0x01, 0x0d, 0xb8, 0, 7];
const update6 = reaching('ipv6', nlri6);
const withdrawn6 = updateMessage([], [...mpUnreachHead('ipv6', nlri6.length), ...nlri6], []);

/** Every capability that we can announce. */
const CAPABILITIES: readonly Capability[] = [
  { kind: 'multiprotocol', afi: 2, safi: 1 },
  { kind: 'route-refresh' },
  { kind: 'enhanced-route-refresh' },
  { kind: 'four-octet-as', as: 4200000001 },
  { kind: 'extended-message' },
  { kind: 'extended-next-hop', items: [{ afi: 1, safi: 1, nextHopAfi: 2 }] },
  { kind: 'add-path', items: [{ afi: 1, safi: 1, send: true, receive: true }] },
  { kind: 'role', role: 3 },
  {
    kind: 'graceful-restart',
    restarting: true,
    notification: true,
    timeS: 120,
    families: [{ afi: 1, safi: 1, forwarding: true }],
  },
  { kind: 'bfd-strict' },
];
const open = encodeOpen({ as: 4200000001, holdTimeS: 90, bgpId: 0x0a000001, capabilities: CAPABILITIES });

/** Everything that tshark finds in a packet, as it prints it. */
function dissect(
  bytes: Uint8Array,
  transport: readonly string[] = ['-T', '179,33333'],
  name = 'bgp',
): string {
  const folder = mkdtempSync(join(tmpdir(), 'byoa-tshark-'));
  try {
    const dump = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    writeFileSync(join(folder, 'in'), `0000 ${dump}\n`);
    const made = spawnSync('text2pcap', ['-q', ...transport, join(folder, 'in'), join(folder, 'pcap')]);
    expect(made.status).toBe(0);
    const read = spawnSync('tshark', ['-r', join(folder, 'pcap'), '-O', name, '-V'], { encoding: 'utf8' });
    expect(read.stdout).not.toMatch(/malformed|expert info.*error/i);
    return read.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(!have('tshark'))(`tshark reads what we send${absent('tshark', 'tshark')}`, () => {
  const shows = (text: string, ...words: readonly (string | RegExp)[]): void => {
    for (const word of words) expect(text).toMatch(word);
  };

  it('OPEN with every capability', () =>
    shows(
      dissect(open),
      'My AS: 23456',
      '4200000001',
      /Route refresh capability/i,
      /Enhanced route refresh/i,
      /Extended Message/i,
      /Extended Next Hop Encoding/i,
      'Additional Paths',
      /Role/,
      'Restart state: Yes',
      'IPv6',
      /Unknown capability 74|BFD Strict/,
    ));

  it('UPDATE with every attribute', () =>
    shows(
      dissect(update),
      '10.9.9.0/24',
      '10.1.2.0/24',
      'ORIGIN: INCOMPLETE',
      '65000 4200000001',
      'NEXT_HOP: 10.0.0.1',
      'MULTI_EXIT_DISC: 77',
      'LOCAL_PREF: 321',
      'ATOMIC_AGGREGATE',
      /AGGREGATOR: AS: 65009 origin: 10.0.0.99/,
      '65000:1',
      /Route Target: 65000:7/,
      '65000:1:2',
      'ORIGINATOR_ID: 10.0.0.88',
      'CLUSTER_LIST: 10.0.0.87',
      /OTC|ONLY_TO_CUSTOMER|Only To Customer|Unknown.*35|Type Code.*\(35\)/i,
      /Unknown \(200\)/,
    ));

  it('UPDATE for 2-octet AS numbers', () =>
    shows(dissect(narrow), '65000 23456', /AS4_PATH: 65000 4200000001/));

  it('UPDATE of IPv6, its withdrawal, and IPv4 over an IPv6 next hop', () => {
    shows(dissect(update6), '2001:db8:7::/48', '2001:db8::1');
    shows(dissect(withdrawn6), 'MP_UNREACH_NLRI', '2001:db8:7::/48');
    shows(dissect(reaching('ipv4', nlri4)), '10.1.2.0/24', '2001:db8::1');
  });

  it('End-of-RIB, KEEPALIVE and ROUTE-REFRESH of each subtype', () => {
    shows(dissect(encodeEndOfRib('ipv4')), 'UPDATE Message');
    shows(dissect(encodeEndOfRib('ipv6')), 'MP_UNREACH_NLRI');
    shows(dissect(encodeKeepalive()), 'KEEPALIVE Message');
    for (const [subtype, word] of [
      ['request', /Normal route refresh|Subtype.*0/i],
      ['begin', /Beginning of Route refresh|BoRR|Demarcation of the beginning/i],
      ['end', /End of Route refresh|EoRR|Demarcation of the end/i],
    ] as const)
      shows(dissect(encodeRouteRefresh(1, 1, subtype)), 'ROUTE-REFRESH Message', word);
  });

  it('NOTIFICATION with its shutdown text, its type, its limit, and Hard Reset', () => {
    const text = dissect(encodeNotification(notification(6, 2, encodeShutdownText('upgrade'))));
    shows(text, 'Shutdown Communication', 'upgrade');
    shows(dissect(encodeNotification(notification(5, 3, Uint8Array.of(1)))), /Finite State Machine Error/);
    shows(dissect(encodeNotification(hardReset(notification(6, 4)))), /Hard Reset/);
    shows(dissect(encodeNotification(notification(6, 10))), /BFD Down|Minor error.*10/);
  });

  it.each([
    ['none', undefined, /Your Discriminator/],
    ['simple', 'simple', /Simple Password/],
    ['keyed-md5', 'keyed-md5', /Authentication Type: Keyed MD5/],
    ['meticulous-md5', 'meticulous-md5', /Meticulous Keyed MD5/],
    ['keyed-sha1', 'keyed-sha1', /Authentication Type: Keyed SHA1/],
    ['meticulous-sha1', 'meticulous-sha1', /Meticulous Keyed SHA1/],
  ] as const)('BFD with authentication %s', (_, type, word) => {
    const authentication =
      type === undefined ? {} : { authentication: { type, keyId: 7, key: Buffer.from('key') } };
    const bfd = createBfd({ seed: 1 });
    const options = { peer: '10.0.0.2', multihop: false, intervalMs: 300, multiplier: 3, passive: false };
    const [sent] = stepBfd(
      bfd,
      { kind: 'open', session: 's', options: { ...options, ...authentication } },
      0,
    );
    if (sent?.kind !== 'send') throw new Error('nothing was sent');
    const text = dissect(sent.data, ['-u', '49152,3784'], 'bfd');
    shows(text, 'BFD Control message', 'Detect Time Multiplier: 3', word);
    if (type !== undefined) shows(text, /Key ID: 7/);
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
  it('UPDATE with every attribute, of both families', () => {
    const text = decode(update);
    for (const word of [
      '10.1.2.0/24',
      '10.9.9.0/24',
      '4200000001',
      'incomplete',
      '"local-preference": 321',
      '"med": 77',
      '"atomic-aggregate": true',
      '65009',
      '10.0.0.88',
      '10.0.0.87',
      'target:65000:7',
      '65000',
    ])
      expect(text).toContain(word);
    expect(decode(update6)).toContain('2001:db8:7::/48');
    expect(decode(withdrawn6)).toMatch(/withdraw.*2001:db8:7::\/48/s);
  });
});

/**
 * The speakers under test, all with the same task: AS 65000, three eBGP neighbors that dial it, the same
 * import policy (no martians, nothing longer than /24, LOCAL_PREF 150, a community) and the same export
 * policy (what carries that community goes to the receiver, nothing to the senders). No routes in the kernel.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { birdCommand, birdc } from '../../test/interop/bird.ts';
import { type Kind, whyNot } from '../../test/interop/daemons.ts';
import { frrCommands, vtysh } from '../../test/interop/frr.ts';
import { gobgpCommand, gobgpSpeaks } from '../../test/interop/gobgp.ts';
import { type Host, type Running, until } from '../../test/interop/lab.ts';
import { bgpctl, openbgpdCommand } from '../../test/interop/openbgpd.ts';
import { type Program, startByoa } from './byoa.ts';
import { startAhead } from './start.ts';
import { COMMUNITY, MARTIANS, type Parties, type Party, SPEAKER_AS } from './task.ts';

export type Speaker = 'byoa' | Exclude<Kind, 'exabgp'>;

export const SPEAKERS: readonly Speaker[] = ['byoa', 'bird', 'frr', 'gobgp', 'openbgpd'];

export const missing = (speaker: Speaker): string | undefined =>
  speaker === 'byoa' ? whyNotLab() : whyNot(speaker);

const whyNotLab = (): string | undefined =>
  process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'needs root on Linux';

function bird({ senders, receiver }: Parties, local: string): string {
  const peer = ({ address, as }: Party, name: string, filters: string): string =>
    [
      `protocol bgp ${name} { local ${local} as ${SPEAKER_AS}; neighbor ${address} as ${as};`,
      `  passive on; hold time 240; graceful restart off; ipv4 { ${filters} }; }`,
    ].join('\n');
  return [
    `router id ${local};`,
    'protocol device { }',
    'filter incoming {',
    `  if net ~ [ ${MARTIANS.map((one) => `${one}+`).join(', ')} ] then reject;`,
    '  if net.len > 24 then reject;',
    '  bgp_local_pref = 150; bgp_community.add((65000,100)); accept;',
    '}',
    'filter outgoing { if (65000,100) ~ bgp_community then accept; reject; }',
    ...senders.map((one, index) => peer(one, `sender${index}`, 'import filter incoming; export none;')),
    peer(receiver, 'receiver', 'import none; export filter outgoing;'),
    '',
  ].join('\n');
}

function frr({ senders, receiver }: Parties, local: string): string {
  const peer = ({ address, as }: Party): readonly string[] => [
    ` neighbor ${address} remote-as ${as}`,
    ` neighbor ${address} passive`,
    ` neighbor ${address} timers 80 240`,
    ` neighbor ${address} advertisement-interval 0`,
    ` neighbor ${address} graceful-restart-disable`,
  ];
  return [
    'frr defaults datacenter',
    'log stdout warnings',
    ...MARTIANS.map((one, index) => `ip prefix-list martians seq ${index + 5} permit ${one} le 32`),
    'ip prefix-list short seq 5 permit 0.0.0.0/0 ge 8 le 24',
    `bgp community-list standard ours permit ${COMMUNITY}`,
    'route-map incoming deny 10',
    ' match ip address prefix-list martians',
    'route-map incoming permit 20',
    ' match ip address prefix-list short',
    ' set local-preference 150',
    ` set community ${COMMUNITY} additive`,
    'route-map outgoing permit 10',
    ' match community ours',
    'route-map nothing deny 10',
    `router bgp ${SPEAKER_AS}`,
    ` bgp router-id ${local}`,
    ' no bgp default ipv4-unicast',
    ...[...senders, receiver].flatMap(peer),
    ' address-family ipv4 unicast',
    ...senders.flatMap(({ address }) => [
      `  neighbor ${address} activate`,
      `  neighbor ${address} route-map incoming in`,
      `  neighbor ${address} route-map nothing out`,
    ]),
    `  neighbor ${receiver.address} activate`,
    `  neighbor ${receiver.address} route-map nothing in`,
    `  neighbor ${receiver.address} route-map outgoing out`,
    ' exit-address-family',
    '',
  ].join('\n');
}

function gobgpd({ senders, receiver }: Parties, local: string): string {
  const peer = ({ address, as }: Party): readonly string[] => [
    '[[neighbors]]',
    '  [neighbors.config]',
    `    neighbor-address = "${address}"`,
    `    peer-as = ${as}`,
    '  [neighbors.timers.config]',
    '    hold-time = 240',
    '  [neighbors.transport.config]',
    '    passive-mode = true',
  ];
  const set = (name: string, addresses: readonly string[]): readonly string[] => [
    '[[defined-sets.neighbor-sets]]',
    `  neighbor-set-name = "${name}"`,
    `  neighbor-info-list = [${addresses.map((one) => `"${one}"`).join(', ')}]`,
  ];
  return [
    '[global.config]',
    `  as = ${SPEAKER_AS}`,
    `  router-id = "${local}"`,
    '[global.apply-policy.config]',
    '  import-policy-list = ["incoming"]',
    '  default-import-policy = "reject-route"',
    '  export-policy-list = ["outgoing"]',
    '  default-export-policy = "reject-route"',
    ...[...senders, receiver].flatMap(peer),
    ...set(
      'senders',
      senders.map(({ address }) => address),
    ),
    ...set('receivers', [receiver.address]),
    '[[defined-sets.prefix-sets]]',
    '  prefix-set-name = "martians"',
    ...MARTIANS.flatMap((one) => [
      '  [[defined-sets.prefix-sets.prefix-list]]',
      `    ip-prefix = "${one}"`,
      `    masklength-range = "${one.split('/')[1]}..32"`,
    ]),
    '[[defined-sets.prefix-sets]]',
    '  prefix-set-name = "short"',
    '  [[defined-sets.prefix-sets.prefix-list]]',
    '    ip-prefix = "0.0.0.0/0"',
    '    masklength-range = "8..24"',
    '[[defined-sets.bgp-defined-sets.community-sets]]',
    '  community-set-name = "ours"',
    `  community-list = ["^${COMMUNITY}$"]`,
    '[[policy-definitions]]',
    '  name = "incoming"',
    '  [[policy-definitions.statements]]',
    '    [policy-definitions.statements.conditions.match-prefix-set]',
    '      prefix-set = "martians"',
    '    [policy-definitions.statements.actions]',
    '      route-disposition = "reject-route"',
    '  [[policy-definitions.statements]]',
    '    [policy-definitions.statements.conditions.match-prefix-set]',
    '      prefix-set = "short"',
    '    [policy-definitions.statements.conditions.match-neighbor-set]',
    '      neighbor-set = "senders"',
    '    [policy-definitions.statements.actions]',
    '      route-disposition = "accept-route"',
    '    [policy-definitions.statements.actions.bgp-actions]',
    '      set-local-pref = 150',
    '    [policy-definitions.statements.actions.bgp-actions.set-community]',
    '      options = "add"',
    '    [policy-definitions.statements.actions.bgp-actions.set-community.set-community-method]',
    `      communities-list = ["${COMMUNITY}"]`,
    '[[policy-definitions]]',
    '  name = "outgoing"',
    '  [[policy-definitions.statements]]',
    '    [policy-definitions.statements.conditions.match-neighbor-set]',
    '      neighbor-set = "receivers"',
    '    [policy-definitions.statements.conditions.bgp-conditions.match-community-set]',
    '      community-set = "ours"',
    '    [policy-definitions.statements.actions]',
    '      route-disposition = "accept-route"',
    '',
  ].join('\n');
}

function openbgpd({ senders, receiver }: Parties, local: string, folder: string): string {
  const accepted = `prefix 0.0.0.0/0 prefixlen 8 - 24 set { localpref 150 community ${COMMUNITY} }`;
  const peer = ({ address, as }: Party): string =>
    [`neighbor ${address} {`, `  remote-as ${as}`, '  passive', '  holdtime 240', '}'].join('\n');
  return [
    `AS ${SPEAKER_AS}`,
    `router-id ${local}`,
    'fib-update no',
    `listen on ${local}`,
    `socket "${join(folder, 'bgpd.sock')}"`,
    `prefix-set martians { ${MARTIANS.map((one) => `${one} or-longer`).join(' ')} }`,
    ...[...senders, receiver].map(peer),
    ...senders.map(({ address }) => `allow from ${address} ${accepted}`),
    'deny from any prefix-set martians',
    `allow to ${receiver.address} community ${COMMUNITY}`,
    '',
  ].join('\n');
}

/** Starts a speaker in a host and waits until it answers; `parties` are its neighbors, `byoa` is ours. */
export async function startSpeaker(
  speaker: Speaker,
  byoa: Program,
  host: Host,
  parties: Parties,
): Promise<readonly Running[]> {
  const { folder, ipv4: local } = host;
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  const answers = (question: () => Promise<unknown>): Promise<boolean> =>
    until(`${speaker} answers`, async () => {
      await question();
      return true;
    });
  switch (speaker) {
    case 'byoa':
      return [await startByoa(byoa, host, parties)];
    case 'bird': {
      write('bird.conf', bird(parties, local));
      const running = startAhead(host, 'bird', birdCommand(folder));
      await answers(() => birdc(host, 'show', 'status'));
      return [running];
    }
    case 'frr': {
      write('bgpd.conf', frr(parties, local));
      spawnSync('chown', ['-R', 'frr:frr', folder]);
      const command = frrCommands(folder).find(([name]) => name === 'bgpd')?.[1] ?? [];
      // Alone: neither zebra nor the kernel take part.
      const running = startAhead(host, 'bgpd', [...command, '-Z', '-n']);
      await answers(() => vtysh(host, 'show bgp summary json'));
      return [running];
    }
    case 'gobgp': {
      write('gobgpd.toml', gobgpd(parties, local));
      const running = startAhead(host, 'gobgpd', gobgpCommand(folder));
      await answers(() => gobgpSpeaks(host));
      return [running];
    }
    case 'openbgpd': {
      mkdirSync('/run/openbgpd', { recursive: true });
      write('bgpd.conf', openbgpd(parties, local, folder));
      const running = startAhead(host, 'bgpd', openbgpdCommand(folder));
      await answers(() => bgpctl(host, 'show', 'summary'));
      return [running];
    }
  }
}

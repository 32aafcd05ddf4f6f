/**
 * BIRD or FRR as an appliance's BGP speaker, in place of the daemon: the sessions that the daemon would have,
 * in their words. Pure text; BIRD 2.0 and FRR 8.4, Debian 12.
 */
import { BFD_DEFAULT, type ConfigInput } from '../../controller/config.ts';
import type { SpeakerKind } from '../settings.ts';
import type { BootPart } from './boot-part.ts';

type BgpInput = NonNullable<ConfigInput['bgp']>;
type Group = NonNullable<BgpInput['dynamic']>[number];

/** Who speaks, and what the daemon would say in its place. */
export interface Speaker {
  readonly kind: SpeakerKind;
  readonly bgp: BgpInput;
}

/** What is put in at boot, since it is secret or is known there alone. */
const [PASSWORD, KEY, IPV6] = ['@PASSWORD@', '@BFD_KEY@', '@IPV6@'];

const isIpv6 = (prefix: string): boolean => prefix.includes(':');
const families = ['ipv4', 'ipv6'] as const;
type Family = (typeof families)[number];

interface Announced {
  readonly prefix: string;
  readonly med: number;
}

const announcedBy = ({ originate = [] }: BgpInput, family: Family): readonly Announced[] =>
  originate
    .filter(({ prefix }) => isIpv6(prefix) === (family === 'ipv6'))
    .map(({ prefix, med = 0 }) => ({ prefix, med }));

const speaks = (group: Group, family: Family): boolean => (group.families ?? ['ipv4']).includes(family);

/** A parameter of Systems Manager; undefined where there is no secret. */
function parameterOf(secret: Group['password']): string | undefined {
  if (secret === undefined) return undefined;
  if (typeof secret === 'object' && 'ssm' in secret && secret.ssm !== undefined) return secret.ssm;
  throw new Error('secrets of BIRD and FRR are parameters of Systems Manager; give { ssm: NAME }');
}

const keyOf = ({ bfd }: Group): string | undefined =>
  typeof bfd === 'object' && bfd.auth !== undefined ? parameterOf(bfd.auth.key) : undefined;

interface Secrets {
  readonly password: string | undefined;
  readonly key: string | undefined;
}

/** All sessions of an appliance have the same. */
function secretsOf({ dynamic = [] }: BgpInput): Secrets {
  const [first] = dynamic;
  return { password: parameterOf(first?.password), key: first && keyOf(first) };
}

const birdGroup = (bgp: BgpInput, group: Group, at: number): string => {
  const channel = (family: Family): string => {
    const hop = family === 'ipv6' ? ` next hop address ${IPV6};` : '';
    return `  ${family} { import none; export filter announced;${hop} };\n`;
  };
  const password = group.password === undefined ? '' : `  password "${PASSWORD}";\n`;
  return `protocol bgp takers${at} {
  local ${bgp.routerId} as ${bgp.as};
  neighbor range ${group.prefix} as ${asOf(group)};
  dynamic name "taker${at}_";
  passive;
  bfd;
${password}${families
  .filter((family) => speaks(group, family))
  .map(channel)
  .join('')}}
`;
};

const asOf = ({ name, as }: Group): number => {
  const [only, ...more] = Array.isArray(as) ? as : [as];
  if (typeof only === 'number' && more.length === 0) return only;
  throw new Error(`neighbors of ${name} have one AS number where BIRD or FRR speaks; give one`);
};

function bird(bgp: BgpInput): string {
  const { key } = secretsOf(bgp);
  const auth = key === undefined ? '' : ` authentication meticulous keyed sha1; password "${KEY}" { id 1; };`;
  const statics = families.flatMap((family) => {
    const routes = announcedBy(bgp, family).map(({ prefix }) => `route ${prefix} blackhole;`);
    return routes.length === 0 ? [] : [`protocol static { ${family}; ${routes.join(' ')} }\n`];
  });
  const accepted = families
    .flatMap((family) => announcedBy(bgp, family))
    .map(({ prefix, med }) => `  if net = ${prefix} then { bgp_med = ${med}; accept; }\n`);
  // No protocol of the kernel: what is announced is for others, and leads this machine nowhere.
  return `log stderr all;
router id ${bgp.routerId};
protocol device { }
protocol bfd {
  accept direct;
  interface "*" { interval ${BFD_DEFAULT.intervalMs} ms; multiplier ${BFD_DEFAULT.multiplier};${auth} };
}
${statics.join('')}filter announced {
  if source != RTS_STATIC then reject;
${accepted.join('')}  reject;
}
${(bgp.dynamic ?? []).map((group, at) => birdGroup(bgp, group, at)).join('')}`;
}

const frrGroup = (group: Group): readonly string[] => [
  ` neighbor ${group.name} peer-group`,
  ` neighbor ${group.name} remote-as ${asOf(group)}`,
  ` neighbor ${group.name} passive`,
  // Else 3 and 9 s, of a datacenter.
  ` neighbor ${group.name} timers 30 90`,
  ` neighbor ${group.name} bfd profile byoa`,
  ...(group.password === undefined ? [] : [` neighbor ${group.name} password ${PASSWORD}`]),
  ` bgp listen range ${group.prefix} peer-group ${group.name}`,
];

function frrFamily(bgp: BgpInput, family: Family): readonly string[] {
  const groups = (bgp.dynamic ?? []).filter((group) => speaks(group, family));
  if (groups.length === 0) return [];
  return [
    ` address-family ${family} unicast`,
    ...announcedBy(bgp, family).map(({ prefix, med }) => `  network ${prefix} route-map med-${med}`),
    ...groups.flatMap(({ name }) => [
      `  neighbor ${name} activate`,
      `  neighbor ${name} route-map nothing in`,
      `  neighbor ${name} route-map everything out`,
    ]),
    ' exit-address-family',
  ];
}

/** FRR 8 to 10. */
export const NO_KEY = 'FRR does not authenticate BFD; leave out bfdKeyParameter, or have bird or byoa speak';

function frr(bgp: BgpInput): string {
  if (secretsOf(bgp).key !== undefined) throw new Error(NO_KEY);
  const meds = [...new Set(families.flatMap((family) => announcedBy(bgp, family).map(({ med }) => med)))];
  return [
    'frr defaults datacenter',
    'log syslog informational',
    'bfd',
    ' profile byoa',
    `  detect-multiplier ${BFD_DEFAULT.multiplier}`,
    `  receive-interval ${BFD_DEFAULT.intervalMs}`,
    `  transmit-interval ${BFD_DEFAULT.intervalMs}`,
    ' exit',
    'exit',
    'route-map nothing deny 10',
    'route-map everything permit 10',
    ...meds.flatMap((med) => [`route-map med-${med} permit 10`, ` set metric ${med}`]),
    `router bgp ${bgp.as}`,
    ` bgp router-id ${bgp.routerId}`,
    ' no bgp default ipv4-unicast',
    ' no bgp network import-check',
    // A hundred otherwise.
    ' bgp listen limit 65535',
    ...(bgp.dynamic ?? []).flatMap(frrGroup),
    ...families.flatMap((family) => frrFamily(bgp, family)),
    '',
  ].join('\n');
}

/** What differs between the two; their services and users are called as they are. */
const KINDS = {
  bird: {
    text: bird,
    package: 'bird2',
    program: 'birdc',
    config: '/etc/bird/bird.conf',
    prepare: '',
    // Debian's unit starts it again after an abort alone.
    unit: () => '\n[Service]\nRestart=always\nRestartSec=1',
  },
  frr: {
    text: frr,
    package: 'frr',
    program: 'vtysh',
    config: '/etc/frr/frr.conf',
    prepare: "sed -i 's/^\\(bgpd\\|bfdd\\)=no/\\1=yes/' /etc/frr/daemons\n",
    // It ends BFD before BGP: neighbors are told to look elsewhere before that. RFC 8326.
    unit: ({ as }: BgpInput) => `
[Service]
ExecStop=
ExecStop=/bin/sh -c "vtysh -c 'configure terminal' -c 'router bgp ${as}' -c 'bgp graceful-shutdown'; sleep 1; exec /usr/lib/frr/frrinit.sh stop"`,
  },
} as const;

const TEMPLATE = '/etc/byoa/speaker.conf';
const SCRIPT = '/usr/local/sbin/byoa-speaker';

/** Waits for what it needs: a speaker without its password would speak to nobody, or to anybody. */
const script = ({ kind, bgp }: Speaker, template: string): string => {
  const { config, prepare } = KINDS[kind];
  const { password, key } = secretsOf(bgp);
  const fill = [
    ...(password === undefined ? [] : [`fill ${PASSWORD} secret '${password}'`]),
    ...(key === undefined ? [] : [`fill ${KEY} secret '${key}'`]),
    ...(template.includes(IPV6) ? [`fill ${IPV6} own_ipv6`] : []),
  ];
  return `#!/bin/bash
# Writes ${config}: ${TEMPLATE}, with what is secret or known here alone.
set -euo pipefail
umask 077
secret() { # PARAMETER
  byoa parameter "$1" --config /etc/byoa/byoa.yaml
}
own_ipv6() {
  ip -o -6 address show scope global | grep -o 'inet6 [^/]*' | head -1 | cut -d ' ' -f 2
}
fill() { # PLACE COMMAND...
  local place=$1 found
  shift
  until found=$("$@") && [[ $found =~ ^[!-~]+$ && $found != *[\\"\\\\]* ]]; do
    echo "$* gives nothing that ${config} may have (no blanks, quotes and backslashes); again in 5 s" >&2
    sleep 5
  done
  text=\${text//"$place"/"$found"}
}
text=$(<${TEMPLATE})
${fill.join('\n')}
${prepare}printf '%s\\n' "$text" >${config}.part
chown ${kind}:${kind} ${config}.part
mv ${config}.part ${config}`;
};

const unit = ({ kind }: Speaker): string => `[Unit]
Description=Configuration of what speaks BGP here
After=network-online.target
Wants=network-online.target
Before=${kind}.service

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=${SCRIPT}

[Install]
WantedBy=multi-user.target`;

/** At a shutdown it goes once others have what this appliance had. */
const dropIn = ({ kind, bgp }: Speaker): string => `[Unit]
Requires=byoa-speaker.service
After=byoa-speaker.service
Before=byoa-leave.service
${KINDS[kind].unit(bgp)}`;

/** A part of the first boot; the daemon, which reads the secrets, is there before. */
export function speakerPart(speaker: Speaker): BootPart {
  const { kind, bgp } = speaker;
  const { text, program, package: needed } = KINDS[kind];
  const template = text(bgp);
  return {
    directories: [`/etc/systemd/system/${kind}.service.d`, '/usr/local/sbin'],
    files: [
      [TEMPLATE, template],
      [SCRIPT, script(speaker, template)],
      ['/etc/systemd/system/byoa-speaker.service', unit(speaker)],
      [`/etc/systemd/system/${kind}.service.d/byoa.conf`, dropIn(speaker)],
    ],
    functions: `
start_speaker() {
  chmod 755 "$ROOT${SCRIPT}"
  command -v ${program} >/dev/null ||
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends ${needed}; }
  systemctl daemon-reload
  systemctl enable --quiet byoa-speaker ${kind}
  systemctl restart byoa-speaker ${kind}
}
`,
    afterDaemon: `  start_speaker || say 'nothing speaks BGP here (journalctl -u byoa-speaker -u ${kind})'\n`,
  };
}

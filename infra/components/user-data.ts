/**
 * The script that cloud-init runs on an appliance's first boot: forwarding first, so that the appliance
 * forwards even where the daemon cannot be had; then the daemon, checked against its SHA-256, under systemd.
 * Pure text; Debian 12.
 */
import type { BootPart } from './boot-part.ts';
import { type StateSync, stateGuard, statePart } from './state-sync.ts';
import { CLAMP, type Tunnels, tunnelPart } from './tunnels.ts';
import { LEAVE_UNIT, UNIT } from './unit.ts';

/** What a machine is on its first boot. */
export interface Boot {
  readonly name: string;
  readonly forwarding:
    | { readonly kind: 'none' }
    /** Packets from the IPv4 blocks to elsewhere leave with the machine's own address. */
    | {
        readonly kind: 'nat';
        readonly blocks: readonly string[];
        /** Blocks that leave with another address. */
        readonly translate: readonly { readonly from: string; readonly to: string }[];
      }
    /** What the lines of an nftables chain accept is forwarded; everything where there are none. */
    | { readonly kind: 'firewall'; readonly rules: string; readonly sync?: StateSync };
  /** Addresses outside the VPC that it answers for. */
  readonly overlay: readonly string[];
  readonly ipv6: boolean;
  /** Whether its daemon speaks BGP. */
  readonly speaks?: boolean;
  /** Appliances on its own link, by one of which it fetches the daemon that then takes their routes. */
  readonly gateways?: readonly string[];
  /** VPN tunnels, whose keys the daemon's executable fetches. */
  readonly tunnels?: Tunnels;
  /** What speaks BGP in place of the daemon. */
  readonly speaker?: BootPart;
  /** The daemon, where it runs one. */
  readonly daemon?: {
    readonly url: string;
    /** 64 lower-case hexadecimal digits. */
    readonly sha256: string;
    /** The configuration file, YAML. */
    readonly config: string;
  };
}

/** EC2 takes 16 KB of user data, before base64. */
export const USER_DATA_LIMIT_BYTES = 16_384;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A file written by the script, byte for byte. */
function file(path: string, text: string): string {
  const end = 'END_OF_FILE';
  if (text.split('\n').includes(end))
    throw new Error(`a line of ${path} is '${end}', which ends files in user data`);
  return `cat >"$ROOT${path}" <<'${end}'\n${text.trimEnd()}\n${end}`;
}

const ECHO = [
  '# ICMP echo without privileges, for the probes of the daemon.',
  'net.ipv4.ping_group_range = 0 2147483647',
];

const BGP = ["# BGP's port without privileges, for the daemon.", 'net.ipv4.ip_unprivileged_port_start = 179'];

/** By a pattern, as devices that are there already follow neither `all` nor `default`. */
const REDIRECTS = [
  '# Who sends by a machine on its own link means it, and is not sent past it.',
  'net.ipv4.conf.*.send_redirects = 0',
  'net.ipv4.conf.*.accept_redirects = 0',
  'net.ipv6.conf.*.accept_redirects = 0',
];

const sysctls = ({ forwarding, ipv6, speaks = false }: Boot): string =>
  [
    ...(speaks ? BGP : []),
    ...REDIRECTS,
    ...(forwarding.kind === 'none'
      ? ECHO
      : [
          '# Forward, and let packets come in on one ENI and leave by another.',
          'net.ipv4.ip_forward = 1',
          'net.ipv4.conf.all.rp_filter = 0',
          'net.ipv4.conf.default.rp_filter = 2',
          ...ECHO,
          ...(ipv6
            ? [
                '# A forwarding host would otherwise ignore the router that gives it its default route.',
                'net.ipv6.conf.all.accept_ra = 2',
                'net.ipv6.conf.default.accept_ra = 2',
                'net.ipv6.conf.all.forwarding = 1',
              ]
            : []),
        ]),
  ].join('\n');

const masquerade = ({ blocks, translate }: Extract<Boot['forwarding'], { kind: 'nat' }>): string => {
  const block = blocks.length === 1 ? blocks.join() : `{ ${blocks.join(', ')} }`;
  const special = translate.map(
    ({ from, to }) => `    ip saddr ${from} ip daddr != ${block} snat to ${to}\n`,
  );
  return `table ip byoa {
${translate.length === 0 ? '' : unanswered(translate.map(({ to }) => to))}  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${special.join('')}    ip saddr ${block} ip daddr != ${block} masquerade
  }
}`;
};

/**
 * After a takeover the answers of connections may come before the first packet that tells this machine whose
 * they are: it must not reset them.
 */
const unanswered = (addresses: readonly string[]): string => `  chain input {
    type filter hook input priority filter; policy accept;
    ip daddr { ${addresses.join(', ')} } tcp flags & (fin | syn | rst | ack) != syn ct state new,invalid drop
  }
`;

/** Without rules everything is forwarded; else what they accept, what belongs to it, and echo requests. */
const filter = ({ rules, sync }: Extract<Boot['forwarding'], { kind: 'firewall' }>): string => {
  const lines = rules.split('\n').filter((line) => line.trim() !== '');
  const policy = lines.length === 0 ? 'accept' : 'drop';
  return `table inet byoa {
  chain forward {
    type filter hook forward priority filter; policy ${policy};
    ct state established,related accept
    icmp type echo-request accept
${lines.map((line) => `    ${line.trim()}\n`).join('')}  }
${sync === undefined ? '' : stateGuard(sync)}}`;
};

function nftables(forwarding: Exclude<Boot['forwarding'], { kind: 'none' }>, clamps: boolean): string {
  const tables = forwarding.kind === 'nat' ? masquerade(forwarding) : filter(forwarding);
  const clamp = clamps ? `\ntable ip byoa_tunnels {\n${CLAMP}}` : '';
  return `#!/usr/sbin/nft -f\nflush ruleset\n${tables}${clamp}`;
}

/** Overlay addresses stand on the loopback interface, at every boot. */
const overlayUnit = (overlay: readonly string[]): string => `[Unit]
Description=Overlay addresses of byoa
After=network-pre.target
Before=byoa.service

[Service]
Type=oneshot
RemainAfterExit=yes
${overlay.map((address) => `ExecStart=/usr/sbin/ip address replace ${address}/32 dev lo`).join('\n')}

[Install]
WantedBy=multi-user.target`;

/** Between what the daemon writes and what DHCP has brought. */
const LEAD_METRIC = 30;

/** Until its daemon runs, which may have to fetch its secrets, the machine sends by those that announce. */
const leading = (gateways: readonly string[]): string => `GATEWAYS=(${gateways.join(' ')})

lead_out() { # ATTEMPT
  ip route replace default via "\${GATEWAYS[$1 % \${#GATEWAYS[@]}]}" metric ${LEAD_METRIC}
}

lead_back() {
  ip route delete default metric ${LEAD_METRIC}
}

`;

/** Fetches by whatever the image has: curl, wget, or the Python that cloud-init itself needs. */
const fetching = ({
  gateways = [],
}: Boot): string => `${gateways.length === 0 ? '' : leading(gateways)}fetch() { # URL FILE
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --max-time 120 --output "$2" "$1"
  elif command -v wget >/dev/null; then
    wget --quiet --timeout=120 --output-document="$2" "$1"
  else
    python3 -c 'import sys, urllib.request as r; r.urlretrieve(sys.argv[1], sys.argv[2])' "$1" "$2"
  fi
}

install_daemon() {
  local part="$ROOT/usr/local/bin/byoa.part" attempt found
  for attempt in $(seq "$ATTEMPTS"); do
${gateways.length === 0 ? '' : '    lead_out "$attempt"\n'}    if fetch "$DAEMON_URL" "$part"; then
      found=$(sha256sum "$part" | cut -d ' ' -f 1)
      if [ "$found" = "$DAEMON_SHA256" ]; then
        chmod 755 "$part"
        mv "$part" "$ROOT/usr/local/bin/byoa"
        return 0
      fi
      rm -f "$part"
      say "the file at $DAEMON_URL has SHA-256 $found, not $DAEMON_SHA256: it is not started; deploy the right digest"
      return 1
    fi
    say "attempt $attempt of $ATTEMPTS to fetch $DAEMON_URL failed"
    sleep "$PAUSE_S"
  done
  say "could not fetch $DAEMON_URL: the appliance forwards, but no daemon watches it"
  return 1
}`;

/** The script; throws an error that gives the size where EC2 would refuse it. */
export function userData(boot: Boot): string {
  const { name, daemon, overlay, forwarding, gateways = [] } = boot;
  const parts = partsOf(boot);
  const all = (of: (part: BootPart) => string | undefined): string => parts.map(of).join('');
  const script = `#!/bin/bash
# byoa: sets up ${name} on its first boot.
set -euo pipefail
ROOT=''
ATTEMPTS=60
PAUSE_S=5
DAEMON_URL=${quoted(daemon?.url ?? '')}
DAEMON_SHA256=${quoted(daemon?.sha256 ?? '')}

say() {
  echo "byoa: $*" >&2
}

${daemon === undefined ? '' : fetching(boot)}

write_files() {
mkdir -p "$ROOT/etc/sysctl.d" "$ROOT/etc/byoa" "$ROOT/etc/systemd/system" "$ROOT/usr/local/bin"${all(({ directories }) => directories.map((one) => ` "$ROOT${one}"`).join(''))}
${filesOf(boot).join('\n')}
}

start_network() {
  sysctl --quiet --system
${overlay.length === 0 ? '' : OVERLAY}${forwarding.kind === 'none' ? '' : NFTABLES}}

start_daemon() {
  id byoa >/dev/null 2>&1 || useradd --system --home-dir /var/lib/byoa --shell /usr/sbin/nologin byoa
  systemctl daemon-reload
  systemctl enable --quiet --now byoa byoa-leave
}
${all(({ functions }) => functions)}
main() {
  write_files
  start_network
${daemon === undefined ? '' : `  install_daemon\n${all(({ beforeDaemon }) => beforeDaemon)}${gateways.length === 0 ? '  start_daemon' : LED_START}\n`}${all(({ afterDaemon }) => afterDaemon)}  say '${name} is set up'
}

main
`;
  const bytes = Buffer.byteLength(script);
  if (bytes <= USER_DATA_LIMIT_BYTES) return script;
  throw new Error(
    `the user data of ${name} has ${bytes} bytes, and EC2 takes ${USER_DATA_LIMIT_BYTES}: ` +
      'shorten the daemon configuration (fewer tables or probes), or select tables by tag',
  );
}

const LED_START = `  if start_daemon; then
    lead_back
  else
    say 'the daemon does not run yet (journalctl -u byoa): the way out of the first boot stays'
  fi`;

const NFTABLES = `  command -v nft >/dev/null || { apt-get -qq update && apt-get -qq install -y nftables; }
  systemctl enable --quiet nftables
  systemctl restart nftables
`;

const OVERLAY = `  systemctl daemon-reload
  systemctl enable --quiet --now byoa-overlay
`;

const syncOf = ({ forwarding }: Boot): StateSync | undefined =>
  forwarding.kind === 'firewall' ? forwarding.sync : undefined;

function partsOf(boot: Boot): readonly BootPart[] {
  const sync = syncOf(boot);
  return [
    ...(sync === undefined ? [] : [statePart(sync)]),
    ...(boot.tunnels === undefined ? [] : [tunnelPart(boot.tunnels)]),
    ...(boot.speaker === undefined ? [] : [boot.speaker]),
  ];
}

const filesOf = (boot: Boot): readonly string[] => [
  file('/etc/sysctl.d/90-byoa.conf', sysctls(boot)),
  ...(boot.forwarding.kind === 'none'
    ? []
    : [file('/etc/nftables.conf', nftables(boot.forwarding, boot.tunnels !== undefined))]),
  ...(boot.overlay.length === 0
    ? []
    : [file('/etc/systemd/system/byoa-overlay.service', overlayUnit(boot.overlay))]),
  ...partsOf(boot).flatMap(({ files }) => files.map(([path, text]) => file(path, text))),
  ...(boot.daemon === undefined
    ? []
    : [
        file('/etc/byoa/byoa.yaml', boot.daemon.config),
        file('/etc/systemd/system/byoa.service', UNIT),
        file('/etc/systemd/system/byoa-leave.service', LEAVE_UNIT),
      ]),
];

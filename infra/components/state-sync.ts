/**
 * Two firewalls tell each other of the connections that they let through (conntrackd), so that those go on
 * when the other one takes over. Pure text; conntrackd 1.4, Debian 12.
 */
import type { BootPart } from './boot-part.ts';

/** A firewall and the other one: their private addresses. */
export interface StateSync {
  readonly own: string;
  readonly partner: string;
}

const PORT = 3780;
const CONFIG = '/etc/byoa/conntrackd.conf';
/** What the script puts the name of the network device in place of. */
const DEVICE = 'DEVICE';

/**
 * By unicast, for a VPC forwards no multicast. What the partner says goes into the kernel's table at once: a
 * takeover is a change of routes alone, and nobody has to tell the firewall of it.
 */
const config = ({ own, partner }: StateSync): string => `Sync {
  Mode FTFW {
    DisableExternalCache yes
    StartupResync yes
  }
  UDP {
    IPv4_address ${own}
    IPv4_Destination_Address ${partner}
    Port ${PORT}
    Interface ${DEVICE}
    Checksum on
  }
}
General {
  HashSize 65536
  HashLimit 262144
  Syslog on
  LockFile /run/byoa-state/lock
  UNIX {
    Path /run/byoa-state/control
  }
  NetlinkBufferSize 2097152
  NetlinkBufferSizeMaxGrowth 8388608
  Filter From Userspace {
    Protocol Accept {
      TCP
      UDP
      ICMP
    }
    Address Ignore {
      IPv4_address 127.0.0.1
      IPv4_address ${own}
      IPv4_address ${partner}
    }
  }
}`;

const SANDBOX = `Restart=always
RestartSec=1
CapabilityBoundingSet=CAP_NET_ADMIN
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_NETLINK
LockPersonality=yes

[Install]
WantedBy=multi-user.target`;

const UNIT = `[Unit]
Description=Tells the other firewall of connections
Wants=network-online.target
After=network-online.target nftables.service

[Service]
ExecStart=/usr/sbin/conntrackd -C ${CONFIG}
RuntimeDirectory=byoa-state
${SANDBOX}`;

/** How often it looks at the kernel's table, and how often it asks the partner for all after a start. */
const LOOK_EVERY_S = 5;
const ASKS = 6;

const LOOP_FILE = '/etc/byoa/resync.sh';
const LOOP = `asked=0
while sleep ${LOOK_EVERY_S}; do
  conntrackd -C ${CONFIG} -R
  [ $asked -ge ${ASKS} ] || conntrackd -C ${CONFIG} -n
  asked=$((asked + 1))
done`;

/**
 * What the partner has told stands in the kernel's table alone: of connections that came by a takeover, and
 * are quiet since, nobody would tell a partner that has come back. So that table is looked at, and who has
 * just started asks for all of it.
 */
const RESYNC_UNIT = `[Unit]
Description=Keeps in mind the connections that came from the other firewall
After=byoa-state.service

[Service]
ExecStart=/bin/sh ${LOOP_FILE}
Nice=10
${SANDBOX}`;

const stateFiles = (sync: StateSync): BootPart['files'] => [
  [CONFIG, config(sync)],
  ['/etc/systemd/system/byoa-state.service', UNIT],
  [LOOP_FILE, LOOP],
  ['/etc/systemd/system/byoa-resync.service', RESYNC_UNIT],
];

/** A chain of nftables: nobody but the partner tells of connections, which would be let through. */
export const stateGuard = ({ partner }: StateSync): string => `  chain input {
    type filter hook input priority filter; policy accept;
    udp dport ${PORT} ip saddr != ${partner} drop
  }
`;

const stateScript = ({ partner }: StateSync): string => `
share_state() {
  local device
  # The package's own service has a configuration of its own.
  systemctl mask --quiet --now conntrackd
  if ! command -v conntrackd >/dev/null; then
    apt-get -qq update && apt-get -qq install -y --no-install-recommends conntrackd || return 1
  fi
  device=$(ip -o route get ${partner} | grep -o 'dev [^ ]*' | cut -d ' ' -f 2)
  sed -i "s/Interface ${DEVICE}/Interface $device/" "$ROOT${CONFIG}"
  systemctl daemon-reload
  systemctl enable --quiet --now byoa-state byoa-resync
}
`;

/** A part of the first boot; without it the firewall filters all the same. */
export const statePart = (sync: StateSync): BootPart => ({
  directories: [],
  files: stateFiles(sync),
  functions: stateScript(sync),
  afterDaemon: `  share_state || say 'there is no conntrackd: a takeover breaks connections'\n`,
});

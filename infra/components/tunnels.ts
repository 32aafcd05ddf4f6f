/**
 * The VPN tunnels of an appliance by strongSwan, a route-based device for each (XFRM interfaces): the daemon
 * speaks BGP through them, and what it learns leads into them. Pure text; strongSwan 5.9, Debian 12, and what
 * AWS's ends propose. AWS Site-to-Site VPN User Guide, "Tunnel options".
 */
import { tunnelAddress } from '../layout.ts';
import type { BootPart } from './boot-part.ts';

/** One tunnel. */
export interface Tunnel {
  /** `10.1.0.0-a-1`. */
  readonly name: string;
  /** The public address of the gateway's end. */
  readonly outside: string;
  /** The /30 of both ends inside: the first address is the gateway's. */
  readonly inside: string;
}

/** The tunnels of one appliance. */
export interface Tunnels {
  readonly all: readonly Tunnel[];
  /** Its own public address, which is the customer gateway. */
  readonly publicIp: string;
  /** The parameter of Systems Manager that has the keys. */
  readonly parameter: string;
}

/** What a connection's name is in configuration files: a dot begins a part of a name there. */
const idOf = ({ name }: Tunnel): string => name.replaceAll('.', '_');

/** The keys as strongSwan reads them: secret. */
export const keysText = (tunnels: readonly Tunnel[], keys: readonly string[]): string =>
  `secrets {\n${tunnels
    .map(
      (tunnel, at) =>
        `  ike-${idOf(tunnel)} {\n    id = ${tunnel.outside}\n    secret = "${keys[at]}"\n  }\n`,
    )
    .join('')}}\n`;

/** So that a whole packet fits into one of 1,500 bytes, whatever the ends agree on. */
export const TUNNEL_MTU = 1400;

const CONNECTIONS = '/etc/swanctl/conf.d/byoa.conf';
const KEYS = '/etc/swanctl/conf.d/byoa-keys.conf';

const connection = (tunnel: Tunnel, at: number): string => `  ${idOf(tunnel)} : byoa.tunnel {
    remote_addrs = ${tunnel.outside}
    remote {
      id = ${tunnel.outside}
    }
    children {
      ${idOf(tunnel)} : byoa.child {
        if_id_in = ${at + 1}
        if_id_out = ${at + 1}
      }
    }
  }`;

/** Of what AWS offers the old half is left out: groups 2 and 5, SHA-1, CBC. */
const connections = ({ all, publicIp }: Tunnels): string => `byoa {
  tunnel {
    version = 2
    proposals = aes256gcm16-prfsha384-ecp384,aes128gcm16-prfsha256-ecp256
    encap = yes
    dpd_delay = 10s
    keyingtries = 0
    rekey_time = 7h
    local {
      auth = psk
      id = ${publicIp}
    }
    remote {
      auth = psk
    }
  }
  child {
    local_ts = 0.0.0.0/0
    remote_ts = 0.0.0.0/0
    esp_proposals = aes256gcm16-ecp384,aes128gcm16-ecp256
    start_action = start
    close_action = start
    dpd_action = restart
    rekey_time = 50m
  }
}
connections {
${all.map(connection).join('\n')}
}`;

/** Devices and keys at every boot; keys that cannot be had are used as they were. */
const script = ({ all, parameter }: Tunnels): string => `#!/bin/bash
# The devices of the VPN tunnels, and their keys.
set -euo pipefail
uplink=$(ip -o route get 169.254.169.254 | grep -o 'dev [^ ]*' | cut -d ' ' -f 2)
while read -r id address; do
  ip link show "vpn$id" >/dev/null 2>&1 || ip link add "vpn$id" type xfrm dev "$uplink" if_id "$id"
  ip address replace "$address" dev "vpn$id"
  ip link set "vpn$id" mtu ${TUNNEL_MTU} up
done <<'END'
${all.map(({ inside }, at) => `${at + 1} ${tunnelAddress(inside, 2)}/30`).join('\n')}
END
for attempt in $(seq 60); do
  if (umask 077 && byoa parameter '${parameter}' --config /etc/byoa/byoa.yaml >${KEYS}.part); then
    mv ${KEYS}.part ${KEYS}
    exit 0
  fi
  [ ! -s ${KEYS} ] || exit 0
  sleep 5
done
exit 1`;

const UNIT = `[Unit]
Description=Devices and keys of byoa's VPN tunnels
After=network-online.target
Wants=network-online.target
Before=strongswan.service byoa.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/byoa-tunnels

[Install]
WantedBy=multi-user.target`;

/** strongSwan would else route by itself what the daemon routes. */
const CHARON = `charon {
  install_routes = no
}
charon-systemd {
  install_routes = no
}`;

const tunnelFiles = (tunnels: Tunnels): BootPart['files'] => [
  [CONNECTIONS, connections(tunnels)],
  ['/etc/strongswan.d/byoa.conf', CHARON],
  ['/usr/local/sbin/byoa-tunnels', script(tunnels)],
  ['/etc/systemd/system/byoa-tunnels.service', UNIT],
];

/** Senders learn what fits into a tunnel from the first packet on. */
export const CLAMP = `  chain clamp {
    type filter hook forward priority mangle; policy accept;
    tcp flags syn tcp option maxseg size set rt mtu
  }
`;

const START_TUNNELS = `
start_tunnels() {
  chmod 755 "$ROOT/usr/local/sbin/byoa-tunnels"
  systemctl daemon-reload
  systemctl enable --quiet --now byoa-tunnels
  command -v swanctl >/dev/null ||
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y charon-systemd strongswan-swanctl; }
  systemctl enable --quiet strongswan
  systemctl restart strongswan
}
`;

/** A part of the first boot; the daemon's executable, which reads the keys, is there before. */
export const tunnelPart = (tunnels: Tunnels): BootPart => ({
  directories: ['/etc/swanctl/conf.d', '/etc/strongswan.d', '/usr/local/sbin'],
  files: tunnelFiles(tunnels),
  functions: START_TUNNELS,
  beforeDaemon: `  start_tunnels || say 'the VPN tunnels are not up (journalctl -u byoa-tunnels -u strongswan)'\n`,
});

/**
 * What user data sets up for VPN tunnels, run by strongSwan itself against another one that stands for AWS's
 * ends: in namespaces of its own, with ESP in user space where the kernel has none.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keysText, tunnelPart } from '../../infra/components/tunnels.ts';
import { installCommand, PEERS, whereIs } from '../interop/daemons.ts';
import { titleOf } from '../title.ts';

const PUBLIC_IP = '198.51.100.57';
const TUNNELS = [
  { name: '10.1.0.0-a-1', outside: '203.0.113.1', inside: '169.254.10.196/30' },
  { name: '10.1.0.0-a-2', outside: '203.0.113.2', inside: '169.254.20.196/30' },
];
const KEYS = ['first.key', 'second_key'];

const needed = PEERS.filter((peer) => /charon|swanctl/.test(peer.package));
const lacking = needed.filter(({ program }) => whereIs(program) === undefined);
const why =
  process.getuid?.() !== 0
    ? 'needs root'
    : lacking.length > 0
      ? installCommand(lacking.map((peer) => peer.package))
      : undefined;

/** AWS's end of a tunnel: it waits, and takes what its User Guide lists first and last. */
const farEnd = ({ outside }: (typeof TUNNELS)[number], at: number): string => `connections {
  t${at} {
    version = 2
    local_addrs = ${outside}
    proposals = aes128-sha1-modp1024,aes256gcm16-prfsha384-ecp384
    local {
      auth = psk
      id = ${outside}
    }
    remote {
      auth = psk
      id = ${PUBLIC_IP}
    }
    children {
      t${at} {
        local_ts = 0.0.0.0/0
        remote_ts = 0.0.0.0/0
        esp_proposals = aes128-sha1-modp1024,aes256gcm16-ecp384
      }
    }
  }
}
secrets {
  ike-${at} {
    id-1 = ${outside}
    id-2 = ${PUBLIC_IP}
    secret = "${KEYS[at]}"
  }
}
`;

/**
 * One side, in namespaces of its own: its files over those of the computer, then strongSwan. The appliance
 * tells what was agreed on as soon as that is two tunnels, or after 20 s.
 */
const SIDE = `set -e
root=$1 side=$2
mount -t tmpfs tmpfs /run
cp -r /etc/strongswan.d /run/strongswan.d
cp "$root/$side/etc/strongswan.d/"* /run/strongswan.d/ 2>/dev/null || true
sed -i 's/load = no/load = yes/' /run/strongswan.d/charon/kernel-libipsec.conf
mount --bind /run/strongswan.d /etc/strongswan.d
mount --bind "$root/$side/etc/swanctl/conf.d" /etc/swanctl/conf.d
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip link set eth0 up
if [ "$side" = appliance ]; then
  ip address add 10.0.0.4/24 dev eth0
  ip route add 203.0.113.0/24 via 10.0.0.1
else
  ip address add 10.0.0.1/24 dev eth0
${TUNNELS.map(({ outside }) => `  ip address add ${outside}/32 dev lo`).join('\n')}
fi
# ESP in user space brings a route of its own for everything, its own packets as well.
ip rule add pref 100 lookup main
charon-systemd >/dev/null 2>&1 &
daemon=$!
until [ -S /run/charon.vici ]; do sleep 0.05; done
swanctl --load-all --noprompt >/run/loaded 2>&1 || { cat /run/loaded; exit 1; }
if [ "$side" = gateway ]; then touch "$root/ready"; wait $daemon; exit; fi
for attempt in $(seq 200); do
  if [ "$(swanctl --list-sas | grep -c INSTALLED)" = 2 ]; then break; fi
  if [ $((attempt % 40)) = 0 ]; then swanctl --load-conns >/dev/null 2>&1; fi
  sleep 0.1
done
swanctl --list-sas
kill $daemon
`;

const BOTH = `set -e
root=$1
unshare -nm --propagation private bash "$root/side.sh" "$root" gateway & gateway=$!
unshare -nm --propagation private bash -c "until [ -e $root/ready ]; do sleep 0.05; done; exec bash $root/side.sh $root appliance" & appliance=$!
for side in $gateway $appliance; do
  until [ "$(readlink /proc/$side/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
done
ip link add near type veth peer name far
ip link set near netns $appliance name eth0
ip link set far netns $gateway name eth0
wait $appliance
`;

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'byoa-tunnels-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** What the appliance says of its security associations. */
function agreed(): string {
  const all = { all: TUNNELS, publicIp: PUBLIC_IP, parameter: '/byoa/a' };
  for (const [path, text] of tunnelPart(all).files) put(`appliance${path}`, text);
  put('appliance/etc/swanctl/conf.d/byoa-keys.conf', keysText(TUNNELS, KEYS));
  for (const [at, tunnel] of TUNNELS.entries())
    put(`gateway/etc/swanctl/conf.d/${at}.conf`, farEnd(tunnel, at));
  put('side.sh', SIDE);
  put('both.sh', BOTH);
  const words = ['--fork', '--pid', '--mount-proc', '--kill-child', '-nm', '--propagation', 'private'];
  const ran = spawnSync('unshare', [...words, 'bash', join(root, 'both.sh'), root], {
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  return `${ran.stdout}${ran.stderr}`;
}

describe.skipIf(why !== undefined)(titleOf('VPN tunnels by strongSwan', why), () => {
  it('come up with the keys of each, in UDP, each on its own device', { timeout: 90_000 }, () => {
    const told = agreed();
    for (const [at, { outside }] of TUNNELS.entries()) {
      const own = told.split(/\n(?=\S)/).find((text) => text.includes(`remote '${outside}'`)) ?? told;
      expect(own).toContain('ESTABLISHED, IKEv2');
      expect(own).toContain(`local  '${PUBLIC_IP}' @ 10.0.0.4[4500]`);
      expect(own).toContain('AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384');
      expect(own).toContain('INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-256');
      expect(own).toContain(`(-|0x0000000${at + 1})`);
    }
  });
});

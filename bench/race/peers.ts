/**
 * The peers of the race: keepalived with a script, Pacemaker with the agent of ClusterLabs, and the same
 * agent called when BIRD's BFD says Down. Each is configured as its documentation shows.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { installCommand } from '../../test/interop/daemons.ts';
import type { Entrant } from './entrant.ts';
import { AHEAD, AWS, REGION, writing, writingAws } from './shell.ts';
import { other, type Place, type Side, type Stage } from './stage.ts';
import { OVERLAY } from './world.ts';

const AGENT = '/usr/lib/ocf/resource.d/heartbeat/aws-vpc-move-ip';
const NOTICED = '/var/log/noticed';

/** The programs that are missing, with what installs them. */
function lacks(needed: Readonly<Record<string, string>>): string | undefined {
  const absent = Object.entries(needed).filter(([path]) => !existsSync(path));
  if (absent.length === 0) return undefined;
  const packages = [...new Set(absent.map(([, name]) => name))];
  return `needs ${absent.map(([path]) => path).join(', ')}: ${installCommand(packages)}`;
}

function versionOf(program: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return (stdout + stderr).split('\n')[0]?.slice(0, 70) ?? '';
}
const awscli = (): string => versionOf('/usr/bin/aws', '--version').split(' ')[0] ?? '';
const agents = (): string =>
  `resource-agents ${versionOf('dpkg-query', '-W', '-f', '$' + '{Version}', 'resource-agents')}`;

/** The address is the agent's to give and to take. */
const AGENT_ADDRESS = `ip address del ${OVERLAY}/32 dev lo`;

const replaceRoute = ({ scene }: Stage, side: Side): string =>
  `${AWS} ec2 replace-route --route-table-id ${scene.table} --destination-cidr-block ${OVERLAY}/32 ` +
  `--network-interface-id ${scene[side].eni}`;

/** The time in nanoseconds that a script noted last. */
async function noted(stage: Stage, side: Place): Promise<number | undefined> {
  const text = await stage.run(side, `tail -n 1 ${NOTICED} 2>/dev/null || true`);
  return text.trim() === '' ? undefined : Number(BigInt(text.trim()) / 1000n) / 1000;
}

/** VRRP by unicast; the master's script writes the route. */
export function keepalived(advertS: number, mark: string): Entrant {
  const conf = ({ scene }: Stage, side: Side): string => `global_defs {
  router_id ${side}
  script_user root
  enable_script_security
  vrrp_version 3
}
vrrp_instance overlay {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 51
  priority ${side === 'a' ? 101 : 100}
  advert_int ${advertS}
  unicast_src_ip ${scene[side].address}
  unicast_peer { ${scene[other(side)].address} }
  virtual_ipaddress { 10.98.0.1/32 dev lo }
  notify_master /usr/local/bin/to-master
}
`;
  return {
    name: 'keepalived + awscli',
    settings: `VRRP ${advertS} s x 3`,
    mark,
    detectionMs: 3 * advertS * 1000 + ((256 - 100) / 256) * advertS * 1000,
    bfd: false,
    missing: () => lacks({ '/usr/sbin/keepalived': 'keepalived', '/usr/bin/aws': 'awscli' }),
    version: () => `${versionOf('keepalived', '--version').split(' (')[0]}, ${awscli()}`,
    start: async (stage, side) => {
      const script = `#!/bin/sh\ndate +%s%N >>${NOTICED}\nexec ${replaceRoute(stage, side)}\n`;
      await stage.run(
        side,
        `${writingAws}
${writing('/usr/local/bin/to-master', script, '755')}
${writing('/etc/keepalived.conf', conf(stage, side))}
${AHEAD} keepalived -n -l -f /etc/keepalived.conf -p /run/k.pid -r /run/v.pid </dev/null >>/var/log/k.log 2>&1 &`,
      );
    },
    ready: async (stage, owner) => {
      const master = await stage.run(owner, 'ip -o address show dev lo');
      const backup = await stage.run(other(owner), 'ip -o address show dev lo; pgrep -c -f k.pid || true');
      return master.includes('10.98.0.1') && !backup.includes('10.98.0.1');
    },
    noticedAt: noted,
  };
}

const corosyncConf = ({ scene }: Stage, tokenMs: number): string => `totem {
  version: 2
  cluster_name: race
  transport: udpu
  crypto_cipher: none
  crypto_hash: none
  token: ${tokenMs}
}
logging {
  to_logfile: yes
  logfile: /var/log/corosync.log
  to_syslog: no
  timestamp: hires
}
quorum {
  provider: corosync_votequorum
  two_node: 1
  wait_for_all: 0
}
nodelist {
  node {
    ring0_addr: ${scene.a.address}
    name: a
    nodeid: 1
  }
  node {
    ring0_addr: ${scene.b.address}
    name: b
    nodeid: 2
  }
}
`;

const clusterResource = ({ scene }: Stage): string =>
  `<primitive id="vip" class="ocf" provider="heartbeat" type="aws-vpc-move-ip"><instance_attributes id="vip-p">` +
  [
    ['awscli', AWS],
    ['region', REGION],
    ['ip', OVERLAY],
    ['routing_table', scene.table],
    ['interface', 'eth0'],
    ['lookup_type', 'NetworkInterfaceId'],
  ]
    .map(([name, value]) => `<nvpair id="vip-${name}" name="${name}" value="${value}"/>`)
    .join('') +
  '</instance_attributes><operations>' +
  '<op id="vip-start" name="start" interval="0" timeout="180s"/>' +
  '<op id="vip-monitor" name="monitor" interval="60s" timeout="30s"/>' +
  '</operations></primitive>';

/** Corosync and Pacemaker with two nodes; no fencing, as a lab without power switches has none. */
export function pacemaker(tokenMs: number, mark: string): Entrant {
  return {
    name: 'Pacemaker + aws-vpc-move-ip',
    settings: `token ${tokenMs} ms`,
    mark,
    detectionMs: tokenMs,
    bfd: false,
    missing: () =>
      lacks({
        '/usr/sbin/corosync': 'corosync',
        '/usr/sbin/pacemakerd': 'pacemaker',
        '/usr/sbin/crm_mon': 'pacemaker-cli-utils',
        [AGENT]: 'resource-agents',
        '/usr/bin/aws': 'awscli',
        '/usr/bin/curl': 'curl',
      }),
    version: () =>
      `${versionOf('pacemakerd', '--version')}, ${versionOf('corosync', '-v')}, ${agents()}, ${awscli()}`,
    start: async (stage, side) => {
      await stage.run(
        side,
        `${writingAws}
${AGENT_ADDRESS}
${writing('/etc/corosync/corosync.conf', corosyncConf(stage, tokenMs))}
rm -rf /var/lib/corosync/* /var/lib/pacemaker/cib/*; mkdir -p /run/crm /var/log/pacemaker
mount -t tmpfs none /dev/shm
${AHEAD} corosync -f </dev/null >>/var/log/corosync.out 2>&1 &
for i in $(seq 50); do corosync-quorumtool -s >/dev/null 2>&1 && break; sleep 0.2; done
PCMK_logfile=/var/log/pacemaker.log PCMK_node_name=${side} ${AHEAD} pacemakerd </dev/null >>/var/log/pacemakerd.out 2>&1 &
for i in $(seq 80); do crm_node -q >/dev/null 2>&1 && cibadmin -Q >/dev/null 2>&1 && break; sleep 0.25; done
cibadmin -Q | grep -q 'id="vip"' || {
  crm_attribute -n stonith-enabled -v false; crm_attribute -n no-quorum-policy -v ignore
  crm_attribute -t rsc_defaults -n resource-stickiness -v 1000
  cibadmin -C -o resources -X '${clusterResource(stage)}'
} || true`,
      );
    },
    ready: async (stage, owner) => {
      for (const side of ['a', 'b'] as const) {
        const text = await stage.run(side, 'crm_mon -1 2>&1 || true');
        if (!/Online: \[ a b \]/.test(text) || !new RegExp(`vip.*Started ${owner}\\b`).test(text))
          return false;
      }
      return true;
    },
    noticedAt: async (stage, side) => {
      const log = await stage.run(side, 'cat /var/log/corosync.log');
      const line = log.split('\n').findLast((each) => each.includes('A processor failed'));
      const stamp = /^(\w+ \d+ [\d:.]+)/.exec(line ?? '')?.[1];
      if (stamp === undefined) return undefined;
      return Date.parse(`${new Date().getUTCFullYear()} ${stamp}Z`);
    },
  };
}

/** BIRD's BFD between the appliances; the agent is called on Down. */
export function bird(intervalMs: number, mark: string): Entrant {
  const conf = ({ scene }: Stage, side: Side): string => `router id ${scene[side].address};
log "/var/log/bird.log" all;
timeformat log iso long ms;
protocol device {}
protocol bfd watch {
  debug { events, states };
  interface "eth0" { interval ${intervalMs} ms; multiplier 3; idle tx interval ${intervalMs} ms; };
  multihop { interval ${intervalMs} ms; multiplier 3; idle tx interval ${intervalMs} ms; };
  neighbor ${scene[other(side)].address} local ${scene[side].address} multihop on;
}
`;
  const agent = ({ scene }: Stage): string => `#!/bin/sh
export OCF_ROOT=/usr/lib/ocf HA_LOGFACILITY=none OCF_RESOURCE_INSTANCE=vip OCF_RESKEY_awscli=${AWS}
export OCF_RESKEY_region=${REGION} OCF_RESKEY_ip=${OVERLAY} OCF_RESKEY_routing_table=${scene.table}
export OCF_RESKEY_interface=eth0 OCF_RESKEY_lookup_type=NetworkInterfaceId
[ "$1" = serve ] && ${AGENT} start </dev/null >>/var/log/agent.log 2>&1
tail -n 0 -F /var/log/bird.log | grep --line-buffered 'from Up to Down' | while read -r line; do
  date +%s%N >>${NOTICED}
  ${AGENT} start </dev/null >>/var/log/agent.log 2>&1
done
`;
  return {
    name: 'BIRD + aws-vpc-move-ip',
    settings: `BFD ${intervalMs} ms x 3`,
    mark,
    detectionMs: 3 * intervalMs,
    bfd: false,
    missing: () =>
      lacks({
        '/usr/sbin/bird': 'bird2',
        [AGENT]: 'resource-agents',
        '/usr/bin/aws': 'awscli',
        '/usr/bin/curl': 'curl',
      }),
    version: () => `${versionOf('bird', '--version')}, ${agents()}, ${awscli()}`,
    start: async (stage, side, serving) => {
      await stage.run(
        side,
        `${writingAws}
${writing('/etc/bird-race.conf', conf(stage, side))}
${writing('/usr/local/bin/on-down', agent(stage), '755')}
touch /var/log/bird.log
${AGENT_ADDRESS}
${AHEAD} /usr/local/bin/on-down ${serving ? 'serve' : ''} </dev/null >>/var/log/on-down.log 2>&1 &
${AHEAD} bird -f -c /etc/bird-race.conf -s /run/bird.ctl </dev/null >>/var/log/bird.out 2>&1 &`,
      );
    },
    ready: async (stage, owner) => {
      for (const side of ['a', 'b'] as const) {
        const text = await stage.run(side, 'birdc -s /run/bird.ctl show bfd sessions 2>&1 || true');
        if (!/\sUp\s/.test(text)) return false;
      }
      return stage.routeLeadsTo(owner);
    },
    noticedAt: noted,
  };
}

/** How long a lab takes from its world to the last of 100 devices, beside a script that makes as many. */
import { spawnSync } from 'node:child_process';
import { ask, createSite, createSubnet, createTable, launch } from '../sim/chaos/scenes/network.ts';
import type { World } from '../sim/world/state.ts';
import { createWorld } from '../sim/world/world.ts';
import { missingHere, startRig } from '../test/lab/rig.ts';
import { type Benchmark, goal, median, spread } from './harness.ts';

const RUNS = 5;
const INSTANCES = 50;
const LIMIT_MS = 1000;

const addressOf = (subnet: number, index: number): string => `10.0.${subnet}.${index + 10}`;

/** A world of instances with two ENIs each, in two subnets of a zone. */
function createFleet(): { readonly world: World; readonly instances: readonly string[] } {
  const world = createWorld({});
  const site = createSite(world);
  const table = createTable(site);
  const [first, second] = [1, 2].map((n) => createSubnet(site, `10.0.${n}.0/24`, 'a', table));
  const instances = Array.from({ length: INSTANCES }, (_, index) => {
    const { instance } = launch(site, first ?? '', addressOf(1, index));
    const { NetworkInterface } = ask<{ NetworkInterface: { NetworkInterfaceId: string } }>(
      world,
      'CreateNetworkInterface',
      { SubnetId: second, PrivateIpAddress: addressOf(2, index), Groups: [site.group] },
    );
    const { NetworkInterfaceId } = NetworkInterface;
    ask(world, 'AttachNetworkInterface', { NetworkInterfaceId, InstanceId: instance, DeviceIndex: 1 });
    return instance;
  });
  return { world, instances };
}

const READY = /: (\d+) machines, (\d+) devices, after ([\d.]+) s/;

/** Brings a lab up; what it says that it took, ms. The last instance must answer by its second ENI. */
async function labUp(): Promise<number> {
  const { world, instances } = createFleet();
  const rig = await startRig(world);
  try {
    const [, , devices, seconds] = READY.exec(rig.ready) ?? [];
    if (Number(devices) < 2 * INSTANCES) throw new Error(`the lab has too few devices: ${rig.ready}`);
    const { status, out } = await rig.run(
      instances[0] ?? '',
      `ping -c 1 -W 2 ${addressOf(2, INSTANCES - 1)}`,
    );
    if (status !== 0) throw new Error(`the last instance does not answer: ${out}`);
    return Number(seconds) * 1000;
  } finally {
    await rig.close();
  }
}

/** The same namespaces and devices by iproute2, with a bridge instead of a VPC; all ends with the shell. */
const SCRIPT = `mount -t tmpfs none /run && mkdir -p /run/netns
start=$(date +%s%N)
ip link add bridge type bridge && ip link set bridge up
for i in $(seq ${INSTANCES}); do
  ip netns add n$i
  for e in 1 2; do
    ip link add n$i-$e type veth peer name eth$e netns n$i && ip link set n$i-$e master bridge up
    ip -n n$i address add 10.0.$e.$((i + 9))/24 dev eth$e && ip -n n$i link set eth$e up
  done
done
end=$(date +%s%N)
ip netns exec n1 ping -c 1 -W 2 10.0.2.$((${INSTANCES} + 9)) >/dev/null || exit 1
echo $(((end - start) / 1000))`;

function byScript(): number {
  const args = ['--net', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', SCRIPT];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the script failed: ${stderr}`);
  return Number(stdout) / 1000;
}

export const benchmark: Benchmark = {
  question: `How soon is a lab of ${2 * INSTANCES} ENIs in ${INSTANCES} instances up? (${RUNS} runs each)`,
  run: async (say) => {
    const missing = missingHere();
    if (missing.length > 0) throw new Error(`the lab cannot run here; it needs ${missing.join('; ')}`);
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let run = 0; run < RUNS; run += 1) {
      ours.push(await labUp());
      theirs.push(byScript());
      say(`run ${run + 1} of ${RUNS}: lab ${ours.at(-1)} ms, script ${theirs.at(-1)?.toFixed(0)} ms`);
    }
    return {
      rows: [
        { what: 'byoa lab up, from the loaded world', ...spread(ours, 'ms') },
        { what: 'iproute2, a script: namespaces and veths', ...spread(theirs, 'ms') },
      ],
      goals: [
        goal('from the loaded world to the last device', median(ours), '<=', LIMIT_MS, 'ms'),
        goal('time beside the script', median(ours) / median(theirs), '<=', 1, 'x'),
      ],
    };
  },
};

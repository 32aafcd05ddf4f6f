/** docs/race.md, from what was measured. Pure text. */
import { quantile } from '../../controller/base/quantile.ts';
import { installCommand } from '../../test/interop/daemons.ts';
import { API_MS, PROPAGATION_MS } from './knobs.ts';
import { medianOf, PARTS } from './picture.ts';
import { INJECTED_MS, remainders, type Saved } from './saved.ts';

const ms = (value: number): string => `${value.toFixed(0)} ms`;
const cells = (row: readonly (string | number)[]): string => `| ${row.join(' | ')} |`;
const tableOf = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [cells(head), cells(head.map(() => '---')), ...rows.map(cells)].join('\n');

/**
 * AWS publishes no timers of Route Server. The model gives it BFD at byoa's default (the first packet that is
 * missed was due up to one interval after the last, less RFC 5880's jitter), a change without any call, and
 * the same propagation.
 */
const MODEL_INTERVAL_MS = 300;
const MODEL_P50_MS = 3 * MODEL_INTERVAL_MS - (0.875 * MODEL_INTERVAL_MS) / 2 + PROPAGATION_MS;
const MODEL_MAX_MS = 3 * MODEL_INTERVAL_MS + PROPAGATION_MS;

const QUOTES = [
  [
    'Gateway Load Balancer',
    'a target that fails is noticed after interval x threshold, 10 s x 3 in the example; flows that exist stay with it for about 2 minutes',
    'https://aws.amazon.com/blogs/networking-and-content-delivery/introducing-aws-gateway-load-balancer-target-failover-for-existing-flows/',
  ],
  [
    'F5 Cloud Failover Extension',
    '5 s for 50 to 100 routes, 15 s for 200, 90 s for 500',
    'https://github.com/F5Networks/f5-cloud-failover-extension/blob/main/docs/userguide/performance-sizing.rst',
  ],
  [
    'fck-nat',
    'about 5 minutes; a few seconds where the second instance is already launched',
    'https://github.com/AndrewGuenther/fck-nat/blob/main/docs/limitations.md',
  ],
  [
    'Palo Alto VM-Series, ENI move',
    '20 s to over a minute',
    'VM-Series 8.1 deployment guide, overview of HA on AWS (docs.paloaltonetworks.com)',
  ],
  [
    'NGINX Plus with keepalived',
    '5 to 6 s for an Elastic IP',
    'https://github.com/nginx/documentation/issues/520',
  ],
] as const;

const PACKAGES = [
  'keepalived',
  'pacemaker',
  'pacemaker-cli-utils',
  'corosync',
  'resource-agents',
  'bird2',
  'awscli',
  'curl',
  'nftables',
];

const sortedByBlackout = (all: readonly Saved[]): readonly Saved[] =>
  all.toSorted((one, two) => medianOf(one, 'blackoutMs') - medianOf(two, 'blackoutMs'));

function measured(all: readonly Saved[]): string {
  const rows = sortedByBlackout(all).map((one) => {
    const blackouts = one.kills.map(({ blackoutMs }) => blackoutMs);
    const name = one.mark === 'default' ? `**${one.name}**` : one.name;
    return [
      name,
      `${one.settings} (${one.mark})`,
      one.kills.length,
      ms(quantile(blackouts, 0.5)),
      ms(Math.max(...blackouts)),
      medianOf(one, 'lost').toFixed(0),
      medianOf(one, 'calls').toFixed(0),
      `${one.idle.cpuPercent.toFixed(1)} %`,
      `${one.idle.rssMiB.toFixed(0)} MiB`,
    ];
  });
  const model = [
    'Route Server, *model*',
    `BFD ${MODEL_INTERVAL_MS} ms x 3`,
    '-',
    ms(MODEL_P50_MS),
    ms(MODEL_MAX_MS),
  ];
  const head = [
    '',
    'detection',
    'kills',
    'blackout p50',
    'max',
    'lost p50',
    'API calls',
    'CPU idle',
    'RSS idle',
  ];
  return tableOf(head, [...rows, [...model, '-', '-', '-', '-']]);
}

function split(all: readonly Saved[]): string {
  const own = all.find(({ mark }) => mark === 'default');
  const rows = sortedByBlackout(all).map((one) => {
    const rest = quantile(remainders(one), 0.5);
    const ratio = own === undefined ? '' : `${(rest / quantile(remainders(own), 0.5)).toFixed(1)} x`;
    return [`${one.name}, ${one.settings}`, ...PARTS.map(([key]) => ms(medianOf(one, key))), ms(rest), ratio];
  });
  const head = ['p50 of each', ...PARTS.map(([, label]) => label), 'remainder', 'of ours'];
  return tableOf(head, rows);
}

function bound(all: readonly Saved[]): string {
  const rows = all.flatMap((one) => {
    const over = one.kills.flatMap(({ overBoundMs }) => overBoundMs ?? []);
    if (over.length === 0) return [];
    const [p50, p99] = [quantile(over, 0.5), quantile(over, 0.99)];
    return [[`${one.name}, ${one.settings}`, over.length, ms(p50), ms(p99), ms(Math.max(...over))]];
  });
  return tableOf(['over the bound', 'kills', 'p50', 'p99', 'max'], rows);
}

function switchovers(all: readonly Saved[]): string {
  const rows = all
    .filter((one) => one.switchovers.length > 0)
    .map((one) => [`${one.name}, ${one.settings}`, one.switchovers.length, one.switchovers.join(', ')]);
  return tableOf(['planned switchover', 'moves', 'packets lost in each'], rows);
}

const versions = (all: readonly Saved[]): string =>
  all
    .map(
      (one) =>
        `- ${one.name}, ${one.settings}: ${one.version}; ${one.day}, ${one.machine}, load average ${one.load}`,
    )
    .join('\n');

const absentText = (absent: readonly string[]): string =>
  absent.length === 0 ? '' : `\nNothing is recorded yet of: ${absent.join('; ')}.\n`;

/** `absent` are the entrants that nothing is recorded of. */
export const pageOf = (all: readonly Saved[], absent: readonly string[]): string => `# Race

Written by \`npm run bench -- race --record\`; not edited. An appliance serves an address outside of the VPC's range, by a route that
leads to its ENI; another one in another zone stands by. A client sends a datagram each millisecond. The owner is killed at the
fabric's port and with all its processes, at a random instant. In the [lab](lab.md), with the same machines, kill, API latency
(${API_MS} ms) and propagation (${PROPAGATION_MS} ms) for all; a new lab for each entrant, which runs with \`nice -n -10\`.

![blackouts](race.svg)

${measured(all)}
${absentText(absent)}
Blackout: from the last answer before the kill to the first one after it. API calls: from the kill to that answer. CPU and RSS: an
entrant's lasting processes on the owner, over ten seconds in which nothing happens. One machine carries the whole lab and whatever else runs on
it; its load shows in every row's maximum.

## Where the time goes

${split(all)}

Detect: from the kill to the entrant's own note of it (byoa's verdict, keepalived's start of the script, Corosync's "processor failed",
the watcher of BIRD's log). Decide: until the call reached EC2. Remainder: blackout less detection and the ${INJECTED_MS} ms that are injected.
The agent of ClusterLabs sleeps 1 s after each look at a table and each write, and gives the machine the address after that; it is
run as it is.

## Over the bound

The bound is the expiry of the BFD timer, counted from the last packet that the heir, or in the same subnet the client, received from the dead
machine, plus what is injected.

${bound(all)}

${switchovers(all)}

## What others say of themselves

Their documented figures, in our words; not measured here, and the circumstances differ.

${tableOf(
  ['', 'documented', 'source'],
  QUOTES.map(([name, text, url]) => [name, text, url]),
)}

AWS publishes no failover time of VPC Route Server. The model row is arithmetic: BFD at byoa's default, no API call at all, and the same
propagation. It needs BGP on the appliance, and is the least that such a service can take.

## To run it

As root on Debian, with what the peers need; who lacks something is skipped by name:

    ${installCommand(PACKAGES)}
    npm run bench -- race --record                 # 20 kills each
    npm run bench -- race --record --kills 200 --only "byoa, BFD 300"

- keepalived: VRRP over unicast, version 3, \`nopreempt\`, \`notify_master\` calls \`aws ec2 replace-route\`.
- Pacemaker: Corosync with two nodes and \`two_node\`, no fencing (which would add its own time), \`aws-vpc-move-ip\` with a monitor every 60 s.
- BIRD: BFD alone; on Down a script calls \`aws-vpc-move-ip start\`.
- byoa, same subnet: appliances and client share a subnet; a daemon on the client takes the address by BGP, and puts the best path into its
  kernel: no call, and nothing is injected.
- byoa: a daemon on each appliance, BFD and one probe of its own way out; all other settings by default, but for damping, which would hold
  back the fourth kill within ten minutes.

${versions(all)}
`;

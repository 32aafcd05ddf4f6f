/**
 * byoa in the race: a daemon on each appliance, BFD between them; and in the subnet of the workload, which
 * runs one that takes routes.
 */
import { fileURLToPath } from 'node:url';
import { bundle } from '../../bin/bundle.ts';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { NODE_OPTIONS } from '../../infra/components/unit.ts';
import type { Entrant } from './entrant.ts';
import { AHEAD, CREDENTIALS, ENDPOINT, REGION, writing } from './shell.ts';
import type { Place, Side, Stage } from './stage.ts';
import { HOST, OVERLAY } from './world.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOG = '/var/log/byoa.log';
const FILE = '/etc/byoa-race.yaml';

function configuration({ scene }: Stage, side: Side, interval: string): ConfigInput {
  return {
    version: 1,
    node: side,
    aws: { region: REGION, endpoint: ENDPOINT },
    appliances: (['a', 'b'] as const).map((name) => ({
      name,
      address: scene[name].address,
      eni: scene[name].eni,
      probes: [
        { kind: 'bfd' as const, interval },
        { kind: 'through' as const, target: { icmp: HOST }, from: 'self' as const },
      ],
    })),
    groups: [
      {
        name: 'overlay',
        members: ['a', 'b'],
        routes: [{ table: scene.table, destinations: [`${OVERLAY}/32`] }],
        damping: { moves: 1000, within: '1s' },
      },
    ],
    journal: { directory: '/var/lib/byoa-race' },
    control: { socket: '/run/byoa.sock' },
  };
}

/** AS numbers of appliances, and of who takes their routes. */
const AS = { appliances: 65001, client: 65000 };

/** What a machine of a shared subnet says and hears: appliances announce the address, the client takes it. */
function subnetConfiguration({ scene }: Stage, place: Place, interval: string): ConfigInput {
  const common = {
    version: 1 as const,
    node: place,
    aws: { region: REGION, endpoint: ENDPOINT },
    journal: { directory: '/var/lib/byoa-race' },
    control: { socket: '/run/byoa.sock' },
  };
  const routerId = scene[place].address;
  const taken = 'overlay';
  const prefix = `${OVERLAY}/32`;
  const session = { bfd: { interval }, families: ['ipv4' as const] };
  if (place === 'client')
    return {
      ...common,
      bgp: {
        as: AS.client,
        routerId,
        prefixLists: { [taken]: [{ prefix }] },
        policies: [{ name: taken, rules: [{ match: { prefixList: taken }, action: 'accept' }] }],
        neighbors: (['a', 'b'] as const).map((name) => ({
          ...session,
          name,
          address: scene[name].address,
          as: AS.appliances,
          import: taken,
        })),
      },
      kernel: { metric: 20 },
    };
  return {
    ...common,
    bgp: {
      as: AS.appliances,
      routerId,
      originate: [{ prefix, med: place === 'a' ? 0 : 10 }],
      dynamic: [{ ...session, name: 'clients', prefix: '10.0.10.0/24', as: [AS.client], export: 'all' }],
    },
  };
}

/** The last notice of a daemon whose line is of a topic and has some words. */
async function noticedIn(
  { run }: Stage,
  place: Place,
  topic: string,
  words: string,
): Promise<number | undefined> {
  const lines = (await run(place, `cat ${LOG}`)).split('\n');
  const line = lines.findLast((each) => each.includes(`"topic":"${topic}"`) && each.includes(words));
  return line === undefined ? undefined : Date.parse(JSON.parse(line).time);
}

/** The built daemon in `folder`, with BFD every `intervalMs` x 3. */
export async function byoaEntrants(folder: string): Promise<readonly Entrant[]> {
  const program = await bundle(ROOT, folder, '0.0.0');
  const startIn = async (stage: Stage, place: Place, input: ConfigInput): Promise<void> => {
    await stage.run(
      place,
      `${writing(FILE, formatConfig(input))}
export ${CREDENTIALS} NODE_OPTIONS=${NODE_OPTIONS}
${AHEAD} ${process.execPath} ${program} run --config ${FILE} </dev/null >>${LOG} 2>&1 &`,
    );
  };
  const make = (intervalMs: number, mark: string): Entrant => ({
    name: 'byoa',
    settings: `BFD ${intervalMs} ms x 3`,
    mark,
    detectionMs: 3 * intervalMs,
    bfd: true,
    missing: () => undefined,
    version: () => 'this tree, bundled',
    start: (stage, side) => startIn(stage, side, configuration(stage, side, `${intervalMs}ms`)),
    ready: async (stage, owner) => {
      for (const side of ['a', 'b'] as const) {
        const script = `${process.execPath} ${program} status --json --socket /run/byoa.sock || true`;
        const text = await stage.run(side, script);
        const { appliances = [], groups = [] } = text.startsWith('{') ? JSON.parse(text) : {};
        if (appliances.some((one: { verdict: string }) => one.verdict !== 'healthy')) return false;
        if (groups[0]?.owner !== owner) return false;
      }
      return true;
    },
    noticedAt: (stage, place) =>
      noticedIn(stage, place, 'verdict', place === 'a' ? 'b is dead' : 'a is dead'),
    switchover: async (stage, to) => {
      for (const side of [to] as const) {
        await stage.run(
          side,
          `${process.execPath} ${program} switchover overlay --to ${to} --socket /run/byoa.sock`,
        );
      }
    },
  });
  const inSubnet = (intervalMs: number, mark: string): Entrant => ({
    name: 'byoa, same subnet',
    settings: `BGP, BFD ${intervalMs} ms x 3`,
    mark,
    detectionMs: 3 * intervalMs,
    bfd: true,
    layout: 'subnet',
    actor: 'client',
    missing: () => undefined,
    version: () => 'this tree, bundled',
    start: (stage, side) => startIn(stage, side, subnetConfiguration(stage, side, `${intervalMs}ms`)),
    startClient: (stage) => startIn(stage, 'client', subnetConfiguration(stage, 'client', `${intervalMs}ms`)),
    ready: async (stage, owner) => {
      const asked = `${process.execPath} ${program} bgp summary --socket /run/byoa.sock`;
      const text = await stage.run('client', `ip route get ${OVERLAY}; ${asked} || true`);
      return (
        text.includes(`via ${stage.scene[owner].address} `) && (text.match(/established/gi) ?? []).length >= 2
      );
    },
    noticedAt: (stage, place) => noticedIn(stage, place, 'bfd', 'is down'),
  });
  return [make(300, 'default'), make(50, 'faster'), inSubnet(300, 'no call')];
}

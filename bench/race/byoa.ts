/** byoa in the race: a daemon on each appliance, BFD between them. */
import { fileURLToPath } from 'node:url';
import { bundle } from '../../bin/bundle.ts';
import { type ConfigInput, formatConfig } from '../../controller/config.ts';
import { NODE_OPTIONS } from '../../infra/components/unit.ts';
import type { Entrant } from './entrant.ts';
import { AHEAD, CREDENTIALS, ENDPOINT, REGION, writing } from './shell.ts';
import { other, type Side, type Stage } from './stage.ts';
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

/** The built daemon in `folder`, with BFD every `intervalMs` x 3. */
export async function byoaEntrants(folder: string): Promise<readonly Entrant[]> {
  const program = await bundle(ROOT, folder, '0.0.0');
  const make = (intervalMs: number, mark: string): Entrant => ({
    name: 'byoa',
    settings: `BFD ${intervalMs} ms x 3`,
    mark,
    detectionMs: 3 * intervalMs,
    bfd: true,
    missing: () => undefined,
    version: () => 'this tree, bundled',
    start: async (stage, side) => {
      const text = formatConfig(configuration(stage, side, `${intervalMs}ms`));
      await stage.run(
        side,
        `${writing(FILE, text)}
export ${CREDENTIALS} NODE_OPTIONS=${NODE_OPTIONS}
${AHEAD} ${process.execPath} ${program} run --config ${FILE} </dev/null >>${LOG} 2>&1 &`,
      );
    },
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
    noticedAt: async (stage, side) => {
      const lines = (await stage.run(side, `cat ${LOG}`)).split('\n');
      const dead = `${other(side)} is dead`;
      const line = lines.findLast((each) => each.includes('"topic":"verdict"') && each.includes(dead));
      return line === undefined ? undefined : Date.parse(JSON.parse(line).time);
    },
    switchover: async (stage, to) => {
      for (const side of [to] as const) {
        await stage.run(
          side,
          `${process.execPath} ${program} switchover overlay --to ${to} --socket /run/byoa.sock`,
        );
      }
    },
  });
  return [make(300, 'default'), make(50, 'faster')];
}

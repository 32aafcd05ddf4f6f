/** Designs in labs of their own: real daemons, real packets, real failures. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import { drillDesign, type LabDrill } from '../../sim/lab/drill/run.ts';
import { whereIs } from '../interop/daemons.ts';
import { missingHere } from './rig.ts';

const missing = missingHere();
const title = missing.length === 0 ? 'designs in a lab' : `designs in a lab (needs ${missing.join('; ')})`;
const LIMIT_MS = 240_000;

const drilled = (design: string, ...only: readonly string[]): Promise<readonly LabDrill[]> =>
  drilledWith({}, design, ...only);

/** The same, of a design with further keys. */
const drilledWith = async (
  keys: Readonly<Record<string, string>>,
  design: string,
  ...only: readonly string[]
): Promise<readonly LabDrill[]> => {
  const more = Object.entries(keys).flatMap(([key, value]) => ['--config', `byoa:${key}=${value}`]);
  const { drills } = await drillDesign(design, {
    program: [process.execPath, fileURLToPath(new URL('../../bin/byoa.js', import.meta.url))],
    options: ['--latency', '150', '--propagation', '50', ...more],
    only,
    say: () => undefined,
    told: () => undefined,
  });
  return drills;
};

const drillOf = (drills: readonly LabDrill[], name: string): LabDrill =>
  present(
    drills.find(({ failure }) => failure === name),
    name,
  );

/** Who has lost what; a flow that did not come back has no blackout. */
const broken = ({ flows }: LabDrill): readonly number[] => flows.map((flow) => flow.broken);

describe.skipIf(missing.length > 0)(title, () => {
  it(
    'egress-pair comes back from a death; NAT across zones breaks connections, a switchover loses nothing',
    async () => {
      const drills = await drilled('egress-pair', 'killed', 'switchover');
      const killed = drillOf(drills, 'killed');
      expect(killed.flows).toHaveLength(2);
      for (const { blackoutMs, lost } of killed.flows) {
        expect(blackoutMs).toBeGreaterThan(0);
        expect(lost).toBeGreaterThan(0);
      }
      expect(broken(killed)).toEqual([1, 1]);
      expect(Object.keys(killed.split).sort()).toEqual([
        'callMs',
        'decideMs',
        'detectMs',
        'propagateMs',
        'restMs',
      ]);
      expect(drillOf(drills, 'switchover').flows.map(({ lost }) => lost)).toEqual([0, 0]);
    },
    LIMIT_MS,
  );

  it(
    'ingress-inspection keeps connections, which nobody translates',
    async () => {
      const killed = drillOf(await drilled('ingress-inspection', 'killed'), 'killed');
      for (const { blackoutMs } of killed.flows) expect(blackoutMs).toBeGreaterThan(0);
      expect(broken(killed)).toEqual(killed.flows.map(() => 0));
    },
    LIMIT_MS,
  );

  it.skipIf(whereIs('conntrackd') === undefined)(
    'ingress-inspection keeps connections that a strict firewall let through: the other one knows of them',
    async () => {
      const syn = 'tcp flags & (fin | syn | rst | ack) == syn ct state new';
      const rules = `ct state invalid drop\ntcp dport { 7, 8080 } ${syn} accept\nudp dport 7 accept`;
      const [killed] = await drilledWith({ rules }, 'ingress-inspection', 'killed');
      const flows = present(killed, 'the drill').flows;
      for (const { blackoutMs } of flows) expect(blackoutMs).toBeGreaterThan(0);
      expect(flows.map((flow) => flow.broken)).toEqual(flows.map(() => 0));
    },
    LIMIT_MS,
  );

  it(
    'nat-fleet keeps connections: the address that stands for them moves with its Elastic IP',
    async () => {
      const killed = drillOf(await drilled('nat-fleet', 'killed'), 'killed');
      for (const { blackoutMs } of killed.flows) expect(blackoutMs).toBeDefined();
      // What comes in ends at the appliance that has died.
      const out = killed.flows.filter(({ flow }) => flow.startsWith('workload'));
      expect(out.some(({ lost }) => lost > 0)).toBe(true);
      expect(out.map((flow) => flow.broken)).toEqual([0, 0]);
    },
    LIMIT_MS,
  );
});

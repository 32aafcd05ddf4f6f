/**
 * Daemons that are killed after lines that they log of a takeover. What is asked for each time: within a
 * bounded time one live appliance owns the group, packets flow by way of it, and nobody writes any more. Not
 * a test itself.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import type { DesignName } from '../../sim/pulumi/designs.ts';
import { eventually, moveLines, openRig, type Rig } from './rig.ts';

const SERIES_LIMIT_MS = 180_000;
/**
 * Every other line, with `BYOA_SLOW=1` every line; in virtual time daemons are killed after each event of the
 * brain (`test/controller/crash.test.ts`).
 */
const STRIDE = process.env.BYOA_SLOW === undefined ? 2 : 1;

/** The lines of a daemon that count from now on. */
const sinceNow = (rig: Rig): number => rig.simulator.state().now;

/**
 * Waits until `node` has logged `count` lines of a takeover, or has completed it; says whether there were.
 */
async function told(rig: Rig, node: string, since: number, count: number): Promise<boolean> {
  const daemon = rig.daemon(node);
  const line = () => moveLines(daemon, since)[count - 1];
  await daemon.logged((one) => one === line() || isLast(rig, one, since), `line ${count} of a takeover`);
  return line() !== undefined;
}

/** The line after which a takeover is complete, as far as its daemon is concerned. */
const isLast = (
  { design }: Rig,
  { topic, msg, at }: { topic: string; msg: string; at: number },
  since: number,
) =>
  at >= since &&
  (design === 'floating-eni'
    ? topic === 'guest' && msg.includes('for having floating')
    : topic === 'owned' && msg.startsWith('This appliance'));

const cutBetween = (rig: Rig, id: string): void =>
  void rig.simulator.cut({ id, from: rig.instance('a'), to: rig.instance('b'), direction: 'both', loss: 1 });

/** Back to the start: both daemons run, nothing is cut, a owns the group. */
async function restore(rig: Rig, owner: string): Promise<void> {
  if (owner !== 'a') {
    const since = sinceNow(rig);
    await rig.switchover('a');
    // Before b knows that it lost the group to a live a, it would hold a's death for a cut.
    await rig.daemon('b').logged(({ topic, at }) => topic === 'lost' && at >= since, 'b has lost it');
  }
  await rig.agreed('a');
}

/** A takeover from a by b, with `victim` killed after b's line `count`; false when there is no such line. */
async function killDuringCut(rig: Rig, victim: 'a' | 'b', count: number): Promise<boolean> {
  const since = sinceNow(rig);
  cutBetween(rig, 'cut');
  const reached = await told(rig, 'b', since, count);
  const line = moveLines(rig.daemon('b'), since)[count - 1];
  await rig.kill(victim);
  const what = `${victim} killed after line ${count}: ${line?.msg}`;
  // An ENI that was attached a moment before is set up by the daemon of its machine, once that runs again.
  const half = rig.design === 'floating-eni' && victim === 'b';
  const owner = await rig.settledOwner({ traffic: !half });
  if (victim === 'a') expect(owner, what).toBe('b');
  const writes = rig.writes();
  rig.simulator.heal('cut');
  await rig.start(victim);
  await rig.agreed(owner);
  expect(await rig.settledOwner(), what).toBe(owner);
  expect(rig.writes(), `${what}: writes after it was settled on ${owner}`).toBe(writes);
  await restore(rig, owner);
  return reached;
}

/** The death of a's machine, with b's daemon killed after its line `count`, and started again at once. */
async function killAndRestart(rig: Rig, count: number): Promise<boolean> {
  const since = sinceNow(rig);
  rig.simulator.instance(rig.instance('a'), 'kill');
  expect(await rig.daemon('a').ended).toBe(3);
  const reached = await told(rig, 'b', since, count);
  const line = moveLines(rig.daemon('b'), since)[count - 1];
  await rig.kill('b');
  await rig.start('b');
  const what = `b killed after line ${count}: ${line?.msg}`;
  expect(await rig.settledOwner(), what).toBe('b');
  const writes = rig.writes();
  rig.simulator.instance(rig.instance('a'), 'start');
  await eventually(
    () =>
      rig.simulator
        .state()
        .instances.some(({ id, power }) => id === rig.instance('a') && power === 'running'),
    () => 'a has power again',
  );
  await rig.start('a');
  await rig.agreed('b');
  expect(rig.writes(), `${what}: writes after it was settled on b`).toBe(writes);
  await restore(rig, 'b');
  return reached;
}

/** Runs `attempt` for line 1 and on until there is no such line; the last line that there was. */
async function alongLines(attempt: (count: number) => Promise<boolean>): Promise<number> {
  for (let count = 1; ; count += STRIDE) if (!(await attempt(count))) return count - STRIDE;
}

export function killSuite(design: DesignName, fewest: number): void {
  describe(`${design}: a takeover with SIGKILL after lines that are logged of it`, () => {
    let opened: Rig | undefined;
    const rig = (): Rig => present(opened, 'the rig');
    beforeAll(async () => {
      opened = await openRig(design);
    });
    afterAll(() => opened?.close());

    it(
      'moves at most once between two live appliances that are cut off from each other, and not when healed',
      async () => {
        const since = sinceNow(rig());
        cutBetween(rig(), 'long');
        await told(rig(), 'b', since, Number.POSITIVE_INFINITY);
        expect(await rig().settledOwner()).toBe('b');
        const writes = rig().writes();
        rig().simulator.heal('long');
        await rig().agreed('b');
        expect(await rig().settledOwner()).toBe('b');
        expect(rig().writes()).toBe(writes);
        await restore(rig(), 'b');
      },
      SERIES_LIMIT_MS,
    );

    it(
      'is completed, or left alone, by the other daemon when the acting one is killed',
      async () => {
        expect(await alongLines((count) => killDuringCut(rig(), 'b', count))).toBeGreaterThan(
          fewest - STRIDE,
        );
      },
      SERIES_LIMIT_MS,
    );

    it(
      'is completed by the acting daemon when the passive one is killed',
      async () => {
        expect(await alongLines((count) => killDuringCut(rig(), 'a', count))).toBeGreaterThan(
          fewest - STRIDE,
        );
      },
      SERIES_LIMIT_MS,
    );

    it(
      'is completed by the acting daemon itself when it is killed and started again',
      async () => {
        expect(await alongLines((count) => killAndRestart(rig(), count))).toBeGreaterThan(fewest - STRIDE);
      },
      SERIES_LIMIT_MS,
    );
  });
}

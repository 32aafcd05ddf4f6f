/**
 * Takeovers while EC2 misbehaves: the group ends with one owner, and the daemon's journal replays to what it
 * decided.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../controller/base/result.ts';
import type { Injection } from '../../sim/index.ts';
import { byoa } from '../shell/daemon-process.ts';
import { openRig, pause, type Rig } from './rig.ts';

const LIMIT_MS = 60_000;
const LATE_MS = 4000;

/** For both tables of the design. */
const replaceRoute = (fault: Injection['fault'], times = 2): Injection => ({
  action: 'ReplaceRoute',
  fault,
  times,
});
const internalError = {
  kind: 'error',
  code: 'InternalError',
  message: 'An internal error.',
  status: 500,
} as const;

const FAULTS: readonly (readonly [string, Injection])[] = [
  ['applied and never answered', replaceRoute({ kind: 'applied-no-answer' })],
  ['neither applied nor answered', replaceRoute({ kind: 'lost' })],
  ['throttled three times each', replaceRoute({ kind: 'throttle' }, 6)],
  ['refused with 500 three times each', replaceRoute(internalError, 6)],
  ['applied late and never answered', replaceRoute({ kind: 'late', delayMs: LATE_MS })],
];

describe('egress-pair: a takeover whose ReplaceRoute calls are', () => {
  let opened: Rig | undefined;
  const rig = (): Rig => present(opened, 'the rig');
  beforeAll(async () => {
    opened = await openRig('egress-pair', '3s');
  });
  afterAll(() => opened?.close());

  const cut = (): void => {
    const [from, to] = [rig().instance('a'), rig().instance('b')];
    rig().simulator.cut({ id: 'cut', from, to, direction: 'both', loss: 1 });
  };
  const takenOver = () =>
    rig()
      .daemon('b')
      .logged(({ topic, msg }) => topic === 'moved' && msg.includes('from a to b'), 'b has taken over');
  /** Ends b's daemon politely, replays the journal of its whole life, and starts it again. */
  const replayed = async (): Promise<void> => {
    const file = rig().journal('b');
    const { child, ended } = rig().daemon('b');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    const { code, stdout, stderr } = await byoa(['replay', file]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/\d+ events: the same decisions\.\n$/);
    expect(stdout).toContain('Moves egress from a to b');
    await rig().start('b');
  };
  const backToStart = async (): Promise<void> => {
    await rig().switchover('a');
    await rig().agreed('a');
  };

  it.each(FAULTS)(
    '%s',
    async (_, injection) => {
      rig().simulator.inject(injection);
      const injectedAt = rig().simulator.state().now;
      cut();
      await takenOver();
      expect(await rig().settledOwner()).toBe('b');
      rig().simulator.heal('cut');
      await rig().agreed('b');
      const { fault } = injection;
      if (fault.kind === 'late')
        await pause(Math.max(0, injectedAt + 2 * LATE_MS - rig().simulator.state().now));
      expect(await rig().settledOwner()).toBe('b');
      await replayed();
      await rig().agreed('b');
      await backToStart();
    },
    LIMIT_MS,
  );

  it(
    'applied after the group has been moved back',
    async () => {
      const late = () =>
        rig()
          .events()
          .filter((event) => event.kind === 'api' && event.outcome === 'unanswered');
      const before = late().length;
      rig().simulator.inject(replaceRoute({ kind: 'late', delayMs: 4 * LATE_MS }, 1));
      cut();
      await takenOver();
      rig().simulator.heal('cut');
      await rig().agreed('b');
      await backToStart();
      expect(late().length).toBe(before);
      // Writes of the past arrive now, and lead a table away from the owner.
      await expect.poll(() => late().length, { timeout: 5 * LATE_MS }).toBe(before + 1);
      expect(await rig().settledOwner()).toBe('a');
      await replayed();
      await rig().agreed('a');
    },
    LIMIT_MS,
  );
});

/**
 * Lets a world run by the real clock: one timer for whatever it does next; what comes from outside
 * happens at the present instant.
 */
import type { Instant } from '../../controller/base/time.ts';
import { advance, type Kernel, nextAt } from '../world/kernel.ts';

/** The longest that one timer waits, ms: Node's timers end at 2^31 ms. */
const LONGEST_MS = 60_000;

/** Unix time on a clock that never jumps, ms rounded to 1 us. */
export const clock = (): Instant => Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;

export interface Driver {
  /**
   * Does something to the world at the present instant, and plans the timer anew. May be called from within.
   */
  readonly act: <T>(what: () => T) => T;
  readonly stop: () => void;
}

/**
 * Starts the clock of `kernel`. A fault of the simulator's own ends the process: a wrong world is worse than
 * none. `done` runs after each thing that happened.
 */
export function drive(kernel: Kernel, done: () => void = () => {}): Driver {
  let cancel = (): void => {};
  let armedFor: Instant | undefined;
  let inside = false;
  let stopped = false;
  const act = <T>(what: () => T): T => {
    if (inside || stopped) return what();
    inside = true;
    try {
      advance(kernel, clock());
      const result = what();
      advance(kernel, kernel.now);
      return result;
    } finally {
      inside = false;
      done();
      arm();
    }
  };
  const run = (): void => {
    armedFor = undefined;
    act(() => {});
  };
  const arm = (): void => {
    const due = nextAt(kernel);
    if (stopped || due === undefined || (armedFor !== undefined && armedFor <= due)) return;
    cancel();
    armedFor = due;
    const delayMs = due - clock();
    if (delayMs <= 0) {
      const immediate = setImmediate(run);
      cancel = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(run, Math.min(Math.ceil(delayMs), LONGEST_MS));
      cancel = () => clearTimeout(timer);
    }
  };
  arm();
  return {
    act,
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}

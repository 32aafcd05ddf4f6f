/** Lets a world run by the real clock: one timer for whatever it does next. Whoever asks from outside calls `catchUp` first. */
import type { Instant } from '../../controller/base/time.ts';
import { advance, type Kernel, nextAt } from '../world/kernel.ts';

/** The longest that one timer waits, ms: Node's timers end at 2^31 ms. */
const LONGEST_MS = 60_000;

/** Unix time on a clock that never jumps, ms rounded to 1 us. */
export const clock = (): Instant => Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;

export interface Driver {
  /** Brings the world to the present instant; to be called before anything is done to it, and `again` after. */
  readonly catchUp: () => void;
  /** Sets the timer anew: something may have been planned. */
  readonly again: () => void;
  readonly stop: () => void;
}

/** Starts the clock of `kernel`. A fault of the simulator's own ends the process: a wrong world is worse than none. */
export function drive(kernel: Kernel): Driver {
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  let armedFor: Instant | undefined;
  let stopped = false;
  const run = (): void => {
    timer = undefined;
    immediate = undefined;
    armedFor = undefined;
    catchUp();
    again();
  };
  const catchUp = (): void => advance(kernel, clock());
  const disarm = (): void => {
    if (timer !== undefined) clearTimeout(timer);
    if (immediate !== undefined) clearImmediate(immediate);
    timer = undefined;
    immediate = undefined;
    armedFor = undefined;
  };
  const again = (): void => {
    const due = nextAt(kernel);
    if (stopped || due === undefined || (armedFor !== undefined && armedFor <= due)) return;
    disarm();
    armedFor = due;
    const delayMs = due - clock();
    if (delayMs <= 0) immediate = setImmediate(run);
    else timer = setTimeout(run, Math.min(Math.ceil(delayMs), LONGEST_MS));
  };
  return {
    catchUp,
    again,
    stop: () => {
      stopped = true;
      disarm();
    },
  };
}

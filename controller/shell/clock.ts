/** The daemon's clocks. Nothing else in the shell reads the time for the brain. */
import type { Instant } from '../base/time.ts';

/** Now, ms, to 1 us: monotonic, and near Unix time because it started from it. */
export const now = (): Instant => Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;

/** Unix time less `now`, ms: it grows or shrinks when the machine's clock is set. */
export const wallOffset = (): number => Math.round(Date.now() - now());

const LOOK_MS = 10_000;
/** Less than this is of no interest: windows are in minutes. */
const STEP_MS = 1000;

/** Tells when the machine's clock has been set; the function that is returned ends that. */
export function watchWall(tell: (offsetMs: number) => void): () => void {
  let told = wallOffset();
  const timer = setInterval(() => {
    const offset = wallOffset();
    if (Math.abs(offset - told) < STEP_MS) return;
    told = offset;
    tell(offset);
  }, LOOK_MS).unref();
  return () => clearInterval(timer);
}

/** The daemon's clock. Nothing else in the shell reads the time for the brain. */
import type { Instant } from '../base/time.ts';

/** Now, ms, to 1 us: monotonic, and near Unix time because it started from it. */
export const now = (): Instant => Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;

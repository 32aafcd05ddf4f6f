/** Makes the plan of a failing run smaller while it still fails in the same way. */
import type { Fault } from './fault.ts';
import type { Plan } from './plan.ts';

/** What is the same after shrinking: the invariant, or that something was thrown. */
export type Failure = string | undefined;

/**
 * The smallest plan found: without faults that are not needed, and with those that are as short as they can
 * be. `failureOf` plays a plan.
 */
export function shrink(
  plan: Plan,
  failureOf: (plan: Plan) => Failure,
  onTry: (faults: number) => void = () => {},
): Plan {
  const wanted = failureOf(plan);
  if (wanted === undefined) return plan;
  const fails = (faults: readonly Fault[]): boolean => {
    onTry(faults.length);
    return failureOf({ ...plan, faults }) === wanted;
  };
  return { ...plan, faults: shorten(fewer(plan.faults, fails), fails) };
}

/** Leaves out halves, quarters, and in the end single faults. */
function fewer(start: readonly Fault[], fails: (faults: readonly Fault[]) => boolean): readonly Fault[] {
  let faults = start;
  for (let size = Math.ceil(faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let index = 0; index < faults.length; ) {
      const rest = faults.toSpliced(index, size);
      if (fails(rest)) faults = rest;
      else index += size;
    }
  }
  return faults;
}

/** Halves the length of each fault as long as that changes nothing. */
function shorten(start: readonly Fault[], fails: (faults: readonly Fault[]) => boolean): readonly Fault[] {
  let faults = start;
  for (const [index, fault] of start.entries()) {
    for (let forMs = Math.round(fault.forMs / 2); forMs >= 50; forMs = Math.round(forMs / 2)) {
      const shorter = faults.with(index, { ...fault, forMs });
      if (!fails(shorter)) break;
      faults = shorter;
    }
  }
  return faults;
}

/** Tells people, once, what a plan cannot do. */
import type { Turn } from '../failover/turn.ts';
import type { Plan } from './plan.ts';

export const some = (list: readonly string[]): string =>
  list.slice(0, 3).join(', ') + (list.length > 3 ? ', ...' : '');

/** Logs what is new; gives what has been told and still holds. */
export function tellPlan(table: string, plan: Plan, told: readonly string[], turn: Turn): readonly string[] {
  const kept = told.filter((key) => !/^(foreign|refused|left out)/.test(key));
  const before = new Set(told);
  const alarm = (text: string): void => turn.log('error', 'alarm', text, { table });
  const each = (kind: string, list: readonly string[]): readonly string[] => {
    const news = list.filter((one) => !before.has(`${kind} ${one}`));
    kept.push(...list.map((one) => `${kind} ${one}`));
    return news;
  };
  const foreign = each('foreign', plan.foreign);
  if (foreign.length > 0)
    alarm(
      `${some(foreign)}: ${table} has such routes that byoa did not make, and leaves them alone. ` +
        'Delete them, or name them in `adopt`.',
    );
  for (const one of each('refused', Object.keys(plan.refused)))
    alarm(`${one} stays out of ${table}: ${plan.refused[one]}.`);
  const { count, first } = plan.leftOut;
  if (count > 0 && !before.has('left out'))
    alarm(
      `${table} has no room for ${count} routes, ${some(first)} first: shorter prefixes go before. ` +
        'Raise `limit` and the quota, or choose fewer `prefixes`.',
    );
  if (count > 0) kept.push('left out');
  return kept;
}

/** Tells people of a table that nothing names any more. */
export function tellLeft(
  table: string,
  ours: Readonly<Record<string, string>>,
  told: readonly string[],
  turn: Turn,
): readonly string[] {
  const text =
    `${table} is not kept in sync any more: what byoa made there stays as it is ` +
    `(${some(Object.keys(ours))}). Delete it by hand, or name the table in routeSync again.`;
  turn.log('warn', 'alarm', text, { table });
  return [...told, 'left'];
}

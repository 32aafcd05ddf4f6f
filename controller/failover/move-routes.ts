/**
 * Moves routes: every write at once, the first in the same step as the decision; then a look at EC2 that was
 * sent after the last answer. A route that does not lead to the target then is looked at again, written
 * again, and in the end left to whoever keeps moving it back: ReplaceRoute has no compare-and-set.
 */
import { earliest, type Instant } from '../base/time.ts';
import type { Appliance } from '../config.ts';
import type { Operation, Step } from './group.ts';
import { type Advance, contradicted, send, withStep } from './step.ts';
import type { Turn } from './turn.ts';
import type { GroupView, RouteView } from './view.ts';

/** What has become of one route in this cycle. */
type Fate =
  | { readonly kind: 'done' | 'busy' }
  | { readonly kind: 'send' }
  | { readonly kind: 'wait'; readonly at: Instant }
  | { readonly kind: 'look'; readonly after: number; readonly at: Instant; readonly step?: Step }
  | { readonly kind: 'failed' | 'yielded'; readonly detail: string };

/** Carries a route operation as far as it goes now. */
export function advanceRoutes(
  start: Operation,
  group: string,
  target: Appliance,
  view: GroupView,
  turn: Turn,
): Advance {
  let operation = start;
  let wakeAt: Instant | undefined;
  let look: { after: number; at: Instant } | undefined;
  let open = 0;
  let busy = 0;
  let bad: Extract<Fate, { detail: string }> | undefined;
  for (const route of routesToMove(start, view)) {
    const fate = fateOf(operation, route, target.name, view, turn);
    if (fate.kind === 'done') continue;
    open += 1;
    if (fate.kind === 'busy') busy += 1;
    if (fate.kind === 'wait') wakeAt = earliest(wakeAt, fate.at);
    if (fate.kind === 'failed' || fate.kind === 'yielded') bad ??= fate;
    if (fate.kind === 'look') {
      look = { after: Math.max(fate.after, look?.after ?? -1), at: Math.max(fate.at, look?.at ?? fate.at) };
      if (fate.step !== undefined) operation = withStep(operation, route.key, fate.step);
    }
    if (fate.kind === 'send') {
      const { table, destination, key } = route;
      const create =
        operation.steps[key]?.instead === undefined
          ? !route.exists
          : operation.steps[key].instead === 'create';
      const call = {
        kind: create ? 'create-route' : 'replace-route',
        table,
        destination,
        eni: target.eni,
      } as const;
      const sent = send(operation, group, key, call, turn);
      operation = sent.operation;
      if (sent.wakeAt === undefined) busy += 1;
      else wakeAt = earliest(wakeAt, sent.wakeAt);
    }
  }
  const need = {
    ...(wakeAt === undefined ? {} : { wakeAt }),
    ...(look === undefined || busy > 0 ? {} : { look }),
  };
  if (bad !== undefined && busy === 0) {
    return { operation, need: {}, ended: { result: bad.kind, detail: bad.detail } };
  }
  if (open === 0)
    return { operation, need: {}, ended: { result: 'done', detail: `every route leads to ${target.eni}` } };
  return { operation, need };
}

/** A route that somebody leads elsewhere is left alone unless an operator asks. */
const routesToMove = ({ cause }: Operation, { routes }: GroupView): readonly RouteView[] =>
  routes.filter(({ foreign }) => !foreign || cause === 'switchover');

function fateOf({ steps }: Operation, route: RouteView, to: string, view: GroupView, turn: Turn): Fate {
  const step = steps[route.key];
  const there = route.member === to;
  if (step === undefined) return there ? { kind: 'done' } : { kind: 'send' };
  const later = step.notBefore > turn.now;
  switch (step.state) {
    case 'sent':
      return { kind: 'busy' };
    case 'failed':
      return { kind: 'failed', detail: `${route.key}: ${step.error}` };
    case 'refused':
      return later ? { kind: 'wait', at: step.notBefore } : { kind: 'send' };
    default:
  }
  const seenSince = view.seen > (step.endedAfter ?? -1);
  if (!seenSince) return { kind: 'look', after: step.endedAfter ?? -1, at: turn.now };
  if (there) return { kind: 'done' };
  if (step.state === 'unknown') return later ? { kind: 'wait', at: step.notBefore } : { kind: 'send' };
  if (step.judged === view.seen) return { kind: 'look', after: view.seen, at: step.notBefore };
  const next = contradicted(step, view.seen, turn);
  if (next.kind === 'look') return { ...next, after: view.seen };
  if (next.kind === 'send') return next;
  const detail = `somebody else leads ${route.key} to ${route.target || 'nothing'}, again and again`;
  return { kind: 'yielded', detail };
}

/** Answers of the control API in words. Pure. */
import { unreachable } from '../../controller/base/result.ts';
import { formatMillis } from '../../controller/base/time.ts';
import { targetId } from '../vpc/model.ts';
import type { FlowStats, Gap } from '../world/flows.ts';
import type { Happening, Logged } from '../world/happening.ts';
import type { State } from './state.ts';

const clockOf = (at: number): string => new Date(at).toISOString().slice(11, 23);

/** Machines, where routes point, flows and cuts. */
export function describeState(state: State): string {
  const lines: string[] = [];
  for (const instance of state.instances) {
    const how = [
      instance.power,
      instance.hung ? 'hung' : '',
      instance.drops ? 'drops' : '',
      instance.attached ? 'attached' : '',
    ];
    const addresses = instance.interfaces.flatMap((each) => each.addresses).join(', ');
    lines.push(
      `${instance.id}  ${instance.state}  ${how.filter((word) => word !== '').join(' ')}  ${instance.zone ?? ''}  ${addresses}`,
    );
  }
  for (const table of state.routeTables) {
    for (const route of table.routes) {
      lines.push(`${table.id}  ${route.destination} -> ${targetId(route.target)}`);
    }
  }
  for (const host of state.hosts) lines.push(`host ${host}`);
  for (const flow of state.flows) lines.push(describeFlow(flow));
  for (const cut of state.cuts)
    lines.push(`cut ${cut.id}: ${cut.from} - ${cut.to}, loss ${cut.loss}, ${cut.direction}`);
  return lines.length === 0 ? 'nothing has been made yet' : lines.join('\n');
}

/** The books of one flow. */
export function describeFlow(flow: FlowStats): string {
  const running = flow.running ? '' : ' (stopped)';
  const head = `${flow.id}${running}: ${flow.from} -> ${flow.to}:${flow.port}, every ${flow.intervalMs} ms`;
  const latency = flow.latencyMs === undefined ? '' : `, last round trip ${formatMillis(flow.latencyMs)}`;
  const books = `  sent ${flow.sent}, back ${flow.answered}, lost ${flow.lost}${latency}`;
  const path = flow.path.length === 0 ? [] : [`  path ${flow.path.join(' > ')}`];
  const loss = flow.lastLoss === undefined ? [] : [`  last loss: ${flow.lastLoss}`];
  return [head, books, ...path, ...flow.gaps.map(describeGap), ...loss].join('\n');
}

const describeGap = (gap: Gap): string =>
  gap.to === undefined
    ? `  gap since ${clockOf(gap.from)}, ${gap.lostPackets} packets so far`
    : `  gap ${clockOf(gap.from)} to ${clockOf(gap.to)}: ${formatMillis(gap.to - gap.from)}, ${gap.lostPackets} packets`;

/** One happening. */
export const describeEvent = (event: Logged): string =>
  `${event.seq}  ${clockOf(event.at)}  ${wordsOf(event)}`;

function wordsOf(event: Happening): string {
  switch (event.kind) {
    case 'api': {
      const applied = event.outcome === 'unanswered' && event.applied ? ' but applied' : '';
      return `${event.action} ${event.subjects.join(' ')}: ${event.outcome}${applied} after ${formatMillis(event.durationMs)}`;
    }
    case 'change':
      return `${event.id} ${event.gone ? 'is gone' : 'takes effect'}, ${formatMillis(event.afterMs)} after the call`;
    case 'power':
      return `${event.instance} is ${event.power}: ${event.reason}`;
    case 'guest':
      return `${event.instance}: ${event.what}`;
    case 'flow': {
      const gap =
        event.gapMs === undefined
          ? ''
          : ` after ${formatMillis(event.gapMs)}, ${event.lostPackets} packets lost`;
      return `flow ${event.flow} ${event.what}${gap}`;
    }
    case 'link':
      return `link ${event.between.join(' - ')}: ${event.what}${event.what === 'loss' ? ` ${event.loss}` : ''}`;
    case 'attach':
      return `daemon of ${event.instance} ${event.what}`;
    case 'fault':
      return `fault: ${event.what}`;
    default:
      return unreachable(event);
  }
}

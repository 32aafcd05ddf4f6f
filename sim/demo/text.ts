/** The demonstration as text for a terminal or a file; colours only when asked for. Pure. */
import { formatMillis } from '../../controller/base/time.ts';
import type { DesignResult, DrillResult, TimelineEntry } from './report.ts';

type Tone = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
const CODES: Record<Tone, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

export type Paint = (tone: Tone, text: string) => string;

/** A painter for a terminal (`true`) or one that leaves text as it is. */
export const painter =
  (colours: boolean): Paint =>
  (tone, text) =>
    colours ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text;

const toneOf = (entry: TimelineEntry): Tone | undefined => {
  if (entry.topic === 'kill' || /^Last packet/.test(entry.text)) return 'red';
  if (entry.topic === 'flow' || entry.topic === 'route-in-effect' || entry.topic === 'owned') return 'green';
  if (entry.topic === 'verdict' || entry.topic === 'decision') return 'yellow';
  return entry.topic === 'call' || entry.topic === 'outcome' ? 'cyan' : undefined;
};

function timelineText(drill: DrillResult, paint: Paint): string[] {
  const width = Math.max(...drill.entries.map(({ who }) => who.length), 4);
  return drill.entries.map((entry) => {
    const at = `${entry.sinceMs >= 0 ? '+' : '-'}${Math.abs(entry.sinceMs).toFixed(1)}`.padStart(9);
    const tone = toneOf(entry);
    const text = tone ? paint(tone, entry.text) : entry.text;
    return `  ${at} ms  ${paint('dim', entry.who.padEnd(width))}  ${text}`;
  });
}

function verdictText(drill: DrillResult, paint: Paint): string[] {
  const { flow } = drill;
  const counted = `${flow.lost} of ${flow.sent} packets lost (one every ${flow.intervalMs} ms, ${flow.answered} answered)`;
  if (!drill.recovered) return [paint('red', `  traffic did not return; ${counted}`)];
  if (drill.blackoutMs === 0) return [paint('green', `  no blackout; ${counted}`)];
  const lines = [paint('bold', `  blackout ${formatMillis(drill.blackoutMs)}; ${counted}`)];
  if (drill.split) {
    const { detectMs, decideMs, callMs, propagateMs } = drill.split;
    const part = (name: string, ms: number): string => `${name} ${ms.toFixed(1)} ms`;
    const parts = [part('detect', detectMs), part('decide', decideMs), part('call', callMs)];
    lines.push(`  = ${[...parts, part('propagate', propagateMs)].join(' + ')}`);
  }
  return lines;
}

/** One drill: its title, the timeline in ms since the trigger, and what it cost. */
export const drillText = (drill: DrillResult, paint: Paint): string =>
  ['', paint('bold', `  ${drill.title}`), ...timelineText(drill, paint), ...verdictText(drill, paint)].join(
    '\n',
  );

/** What was deployed and under which settings. */
export function designText(result: Omit<DesignResult, 'drills'>, paint: Paint): string {
  const settings = Object.entries(result.settings).map(([name, value]) => `${name} ${value}`);
  return [
    '',
    `${paint('bold', result.design)}  ${result.summary}`,
    paint('dim', `  ${result.resources} resources deployed; ${settings.join(', ')}`),
  ].join('\n');
}

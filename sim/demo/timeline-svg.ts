/**
 * One drill as a picture: traffic, verdict and decisions, EC2 calls, and the split, over one time axis. Pure.
 */
import { formatMillis } from '../../controller/base/time.ts';
import { esc } from '../page/escape.ts';
import type { DrillResult, TimelineEntry } from './report.ts';

const LEFT = 110;
const WIDTH = 1010;
const LANE = 34;

/** A round step that gives at most ten ticks over `span`. */
function tickStep(span: number): number {
  const raw = span / 10;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw) ?? 10 * power;
}

interface Scale {
  readonly from: number;
  readonly to: number;
  readonly x: (ms: number) => number;
}

function scaleOf(drill: DrillResult): Scale {
  const times = drill.entries.map(({ sinceMs }) => sinceMs);
  const first = Math.min(0, ...times);
  const last = Math.max(1, ...times);
  const margin = (last - first) * 0.04 + 1;
  const [from, to] = [first - margin, last + margin];
  return { from, to, x: (ms) => LEFT + ((ms - from) / (to - from)) * (WIDTH - LEFT - 10) };
}

const bar = (
  box: { x1: number; x2: number; y: number; height: number },
  fill: string,
  title: string,
): string =>
  `<rect x="${box.x1.toFixed(1)}" y="${box.y}" width="${Math.max(1.5, box.x2 - box.x1).toFixed(1)}" height="${box.height}" rx="3" fill="${fill}"><title>${esc(title)}</title></rect>`;

const label = (y: number, text: string): string =>
  `<text x="0" y="${y + 16}" class="soft">${esc(text)}</text>`;

function trafficLane(drill: DrillResult, scale: Scale, y: number): string {
  const all = { x1: scale.x(scale.from), x2: scale.x(scale.to), y: y + 4, height: 16 };
  const parts = [label(y, 'traffic'), bar(all, 'var(--good)', 'packets delivered')];
  const [last, first] = drill.entries.filter(({ topic }) => topic === 'flow');
  if (last && first) {
    const gap = { x1: scale.x(last.sinceMs), x2: scale.x(first.sinceMs), y: y + 4, height: 16 };
    parts.push(bar(gap, 'var(--bad)', `${drill.flow.lost} packets lost`));
    const middle = (gap.x1 + gap.x2) / 2;
    parts.push(
      `<text x="${middle.toFixed(1)}" y="${y + 16}" text-anchor="middle" style="fill:#fff">${esc(formatMillis(drill.blackoutMs))}</text>`,
    );
  }
  return parts.join('');
}

function splitLane(drill: DrillResult, scale: Scale, y: number): string {
  const split = drill.split;
  const start = drill.entries.find(({ topic }) => topic === 'flow')?.sinceMs;
  if (!split || start === undefined) return '';
  const parts = [
    { name: 'detect', ms: split.detectMs, fill: 'var(--warn)' },
    { name: 'decide', ms: split.decideMs, fill: 'var(--bad)' },
    { name: 'call', ms: split.callMs, fill: 'var(--call)' },
    { name: 'propagate', ms: split.propagateMs, fill: 'var(--soft)' },
  ];
  let at = start;
  const drawn = parts.map(({ name, ms, fill }) => {
    const box = { x1: scale.x(at), x2: scale.x(at + ms), y: y + 4, height: 16 };
    at += ms;
    const wide = box.x2 - box.x1 > 70;
    const text = wide
      ? `<text x="${((box.x1 + box.x2) / 2).toFixed(1)}" y="${y + 16}" text-anchor="middle" style="fill:#fff">${name} ${esc(formatMillis(ms))}</text>`
      : '';
    return bar(box, fill, `${name} ${formatMillis(ms)}`) + text;
  });
  return label(y, 'split') + drawn.join('');
}

function pointsLane(entries: readonly TimelineEntry[], scale: Scale, y: number, name: string): string {
  const marks = entries.map((entry) => {
    const x = scale.x(entry.sinceMs);
    const fill =
      entry.topic === 'verdict' ? 'var(--warn)' : entry.topic === 'kill' ? 'var(--bad)' : 'var(--ink)';
    return `<circle cx="${x.toFixed(1)}" cy="${y + 12}" r="5" fill="${fill}"><title>${esc(`${entry.sinceMs.toFixed(1)} ms: ${entry.text}`)}</title></circle>`;
  });
  return label(y, name) + marks.join('');
}

function callsLane(entries: readonly TimelineEntry[], scale: Scale, y: number): string {
  const bars = entries
    .filter((entry) => entry.topic === 'outcome')
    .map((entry) => {
      const box = {
        x1: scale.x(entry.sinceMs - (entry.durationMs ?? 0)),
        x2: scale.x(entry.sinceMs),
        y: y + 5,
        height: 14,
      };
      return bar(box, 'var(--call)', `${entry.text}: ${formatMillis(entry.durationMs ?? 0)}`);
    });
  return label(y, 'EC2 calls') + bars.join('');
}

function axis(scale: Scale, y: number): string {
  const step = tickStep(scale.to - scale.from);
  const ticks: string[] = [];
  for (let ms = Math.ceil(scale.from / step) * step; ms <= scale.to; ms += step) {
    const x = scale.x(ms).toFixed(1);
    ticks.push(`<line x1="${x}" x2="${x}" y1="0" y2="${y}" stroke="var(--line)"/>`);
    ticks.push(`<text x="${x}" y="${y + 16}" text-anchor="middle" class="soft">${ms} ms</text>`);
  }
  return ticks.join('');
}

/** The drill's timeline; hovering a mark tells its sentence. */
export function timelineSvg(drill: DrillResult): string {
  const scale = scaleOf(drill);
  const daemons = [...new Set(drill.entries.map(({ who }) => who))].filter((who) => who !== 'flow').sort();
  const lanes: string[] = [];
  const next = (draw: (y: number) => string): void => {
    const drawn = draw(lanes.length * LANE);
    if (drawn) lanes.push(drawn);
  };
  next((y) => trafficLane(drill, scale, y));
  next((y) => splitLane(drill, scale, y));
  for (const who of daemons) {
    const own = drill.entries.filter(
      (entry) => entry.who === who && !['call', 'outcome'].includes(entry.topic),
    );
    if (own.length > 0) next((y) => pointsLane(own, scale, y, who));
  }
  next((y) => callsLane(drill.entries, scale, y));
  const height = lanes.length * LANE;
  return `<svg viewBox="0 0 ${WIDTH} ${height + 24}" role="img" aria-label="${esc(drill.title)}">${axis(scale, height)}${lanes.join('')}</svg>`;
}

/** The picture of the race: a bar for each entrant, split into its parts at the median. Pure. */
import { quantile } from '../../controller/base/quantile.ts';
import type { Kill } from './kills.ts';
import type { Saved } from './saved.ts';

export const PARTS = [
  ['detectMs', 'detect', '#4269d0'],
  ['decideMs', 'decide', '#ff725c'],
  ['callMs', 'call', '#efb118'],
  ['propagateMs', 'propagate', '#6cc5b0'],
  ['restMs', 'until answered', '#9c6b4e'],
] as const satisfies readonly (readonly [keyof Kill, string, string])[];

export const medianOf = ({ kills }: Saved, key: keyof Kill): number =>
  quantile(
    kills.map((kill) => kill[key] ?? 0),
    0.5,
  );

const [LEFT, WIDTH, ROW, TOP] = [250, 560, 30, 50];
const escaped = (text: string): string => text.replace(/[&<>]/g, (letter) => `&#${letter.codePointAt(0)};`);

export function pictureOf(all: readonly Saved[]): string {
  const sorted = all.toSorted((one, two) => medianOf(one, 'blackoutMs') - medianOf(two, 'blackoutMs'));
  const longest = Math.max(...sorted.map((one) => medianOf(one, 'blackoutMs')));
  const scale = WIDTH / longest;
  const height = TOP + ROW * sorted.length + 20;
  const legend = PARTS.map(([, label, color], index) => {
    const x = LEFT + index * 120;
    return `<rect x="${x}" y="14" width="12" height="12" fill="${color}"/><text x="${x + 17}" y="25">${label}</text>`;
  });
  const bars = sorted.map((one, index) => {
    const y = TOP + index * ROW;
    let x = LEFT;
    const rects = PARTS.map(([key, , color]) => {
      const width = Math.max(0, medianOf(one, key) * scale);
      const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="18" fill="${color}"/>`;
      x += width;
      return rect;
    });
    const label = escaped(`${one.name}, ${one.settings}`);
    const total = `${medianOf(one, 'blackoutMs').toFixed(0)} ms`;
    return `<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${label}</text>${rects.join('')}<text x="${(x + 6).toFixed(1)}" y="${y + 14}">${total}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 90}" height="${height}" font-family="sans-serif" font-size="12">
<title>Blackout when the owner dies, median, in its parts</title>
<rect width="100%" height="100%" fill="white"/>
${legend.join('\n')}
${bars.join('\n')}
</svg>
`;
}

/**
 * A deployed design as a picture: zones, subnets, instances, and the paths of the flow before and after.
 * Pure.
 */
import { esc } from '../page/escape.ts';
import type { Box, DesignResult } from './report.ts';

const ZONE_WIDTH = 470;
const ROW = { internet: 20, appliance: 130, workload: 290 } as const;

interface Placed extends Box {
  readonly x: number;
  readonly y: number;
}

const BOX = { width: 190, height: 74 } as const;

const heightOf = (box: Box): number => Math.max(BOX.height, 44 + (box.enis.length + 1) * 15);

/** Places boxes by zone (columns) and role (rows), side by side where a zone holds several of a role. */
function place(boxes: readonly Box[]): { placed: Placed[]; zones: string[] } {
  const zones = [...new Set(boxes.map(({ zone }) => zone))].sort();
  const taken = new Map<string, number>();
  const placed = [...boxes]
    .sort((a, b) => a.name.localeCompare(b.name))
    .map((box) => {
      const key = `${box.zone}/${box.role}`;
      const index = taken.get(key) ?? 0;
      taken.set(key, index + 1);
      const x = zones.indexOf(box.zone) * (ZONE_WIDTH + 20) + 25 + index * (BOX.width + 30);
      return { ...box, x, y: box.role === 'appliance' ? ROW.appliance : ROW.workload };
    });
  return { placed, zones };
}

function boxSvg(box: Placed): string {
  const addresses = box.enis.map(({ address, deviceIndex }) => `eth${deviceIndex} ${address}`);
  const stroke = box.role === 'appliance' ? 'var(--call)' : 'var(--soft)';
  const lines = [box.subnet, ...addresses].map(
    (line, index) =>
      `<text x="${box.x + 12}" y="${box.y + 38 + index * 15}" class="soft">${esc(line)}</text>`,
  );
  return `<rect x="${box.x}" y="${box.y}" width="${BOX.width}" height="${heightOf(box)}" rx="8" fill="var(--card)" stroke="${stroke}" stroke-width="1.5"/>
<text x="${box.x + 12}" y="${box.y + 20}" class="strong">${esc(box.name)}</text>${lines.join('')}`;
}

/** A line from the workload through the appliances of a path of ENIs, upwards to the Internet. */
function pathSvg(
  path: readonly string[],
  placed: readonly Placed[],
  internetX: number,
  stroke: string,
  shift: number,
): string {
  const through = path.flatMap((eni) => placed.filter(({ enis }) => enis.some(({ id }) => id === eni)));
  const appliances = new Set(through.filter(({ role }) => role === 'appliance'));
  const stops = [...placed.filter(({ role }) => role === 'workload').slice(0, 1), ...appliances];
  const points = stops.flatMap((box) => {
    const x = box.x + BOX.width / 2 + shift;
    return box.role === 'workload'
      ? [[x, box.y]]
      : [
          [x, box.y + heightOf(box)],
          [x, box.y],
        ];
  });
  const all = [...points, [internetX + shift, ROW.internet + 34]].map((point) => point.join(','));
  return `<polyline points="${all.join(' ')}" fill="none" stroke="${stroke}" stroke-width="2.5" stroke-linejoin="round" marker-end="url(#arrow)" ${shift < 0 ? 'stroke-dasharray="6 5"' : ''}/>`;
}

/** The topology with the flow's path before the failure (dashed) and after it. */
export function topologySvg(result: DesignResult): string {
  const { placed, zones } = place(result.boxes);
  const width = Math.max(1, zones.length) * (ZONE_WIDTH + 20) - 20;
  const zoneRects = zones.map((zone, index) => {
    const x = index * (ZONE_WIDTH + 20);
    return `<rect x="${x + 1}" y="92" width="${ZONE_WIDTH - 2}" height="300" rx="10" fill="none" stroke="var(--line)" stroke-dasharray="4 4"/>
<text x="${x + 14}" y="112" class="soft">${esc(zone)}</text>`;
  });
  const failover = result.drills.find(({ kind }) => kind === 'failover');
  const paths = failover
    ? pathSvg(failover.flow.pathBefore, placed, width / 2, 'var(--bad)', -8) +
      pathSvg(failover.flow.pathAfter, placed, width / 2, 'var(--good)', 8)
    : '';
  return `<svg viewBox="0 0 ${width} 420" width="${width}" role="img" aria-label="${esc(result.design)} topology">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="var(--soft)"/></marker></defs>
<rect x="${width / 2 - 130}" y="${ROW.internet - 14}" width="260" height="46" rx="23" fill="var(--card)" stroke="var(--line)"/>
<text x="${width / 2}" y="${ROW.internet + 13}" text-anchor="middle" class="strong">${esc(`Internet host ${result.host}`)}</text>
${zoneRects.join('')}${paths}${placed.map(boxSvg).join('')}
<text x="0" y="414" class="soft">dashed red: the flow before the failure; green: after it</text></svg>`;
}

/** What the lab's commands print. Pure. */
import type { Machine } from './lab.ts';
import type { Counts, SeenPacket } from './message.ts';

/** The machines, one a line, and where the API is. */
export function listText({
  machines,
  url,
  counts,
}: {
  readonly machines: readonly Machine[];
  readonly url: string;
  readonly counts: Counts;
}): string {
  const rows = machines.map(({ id, name = '', power, addresses }) => [id, power, name, addresses.join(' ')]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const { frames, dropped, refused, taps } = counts;
  return [
    ...lines,
    `${taps} devices; ${frames} frames, ${dropped} dropped, ${refused} not taken; the API is at ${url} in the machine lab`,
  ].join('\n');
}

/** One packet, as tcpdump would show it, with what became of it. */
export function packetText({ at, from, to, packet, disposition, reason }: SeenPacket): string {
  const time = new Date(at).toISOString().slice(11, 23);
  const end = to === undefined ? `${disposition}: ${reason}` : `-> ${to}`;
  return `${time} ${from} ${packet} ${end}`;
}

/** A traced packet in words: a line for each hop, then what became of it, why, and what to do. Pure. */
import type { Finding, Hop } from '../vpc/explain.ts';
import type { Trace } from '../vpc/forward.ts';
import type { TracedFlow } from '../world/trace.ts';

/** The packet, and the answer where there is one. */
export function describeTrace(flow: TracedFlow): string {
  const { answer } = flow;
  if (flow.copies !== undefined) {
    return flow.copies.map((copy, index) => `Copy ${index + 1}:\n${describeOne(copy)}`).join('\n\n');
  }
  if (answer === undefined) return describeOne(flow);
  return `There:\n${describeOne(flow)}\n\nBack:\n${describeOne(answer)}`;
}

function describeOne(trace: Trace): string {
  const { disposition, meaning, hint, deliveredTo } = trace;
  const lines = trace.hops.map(describeHop);
  if (deliveredTo !== undefined) return [...lines, `${disposition} to ${deliveredTo}`].join('\n');
  const [first, ...others] = trace.findings;
  const end = [`DROPPED: ${disposition}${at(first)}`, `  ${meaning}`, `  ${hint}`];
  const notes = others.flatMap((note) => [
    `Beside it: ${note.code}${at(note)}`,
    `  ${note.text}`,
    `  ${note.hint}`,
  ]);
  return [...lines, ...end, ...notes].join('\n');
}

const at = (finding: Finding | undefined): string =>
  finding === undefined || finding.objects.length === 0 ? '' : ` at ${finding.objects.join(', ')}`;

function describeHop(hop: Hop, index: number): string {
  const { route, translations = [] } = hop;
  const beats = (route?.beats ?? []).map(
    ({ destination, target, text }) => `; beats ${destination} -> ${target} (${text})`,
  );
  const changed = translations.map(({ field, before, after }) => `; ${field} ${before} -> ${after}`);
  const number = `${index + 1}.`.padEnd(3);
  return `${number} ${hop.place} ${hop.id}: ${hop.text}${beats.join('')}${changed.join('')}`;
}

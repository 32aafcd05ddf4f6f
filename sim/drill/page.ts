/** Reports as a page: a bar of time for each flow in each single failure, and a map of all pairs. Pure. */
import { formatMillis } from '../../controller/base/time.ts';
import { esc } from '../page/escape.ts';
import { htmlPage } from '../page/page.ts';
import { nameOf } from './failure.ts';
import { outcomeText, titleOf } from './text.ts';
import { type Judged, type JudgedDrill, type Report, type Verdict, worstOf } from './verdict.ts';

const COLOUR: Record<Verdict, string> = {
  kept: 'var(--good)',
  back: 'var(--call)',
  late: 'var(--warn)',
  lost: 'var(--bad)',
  unsavable: 'var(--soft)',
  orphaned: 'var(--line)',
};

const MEANING: Record<Verdict, string> = {
  kept: 'never interrupted',
  back: 'back within its objective',
  late: 'back, and too late',
  lost: 'not back, although a member was fit',
  unsavable: 'no member was left',
  orphaned: 'an end of it failed itself',
};

const legend = (): string =>
  `<p>${Object.entries(MEANING)
    .map(
      ([verdict, text]) =>
        `<svg width="12" height="12" style="display:inline;vertical-align:-1px"><rect width="12" height="12" rx="2" fill="${COLOUR[verdict as Verdict]}"/></svg> ${esc(text)}`,
    )
    .join(' &nbsp; ')}</p>`;

const LEFT = 250;
const WIDTH = 1010;
/** Room for what became of a flow. */
const RIGHT = 220;
const BAR = 10;

/** Bars over one axis of time: what was up is thin, what was interrupted is thick. */
function barsSvg(report: Report): string {
  const { singles, limitMs } = report;
  const x = (ms: number): number => LEFT + (Math.min(ms, limitMs) / limitMs) * (WIDTH - LEFT - RIGHT);
  let y = 20;
  const parts: string[] = [];
  for (const one of singles) {
    parts.push(`<text x="0" y="${y + BAR}">${esc(titleOf(one))}</text>`);
    for (const flow of one.flows) {
      parts.push(
        `<rect x="${LEFT}" y="${y + 4}" width="${x(limitMs) - LEFT}" height="2" fill="${COLOUR[flow.verdict === 'orphaned' ? 'orphaned' : 'kept']}"/>`,
        ...flow.interruptions.map(
          ({ fromMs, toMs }) =>
            `<rect x="${x(fromMs).toFixed(1)}" y="${y}" width="${Math.max(2, x(toMs) - x(fromMs)).toFixed(1)}" height="${BAR}" rx="2" fill="${COLOUR[flow.verdict]}"><title>${esc(`${flow.flow}: ${outcomeText(flow)}`)}</title></rect>`,
        ),
        `<text x="${x(limitMs) + 8}" y="${y + BAR}" class="soft">${esc(outcomeText(flow))}</text>`,
      );
      y += BAR + 4;
    }
    y += 6;
  }
  const ticks = Array.from({ length: 7 }, (_, index) => (limitMs / 6) * index).map(
    (ms) => `<text x="${x(ms).toFixed(0)}" y="10" class="soft">${esc(formatMillis(Math.round(ms)))}</text>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${y + 4}" width="${WIDTH}" role="img" aria-label="Flows after single failures">${ticks.join('')}${parts.join('')}</svg>`;
}

const CELL = 18;

/** A square for each pair of failures, by the flow that fared worst. */
function mapSvg({ singles, pairs }: Report): string {
  const names = singles.map(titleOf);
  const cells = pairs.map((pair) => {
    const [row = 0, column = 0] = pair.failures.map((failure) => names.indexOf(nameOf(failure)));
    const worst = worstOf(pair);
    const colour = COLOUR[worst?.verdict ?? 'kept'];
    const title = `${titleOf(pair)}: ${worst === undefined ? 'no flows' : `${worst.flow}: ${outcomeText(worst)}`}`;
    return `<rect x="${LEFT + row * CELL}" y="${column * CELL}" width="${CELL - 2}" height="${CELL - 2}" rx="2" fill="${colour}"><title>${esc(title)}</title></rect>`;
  });
  const rows = names.map((name, index) => `<text x="0" y="${index * CELL + 12}">${esc(name)}</text>`);
  const bottom = names.length * CELL;
  const columns = names.map(
    (name, index) =>
      `<text transform="translate(${LEFT + index * CELL + 12} ${bottom + 6}) rotate(90)">${esc(name)}</text>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${bottom + 240}" width="${WIDTH}" role="img" aria-label="Flows after pairs of failures">${cells.join('')}${rows.join('')}${columns.join('')}</svg>`;
}

function details(drill: JudgedDrill): string {
  const rows = drill.said.map(
    ({ sinceMs, who, text }) =>
      `<tr><td class="at">${(sinceMs / 1000).toFixed(3)} s</td><td>${esc(who)}</td><td>${esc(text)}</td></tr>`,
  );
  const flows = drill.flows.map((flow: Judged) => `${flow.flow}: ${outcomeText(flow)}`).join('; ');
  return `<details><summary>${esc(`${titleOf(drill)}: ${flows}`)}</summary><table>${rows.join('')}</table></details>`;
}

function section(report: Report): string {
  const { title, notes, calm, singles, pairs } = report;
  return [
    `<h2>${esc(title)}</h2>`,
    ...notes.map((note) => `<p>${esc(note)}</p>`),
    `<p>${esc(`Nothing fails: ${calm.flows.map((flow) => `${flow.flow} ${outcomeText(flow)}`).join('; ')}`)}</p>`,
    `<h3>Single failures</h3>${legend()}<div class="card">${barsSvg(report)}</div>`,
    ...(pairs.length === 0 ? [] : [`<h3>Pairs of failures</h3><div class="card">${mapSvg(report)}</div>`]),
    `<h3>What the daemons said</h3><div class="card">${singles.map(details).join('\n')}</div>`,
  ].join('\n');
}

/** The page; `madeAt` is printed as it is given. */
export const drillPage = (reports: readonly Report[], madeAt: string): string =>
  htmlPage(
    'byoa: drill',
    `Everything fails, in the bundled simulator, ${madeAt}. Every figure comes from this run.`,
    reports.map(section).join('\n'),
  );

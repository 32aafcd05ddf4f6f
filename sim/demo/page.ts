/**
 * The demonstration as one self-contained HTML page with the topology and the timelines drawn in SVG. Pure.
 */
import { formatMillis } from '../../controller/base/time.ts';
import { esc } from '../page/escape.ts';
import { htmlPage } from '../page/page.ts';
import type { DesignResult, DrillResult } from './report.ts';
import { timelineSvg } from './timeline-svg.ts';
import { topologySvg } from './topology-svg.ts';

const figure = (value: string, name: string): string =>
  `<div class="figure"><b>${esc(value)}</b><span>${esc(name)}</span></div>`;

function figures(drill: DrillResult): string {
  const cells = [
    drill.recovered
      ? figure(formatMillis(drill.blackoutMs), 'blackout')
      : figure('none', 'traffic did not return'),
    figure(`${drill.flow.lost} / ${drill.flow.sent}`, 'packets lost / sent'),
  ];
  if (drill.split) {
    cells.push(
      figure(formatMillis(drill.split.detectMs), 'detect'),
      figure(formatMillis(drill.split.decideMs), 'decide'),
    );
    cells.push(
      figure(formatMillis(drill.split.callMs), 'call'),
      figure(formatMillis(drill.split.propagateMs), 'propagate'),
    );
  }
  return `<div class="figures">${cells.join('')}</div>`;
}

function entries(drill: DrillResult): string {
  const rows = drill.entries.map((entry) => {
    return `<tr><td class="at">${entry.sinceMs.toFixed(1)} ms</td><td>${esc(entry.who)}</td><td>${esc(entry.text)}</td></tr>`;
  });
  return `<details open><summary>Timeline, in ms since the trigger</summary><table>${rows.join('\n')}</table></details>`;
}

const drillSection = (drill: DrillResult): string =>
  `<h3>${esc(drill.title)}</h3>${figures(drill)}<div class="card">${timelineSvg(drill)}</div><div class="card">${entries(drill)}</div>`;

function designSection(result: DesignResult): string {
  const settings = Object.entries(result.settings).map(([name, value]) => `${name} ${value}`);
  return [
    `<h2>${esc(result.design)}</h2><p>${esc(result.summary)}</p><p>${esc(`${result.resources} resources; ${settings.join(', ')}`)}</p>`,
    `<div class="card">${topologySvg(result)}</div>`,
    ...result.drills.map(drillSection),
  ].join('\n');
}

/** The page; `madeAt` is printed as it is given. */
export const page = (results: readonly DesignResult[], madeAt: string): string =>
  htmlPage(
    'byoa: failover drill',
    `Measured in the bundled simulator, ${madeAt}. Every figure comes from this run.`,
    results.map(designSection).join('\n'),
  );

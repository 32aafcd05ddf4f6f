/** Reports as JUnit XML: a suite for each subject, a case for each flow in each drill. Pure. */
import { esc } from '../page/escape.ts';
import { outcomeText, titleOf } from './text.ts';
import { isMissed, type Judged, type JudgedDrill, type Report } from './verdict.ts';

function testcase(title: string, drill: JudgedDrill, flow: Judged): string {
  const name = `${titleOf(drill)}: ${flow.flow}`;
  const seconds = (flow.blackoutMs / 1000).toFixed(3);
  const open = `    <testcase classname="${esc(title)}" name="${esc(name)}" time="${seconds}"`;
  const message = esc(outcomeText(flow));
  if (isMissed(flow)) return `${open}><failure message="${message}"/></testcase>`;
  if (flow.verdict === 'unsavable' || flow.verdict === 'orphaned')
    return `${open}><skipped message="${message}"/></testcase>`;
  return `${open}/>`;
}

export function junit(reports: readonly Report[]): string {
  const suites = reports.map(({ title, calm, singles, pairs }) => {
    const drills = [calm, ...singles, ...pairs];
    const flows = drills.flatMap((one) => one.flows);
    const failures = flows.filter(isMissed).length;
    const skipped = flows.filter(({ verdict }) => verdict === 'unsavable' || verdict === 'orphaned').length;
    const cases = drills.flatMap((one) => one.flows.map((flow) => testcase(title, one, flow)));
    return [
      `  <testsuite name="${esc(title)}" tests="${flows.length}" failures="${failures}" skipped="${skipped}">`,
      ...cases,
      '  </testsuite>',
    ].join('\n');
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
}

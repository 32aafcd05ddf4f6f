/** What docs/designs.md says of each design, from its plan and from drills. */
import { zonesText } from '../../infra/design.ts';
import { DESIGNS, type DesignName, NAMES } from '../../infra/designs/catalog.ts';
import { movesText, planText, promisesText, samplePlan } from '../../infra/diagram.ts';
import type { Failure } from '../../sim/drill/failure.ts';
import { outcomeText } from '../../sim/drill/text.ts';
import { type JudgedDrill, worstOf } from '../../sim/drill/verdict.ts';

/** Where the two parts stand in the page. */
export const PARTS = {
  designs: ['<!-- designs -->', '<!-- end of designs -->'],
  blackouts: ['<!-- blackouts -->', '<!-- end of blackouts -->'],
} as const;

const unique = (texts: readonly string[]): string => [...new Set(texts)].join('; ');

/** All designs side by side, and each one's plan; in the smallest shape. */
export function designsText(): string {
  const rows = NAMES.map((name) => {
    const design = DESIGNS[name];
    const plan = samplePlan(design);
    const moves = unique(plan.groups.map((group) => movesText(plan, group)));
    const objectives = unique(plan.flows.map(({ objectiveMs }) => `${objectiveMs / 1000} s`));
    const link = `[\`${name}\`](../infra/designs/${name}/README.md)`;
    const groups = plan.groups.length === 1 ? 'one group' : `${plan.groups.length} groups`;
    const moved = plan.groups.length === 0 ? 'nothing: BGP' : `${groups}: ${moves}`;
    return `| ${link} | ${design.summary} | ${zonesText(design)} | ${moved} | ${objectives} |`;
  });
  return [
    '| design | what it is | zones | what moves | objective |',
    '|---|---|---|---|---|',
    ...rows,
    ...NAMES.flatMap(sectionOf),
  ].join('\n');
}

function sectionOf(name: DesignName): readonly string[] {
  const plan = samplePlan(DESIGNS[name]);
  const promises = promisesText(plan).map((promise) => `  ${promise}`);
  return ['', `### ${name}`, '', '```text', planText(plan), 'promised flows:', ...promises, '```'];
}

type Column = readonly [title: string, is: (failure: Failure) => boolean];

const machine =
  (...hows: readonly string[]) =>
  (failure: Failure): boolean =>
    failure.kind === 'machine' && hows.includes(failure.how);

const COLUMNS: readonly Column[] = [
  ['an appliance is killed or freezes', machine('kill', 'freeze')],
  ['one hangs, and its kernel forwards', machine('hang')],
  ['one forwards nothing', machine('drop')],
  ['a zone is lost', ({ kind }) => kind === 'zone'],
  ['a daemon is killed', ({ kind }) => kind === 'daemon'],
  ['two cannot see each other', (failure) => failure.kind === 'cut' && failure.to !== 'api'],
  ['a tunnel is down', ({ kind }) => kind === 'tunnel'],
  ["EC2's API is away", (failure) => failure.kind === 'cut' && failure.to === 'api'],
];

/** The longest blackout of any flow by kind of failure, of every single failure of each design. */
export function blackoutsText(drills: ReadonlyMap<string, readonly JudgedDrill[]>): string {
  const rows = [...drills].map(([name, all]) => {
    const cells = COLUMNS.map(([, is]) => {
      const flows = all.filter(({ failures }) => failures.some(is)).flatMap((one) => worstOf(one) ?? []);
      const worst = flows.toSorted((a, b) => b.blackoutMs - a.blackoutMs)[0];
      return worst === undefined ? '-' : outcomeText(worst);
    });
    return `| \`${name}\` | ${cells.join(' | ')} |`;
  });
  return [
    `| design | ${COLUMNS.map(([title]) => title).join(' | ')} |`,
    `|---|${COLUMNS.map(() => '---|').join('')}`,
    ...rows,
  ].join('\n');
}

/** The page with one of its parts anew. */
export function withPart(page: string, part: keyof typeof PARTS, text: string): string {
  const [begin, end] = PARTS[part];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < 0)
    throw new Error(`the page has no ${begin} and ${end}; put them where it is to stand`);
  return `${page.slice(0, from)}${begin}\n${text}\n${page.slice(to)}`;
}

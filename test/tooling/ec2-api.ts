/** Writes docs/ec2-api.md: what the handlers of the simulator serve. Run by `npm run docs:api`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FROM_MEMORY } from '../../sim/ec2/refusal.ts';
import { type Served, servedOperations } from './served.ts';

const FILE = fileURLToPath(new URL('../../docs/ec2-api.md', import.meta.url));

const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(' ');

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const table = (head: readonly string[], rows: readonly string[]): string =>
  [row(...head), row(...head.map(() => '---')), ...rows].join('\n');

/** What every operation has, said once. */
const INTRODUCTION = `# The API that the simulator serves

\`npm run docs:api\` wrote this page from the handlers in \`sim/ec2\`; \`npx vitest run test/tooling/ec2-api\` says when it is out of date.

Of every operation:

- Requests and answers have all members of the SDK's schema. *Read* are the parameters that a handler looks at; those
  *without effect* are taken and change nothing. A parameter that the operation has not is \`UnknownParameter\`, a
  required one that is missing \`MissingParameter\`, a value of the wrong type \`InvalidParameterValue\`.
- \`DryRun\` checks the form and the resources and answers \`DryRunOperation\` (412); where the action has none,
  \`UnknownParameter\`. \`ClientToken\` makes a request idempotent; with other parameters it is \`IdempotentParameterMismatch\`.
- Filters take \`*\` and \`?\`, and \`tag:KEY\` and \`tag-key\` beside those listed; one that the operation has not is
  \`InvalidParameterValue\`. A filter about something that the simulator has none of matches nothing.
- Pages: \`MaxResults\` within EC2's bounds, and a token that neither skips nor repeats what stays, whatever is made or
  deleted between two pages.
- An id of another account or region is not found. An operation that is not listed is \`InvalidAction\`, which names it.
- *Errors* are those that a handler and all that it calls can give; a code in a list does not mean that every one of
  its causes is simulated.`;

const byName = (served: readonly Served[]): string =>
  table(
    ['operation', 'read', 'without effect', 'errors'],
    served.map((each) => row(each.action, code(each.read), code(each.ignored), code(each.codes))),
  );

const filtersOf = (served: readonly Served[]): string =>
  table(
    ['operation', 'filters'],
    served.filter((each) => each.filters.length > 0).map((each) => row(each.action, code(each.filters))),
  );

/** The page, as Markdown. */
export function ec2Api(served: readonly Served[]): string {
  const services = [...new Set(served.map((each) => each.service))].sort();
  const sections = services.map((service) => {
    const own = served.filter((each) => each.service === service);
    return `## ${service}: ${own.length} operations\n\n${byName(own)}`;
  });
  const memory = `## Codes from memory\n\nSpelled from memory, for want of a source: ${code(FROM_MEMORY)}.`;
  const filters = `## Filters\n\n${filtersOf(served)}`;
  return `${[INTRODUCTION, ...sections, filters, memory].join('\n\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(FILE, ec2Api(servedOperations()));

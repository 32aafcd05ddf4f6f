/**
 * `npm run bench -- NAME`: one file of this folder, a table, and a last line of JSON; without NAME the list.
 * With `--record` behind NAME, its section of results.md is written anew.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Benchmark, machine, type Result, table } from './harness.ts';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const HERE = new URL('.', import.meta.url);
const OURS = ['main.ts', 'harness.ts'];

const names = (): readonly string[] =>
  readdirSync(HERE)
    .filter((name) => name.endsWith('.ts') && !OURS.includes(name))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();

async function load(name: string): Promise<Benchmark> {
  const module: { readonly benchmark?: Benchmark } = await import(new URL(`${name}.ts`, HERE).href);
  if (module.benchmark === undefined) throw new Error(`bench/${name}.ts exports no 'benchmark'`);
  return module.benchmark;
}

async function list(): Promise<void> {
  process.stdout.write('npm run bench -- NAME, where NAME is one of\n');
  for (const name of names()) process.stdout.write(`  ${name.padEnd(12)}${(await load(name)).question}\n`);
}

const RESULTS = new URL('results.md', HERE);

const verdict = (result: Result): readonly string[] =>
  result.goals.map(
    ({ name, value, op, limit, unit, met }) =>
      `${met ? 'met   ' : 'MISSED'} ${name} ${value} ${unit} (${op} ${limit} ${unit})`,
  );

/** Puts a section of results.md in the place of that of the same name, or at the end. */
function record(name: string, question: string, result: Result): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const lines = [table(result.rows), '', ...(result.notes ?? []), ...verdict(result)];
  const day = new Date().toISOString().slice(0, 10);
  const section = [
    begin,
    `## ${name}`,
    '',
    question,
    '',
    `\`npm run bench -- ${name} --record\`, ${day}, ${machine()}`,
    '',
    '```text',
    ...lines,
    '```',
    end,
  ].join('\n');
  const before = existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : '# What was measured\n';
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  const after =
    from < 0 || to < 0
      ? `${before}\n${section}\n`
      : before.slice(0, from) + section + before.slice(to + end.length);
  writeFileSync(RESULTS, after);
  for (const [path, text] of Object.entries(result.files ?? {}))
    writeFileSync(new URL(`../${path}`, import.meta.url), text);
}

async function runOne(name: string, recorded: boolean): Promise<void> {
  const benchmark = await load(name);
  const { version } = JSON.parse(readFileSync(new URL('../package.json', HERE), 'utf8'));
  process.stdout.write(`${name}: ${benchmark.question}\n${machine()}\n\n`);
  const result = await benchmark.run((line) => process.stderr.write(`  ${line}\n`));
  process.stdout.write(`${table(result.rows)}\n\n`);
  for (const note of result.notes ?? []) process.stdout.write(`${note}\n`);
  for (const line of verdict(result)) process.stdout.write(`${line}\n`);
  if (recorded) record(name, benchmark.question, result);
  process.stdout.write(
    `${JSON.stringify({ bench: name, version, machine: machine(), goals: result.goals })}\n`,
  );
}

const [name, ...flags] = process.argv.slice(2);
if (name === undefined) await list();
else if (names().includes(name)) {
  await runOne(name, flags.includes('--record')).catch((error: unknown) => {
    process.stderr.write(
      `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 1;
  });
} else {
  process.stderr.write(`There is no benchmark '${name}'; there are: ${names().join(' ')}\n`);
  process.exitCode = 2;
}
// A benchmark may leave warm connections behind; everything has been said.
process.stdout.write('', () => process.exit());

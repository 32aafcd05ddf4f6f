/**
 * `npm run bench -- NAME`: one file of this folder, a table, and a last line of JSON; without NAME the list.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { type Benchmark, machine, table } from './harness.ts';

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

async function runOne(name: string): Promise<void> {
  const benchmark = await load(name);
  const { version } = JSON.parse(readFileSync(new URL('../package.json', HERE), 'utf8'));
  process.stdout.write(`${name}: ${benchmark.question}\n${machine()}\n\n`);
  const result = await benchmark.run((line) => process.stderr.write(`  ${line}\n`));
  process.stdout.write(`${table(result.rows)}\n\n`);
  for (const note of result.notes ?? []) process.stdout.write(`${note}\n`);
  for (const { name: what, value, op, limit, unit, met } of result.goals) {
    process.stdout.write(`${met ? 'met   ' : 'MISSED'} ${what} ${value} ${unit} (${op} ${limit} ${unit})\n`);
  }
  process.stdout.write(
    `${JSON.stringify({ bench: name, version, machine: machine(), goals: result.goals })}\n`,
  );
}

const [name] = process.argv.slice(2);
if (name === undefined) await list();
else if (names().includes(name)) {
  await runOne(name).catch((error: unknown) => {
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

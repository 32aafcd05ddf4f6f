/** `byoa init`: writes a small Pulumi project that deploys one design. Only wiring and questions. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { DESIGNS, isDesign, NAMES } from '../designs/catalog.ts';
import { type Choices, checkChoices, type Dependencies, projectFiles } from './project.ts';

/** What the command line says; what it leaves open is asked for, or takes its default. */
interface InitOptions {
  readonly design?: string;
  readonly name?: string;
  readonly stack: string;
  readonly region?: string;
  readonly zones?: string;
  readonly cidr?: string;
  readonly appliance?: string;
  readonly instanceType?: string;
  readonly byoa?: string;
  readonly yes?: boolean;
}

/** Adds `init` to the program. */
export function register(program: Command): void {
  program
    .command('init')
    .description('write a Pulumi project for a design: program, stack, README, and a drill for CI')
    .argument('[folder]', 'where to', '.')
    .addOption(new Option('--design <name>', 'which design').choices([...NAMES]))
    .option('--name <name>', "name of the project; the folder's by default")
    .option('--stack <name>', 'name of the stack', 'prod')
    .option('--region <name>', 'AWS region')
    .option('--zones <names>', 'availability zones, separated by commas, the preferred first')
    .option('--cidr <block>', 'IPv4 block of the VPC, /16 to /24')
    .addOption(new Option('--appliance <kind>', 'what the appliances do').choices(['nat', 'firewall']))
    .option('--instance-type <type>', 'instance type of the appliances')
    .option('--byoa <version>', 'what npm installs byoa by: a version, or file:... of a package')
    .option('-y, --yes', 'ask nothing: defaults for what no flag says')
    .action(init);
}

/** Asks a question with a default, which an empty answer takes. */
type Ask = (question: string, proposal: string) => Promise<string>;

async function choose(folder: string, options: InitOptions, ask: Ask): Promise<Choices> {
  const of = async (given: string | undefined, question: string, proposal: string): Promise<string> =>
    given ?? (await ask(question, proposal));
  const design = await of(options.design, `Design (${NAMES.join(', ')})`, 'egress-pair');
  if (!isDesign(design))
    throw new Error(`There is no design '${design}'; it must be one of ${NAMES.join(', ')}.`);
  const { zones: span, role } = DESIGNS[design];
  const region = await of(options.region, 'Region', 'eu-central-1');
  const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].slice(0, span.min);
  const zones = await of(options.zones, 'Zones', letters.map((letter) => region + letter).join(','));
  const cidr = await of(options.cidr, 'IPv4 block of the VPC', '10.0.0.0/16');
  const appliance = await of(options.appliance, 'Appliances (nat, firewall)', role);
  if (appliance !== 'nat' && appliance !== 'firewall')
    throw new Error(`Appliances cannot be '${appliance}' here: nat or firewall.`);
  const instanceType = await of(options.instanceType, 'Instance type', 't3.micro');
  const choices: Choices = {
    design,
    name: options.name ?? basename(folder).toLowerCase(),
    stack: options.stack,
    region,
    zones: zones.split(',').map((zone) => zone.trim()),
    cidr,
    appliance,
    instanceType,
  };
  checkChoices(choices);
  return choices;
}

async function chosen(folder: string, options: InitOptions): Promise<Choices> {
  if (options.yes === true || !process.stdin.isTTY)
    return choose(folder, options, (_, proposal) => Promise.resolve(proposal));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await choose(folder, options, async (question, proposal) => {
      const answer = (await terminal.question(`${question} [${proposal}]: `)).trim();
      return answer === '' ? proposal : answer;
    });
  } finally {
    terminal.close();
  }
}

/** The versions that this package was tested with. */
function dependencies(byoa: string | undefined): Dependencies {
  let folder = dirname(new URL(import.meta.url).pathname);
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  const { version, dependencies: own } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const needed = ['@pulumi/aws', '@pulumi/pulumi', 'tsx'].map((name) => [name, String(own[name])]);
  return Object.fromEntries([...needed, ['byoa', byoa ?? `^${version}`]]);
}

async function init(given: string, options: InitOptions): Promise<void> {
  const folder = resolve(given);
  const choices = await chosen(folder, options);
  const files = Object.entries(projectFiles(choices, dependencies(options.byoa)));
  const taken = files.map(([path]) => path).filter((path) => existsSync(join(folder, path)));
  if (taken.length > 0)
    throw new Error(
      `${folder} has ${taken.join(', ')} already, and nothing was written: choose another folder.`,
    );
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content, { flag: 'wx' });
    console.log(`wrote ${join(given, path)}`);
  }
  console.log(`Next: cd ${given} && npm install && npm run drill`);
}

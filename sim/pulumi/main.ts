/** `byoa deploy`: deploys a design of `infra/` into a simulator, without the Pulumi CLI. Only wiring. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type DeployEvent, type DeployResult, deploy, type Operation } from './deploy.ts';
import { DESIGNS, type DesignName } from './designs.ts';
import { designProgram, readProgram } from './program.ts';
import { keysOf, setting } from './setting.ts';
import { simulatorConfig } from './simulator.ts';
import { isObject, type Properties } from './value.ts';

interface DeployCommandOptions {
  readonly design: DesignName;
  /** A folder with a Pulumi project, instead of a design. */
  readonly program?: string;
  readonly endpoint: string;
  readonly region: string;
  readonly account: string;
  readonly stack?: string;
  readonly state?: string;
  readonly config: readonly string[];
  readonly configs?: string;
  readonly preview?: boolean;
  readonly refresh?: boolean;
  readonly destroy?: boolean;
  readonly json?: boolean;
}

const url = (text: string): string => {
  if (/^https?:\/\/[^/\s]+/.test(text)) return text;
  throw new InvalidArgumentError(`'${text}' is not a URL such as http://127.0.0.1:4566.`);
};

const account = (text: string): string => {
  if (/^\d{12}$/.test(text)) return text;
  throw new InvalidArgumentError(`'${text}' is not an account of 12 digits.`);
};

/** Adds `deploy` to the program. */
export function register(program: Command): void {
  program
    .command('deploy')
    .description(
      'deploy a design into the simulator without the Pulumi CLI (a test engine; for AWS use `pulumi up`)',
    )
    .addOption(new Option('--design <name>', 'what to deploy').choices([...DESIGNS]).default('egress-pair'))
    .option('--endpoint <url>', 'the simulator (byoa sim)', url, 'http://127.0.0.1:4566')
    .option('--region <name>', 'AWS region', 'eu-central-1')
    .option('--account <digits>', 'AWS account', account, '123456789012')
    .addOption(
      new Option(
        '--program <folder>',
        'a Pulumi project, with the configuration of --stack; as byoa init writes it',
      ).conflicts('design'),
    )
    .option('--stack <name>', 'name of the stack; the design by default, of a program prod')
    .option('--state <file>', 'where the stack is remembered; byoa-<stack>.state.json by default')
    .option(
      '--config <key=value>',
      'a key of the stack, such as byoa:workload=true; may be repeated',
      setting,
      [],
    )
    .option('--configs <folder>', "write each node's configuration to <folder>/<node>.yaml")
    .addOption(new Option('--preview', 'show what would be done').conflicts(['refresh', 'destroy']))
    .addOption(new Option('--refresh', 'make the state say what is there').conflicts(['preview', 'destroy']))
    .addOption(new Option('--destroy', 'delete everything').conflicts(['preview', 'refresh']))
    .option('--json', 'steps and outputs as one JSON object')
    .action(run);
}

const operationOf = (options: DeployCommandOptions): Operation => {
  if (options.preview === true) return 'preview';
  if (options.refresh === true) return 'refresh';
  return options.destroy === true ? 'destroy' : 'up';
};

async function run(options: DeployCommandOptions): Promise<void> {
  const { program: folder } = options;
  const stack = options.stack ?? (folder === undefined ? options.design : 'prod');
  try {
    const program = folder === undefined ? designProgram(options.design) : readProgram(folder, stack);
    const result = await deploy({
      operation: operationOf(options),
      program: program.dir,
      project: program.project,
      stack,
      config: {
        ...program.config,
        ...simulatorConfig(options.endpoint, options),
        ...keysOf(options.config),
      },
      stateFile: options.state ?? `byoa-${stack}.state.json`,
      onEvent: options.json === true ? () => undefined : tell,
    });
    if (options.configs !== undefined) writeConfigs(options.configs, result.outputs);
    console.log(options.json === true ? JSON.stringify(shown(result)) : summary(result));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

function tell(event: DeployEvent): void {
  // An error ends the deployment, and is told then.
  if (event.kind === 'message' && event.severity !== 'error')
    console.error(`${event.severity}: ${event.text}`);
  if (event.kind !== 'step-done' || event.step.kind === 'same') return;
  const { kind, type, name, changed } = event.step;
  if (kind === 'refresh' && changed.length === 0) return;
  const what = changed.length === 0 ? '' : ` (${changed.join(', ')})`;
  console.log(`${kind.padEnd(7)} ${type.split(':').at(-1)} ${name}${what}`);
}

/** The result for programs, with secret outputs hidden. */
const shown = ({ steps, outputs, secretOutputs, elapsedMs }: DeployResult) => ({
  steps,
  elapsedMs,
  outputs: Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [key, secretOutputs.includes(key) ? '[secret]' : value]),
  ),
});

function summary(result: DeployResult): string {
  const counts = new Map<string, number>();
  for (const { kind } of result.steps) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const steps = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  const nodes = nodesOf(result.outputs).map(
    (node) => `  ${node.name}  ${node.instanceId}  ${node.privateIp}  ${node.publicIp}  ${node.zone}`,
  );
  const others = Object.entries(shown(result).outputs).filter(([key]) => key !== 'nodes');
  const outputs = others.map(
    ([key, value]) => `  ${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const time = `${(result.elapsedMs / 1000).toFixed(1)} s`;
  return [`${steps === '' ? 'nothing to do' : steps} in ${time}`, ...outputs, ...nodes].join('\n');
}

const nodesOf = (outputs: Properties): readonly Properties[] =>
  Array.isArray(outputs.nodes) ? outputs.nodes.filter(isObject) : [];

function writeConfigs(folder: string, outputs: Properties): void {
  mkdirSync(folder, { recursive: true });
  for (const node of nodesOf(outputs)) writeFileSync(join(folder, `${node.name}.yaml`), String(node.config));
}

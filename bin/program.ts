/**
 * The command line as a table of parts, each loaded only when one of its commands is asked for, so that `byoa
 * status` does not wait for Pulumi. What the commands do stands in the parts themselves.
 *
 * Exit codes: 0 done; 1 it failed; 2 the command line was wrong; 3 the simulated machine is gone (`run
 * --attach`).
 */
import { Command, CommanderError } from 'commander';

/** Commands by name with their one-line summaries, and the module that registers them. */
export interface Part {
  readonly commands: Readonly<Record<string, string>>;
  readonly load: () => Promise<{ readonly register: (program: Command) => void }>;
}

const WRONG_USAGE = 2;

/** The program's frame: every command of `parts` is listed in its help, none is loaded. */
export function frame(version: string, parts: readonly Part[]): Command {
  const program = new Command('byoa')
    .description(
      'Keeps bring-your-own-appliance designs on AWS alive: deploy, fail over, and test them offline.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help, or that of a command')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError("Run 'byoa --help' for the commands.")
    .exitOverride();
  for (const part of parts) {
    for (const [name, summary] of Object.entries(part.commands)) program.command(name).description(summary);
  }
  return program;
}

/** The program with the part loaded that owns the command named in `args`; without one, its frame. */
export async function assemble(
  version: string,
  parts: readonly Part[],
  args: readonly string[],
): Promise<Command> {
  const [first, second] = args;
  const name = first === 'help' ? second : first;
  const owner = parts.find((part) => name !== undefined && Object.hasOwn(part.commands, name));
  if (owner === undefined) return frame(version, parts);
  const others = parts.filter((part) => part !== owner);
  const program = frame(version, others);
  (await owner.load()).register(program);
  return program;
}

/** Runs the command line and returns its exit code; `args` are those after the program's name. */
export async function run(version: string, parts: readonly Part[], args: readonly string[]): Promise<number> {
  try {
    const program = await assemble(version, parts, args);
    if (args.length === 0) {
      program.outputHelp({ error: true });
      return WRONG_USAGE;
    }
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    throw error;
  }
}

/** Runs the command line of this process; a command that fails says why on stderr and leaves exit code 1. */
export async function runProcess(version: string, parts: readonly Part[]): Promise<void> {
  // The lockfile pins an AWS SDK that supports Node 20; what later ones will need is no news to the user of
  // this one.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    const code = await run(version, parts, process.argv.slice(2));
    if (code !== 0) process.exitCode = code;
  } catch (error) {
    process.stderr.write(`byoa: ${error instanceof Error ? error.message : String(error)}\n`);
    if (process.env.BYOA_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    // At once: what was opened before it failed must not keep the process, and its supervisor, waiting.
    process.exit(1);
  }
}

/** `byoa import`: descriptions of an account to a world file, and what is not in it. Wiring only. */
import type { Command } from 'commander';
import type { Finding } from '../import/place.ts';
import type { Owner } from './import-source.ts';

interface ImportOptions extends Owner {
  readonly output: string;
  readonly live?: boolean;
  readonly endpoint?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Adds `import` to the program. */
export function registerImport(program: Command): void {
  const command = program
    .command('import')
    .argument('[folder]', 'files with what aws ec2 describe-* printed, in JSON')
    .description('make a world file of a described AWS account')
    .requiredOption('-o, --output <file>', 'the world file to write')
    .option('--live', 'ask EC2 itself, with the credentials of the environment; only reads')
    .option('--endpoint <url>', 'with --live: where EC2 is')
    .option('--account <digits>', 'whose account it is, where the descriptions do not say so')
    .option('--region <name>', 'which region it is, where the descriptions do not say so')
    .option('--strict', 'fail where anything is not in the world as it was described')
    .option('--json', 'print counts and findings as JSON');
  command.action(async (folder: string | undefined, options: ImportOptions) => {
    if ((folder === undefined) !== (options.live === true))
      command.error('Name a folder, or --live: one of both.');
    await run(folder, options);
  });
}

const line = ({ list, id, field, why }: Finding): string =>
  `${list} ${id}${field === undefined ? '' : ` ${field}`}: ${why}`;

/** What it needs is loaded only here: other commands do not wait for the AWS SDK. */
async function run(folder: string | undefined, options: ImportOptions): Promise<void> {
  const { readFolder, readLive } = await import('./import-source.ts');
  const { importDocuments } = await import('../import/import.ts');
  const { changesLine, headerLine } = await import('../world/world-file.ts');
  const { writeWorld } = await import('./keeper.ts');
  const { lockState } = await import('./state-lock.ts');
  const documents = folder === undefined ? await readLive(options) : readFolder(folder, options);
  const { changes, findings, counts } = importDocuments(documents);
  const lines = changes.map((change) => changesLine([change]));
  const lock = lockState(options.output);
  try {
    writeWorld(options.output, [headerLine(Date.now(), 0), ...lines]);
  } finally {
    lock.release();
  }
  if (options.json) console.log(JSON.stringify({ output: options.output, counts, findings }));
  else {
    for (const finding of findings) console.log(line(finding));
    const parts = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    console.log(`${options.output}: ${parts.join(', ') || 'nothing'}; ${findings.length} findings`);
  }
  if (options.strict && findings.length > 0) process.exitCode = 1;
}

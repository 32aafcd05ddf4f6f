/** The simulator's commands: `byoa sim`, `byoa sim ctl` and `byoa trace`. Only wiring. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { registerCtl } from './server/ctl.ts';
import type { Described } from './server/described.ts';
import type { ImdsAddress } from './server/imds.ts';
import { registerImport } from './server/import-command.ts';
import { registerTrace } from './server/trace-command.ts';
import type { Knobs, ProfileName } from './world/settings.ts';

const number =
  (what: string, least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`'${text}' is not ${what} from ${least} to ${most}.`);
  };
const millis = number('a number of milliseconds', 0, 86_400_000);
const rate = number('a rate', 0, 1);

/** Where metadata is served where nothing is said. */
const ANY_PORT: ImdsAddress = { host: '127.0.0.1', port: 0 };

function imdsAddress(text: string): ImdsAddress {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new InvalidArgumentError(`'${text}' is not HOST:PORT.`);
}

interface SimOptions {
  readonly port: number;
  readonly host: string;
  readonly profile: ProfileName;
  readonly seed: string;
  readonly latency?: number;
  readonly propagation?: number;
  readonly throttle?: 'aws' | 'off';
  readonly staleReads?: number;
  readonly newIdLag?: number;
  readonly attachMs?: number;
  readonly detachMs?: number;
  readonly startMs?: number;
  readonly stopMs?: number;
  readonly rebootMs?: number;
  readonly errors?: number;
  readonly timeouts?: number;
  readonly strictAmi?: boolean;
  readonly quotas?: 'aws' | 'off';
  readonly internetHost?: readonly string[];
  readonly state?: string;
  readonly imds?: ImdsAddress | true;
}

/** The EC2 API of each account of the world in `file`, in one region, for those who only read. */
export async function describedIn(file: string, region: string): Promise<readonly Described[]> {
  const { readDescribed } = await import('./server/described.ts');
  return readDescribed(file, region);
}

/** Adds `sim` and `trace` to the program. */
export function register(program: Command): void {
  const sim = program
    .command('sim')
    .description('run a simulated AWS region: EC2, STS and IAM APIs, and the packets of its VPCs')
    .enablePositionalOptions()
    .option('-p, --port <number>', 'TCP port; 0 takes any free one', number('a port', 0, 65_535), 4566)
    .option('--host <address>', 'address to listen on (nothing is authenticated)', '127.0.0.1')
    .addOption(
      new Option('--profile <name>', 'where the knobs below start')
        .choices(['instant', 'aws'])
        .default('instant'),
    )
    .option('--seed <text>', 'seed of all that is random', '1')
    .option('--latency <ms>', 'API: from request to answer', millis)
    .option('--propagation <ms>', 'API: from a change to its effect on packets', millis)
    .addOption(new Option('--throttle <how>', "API: EC2's request buckets").choices(['aws', 'off']))
    .option('--stale-reads <ms>', 'API: describes may be so old', millis)
    .option('--new-id-lag <ms>', 'API: what was just made may not be found for so long', millis)
    .option('--errors <rate>', 'API: share of requests that fail with InternalError', rate)
    .option('--timeouts <rate>', 'API: share of requests that are applied but never answered', rate)
    .option('--attach-ms <ms>', 'how long an ENI takes to attach', millis)
    .option('--detach-ms <ms>', 'how long an ENI takes to detach', millis)
    .option('--start-ms <ms>', 'how long an instance takes to run', millis)
    .option('--stop-ms <ms>', 'how long an instance takes to stop', millis)
    .option('--reboot-ms <ms>', 'how long a machine that reboots is dead', millis)
    .addOption(new Option('--quotas <how>', 'API: those of a new account, or none').choices(['aws', 'off']))
    .option('--strict-ami', 'refuse AMI ids that are not registered')
    .option('--state <file>', 'keep the world in a file: load it if it is there, write what is acknowledged')
    .option('--imds [host:port]', 'serve metadata to instances, on demand, from this port on', imdsAddress)
    .option('--internet-host <address...>', 'hosts on the simulated Internet')
    .action(run);
  registerCtl(sim);
  registerTrace(program);
  registerImport(program);
}

const knobsOf = (options: SimOptions): Partial<Knobs> => ({
  ...(options.latency !== undefined && { latency: { medianMs: options.latency, spread: 0 } }),
  ...(options.propagation !== undefined && { propagation: { medianMs: options.propagation, spread: 0 } }),
  ...(options.throttle !== undefined && { throttle: options.throttle }),
  ...(options.staleReads !== undefined && { staleReadsMs: options.staleReads }),
  ...(options.newIdLag !== undefined && { newIdLagMs: options.newIdLag }),
  ...(options.errors !== undefined && {
    errors: { rate: options.errors, code: 'InternalError', status: 500 },
  }),
  ...(options.timeouts !== undefined && { appliedButTimedOut: options.timeouts }),
  ...(options.attachMs !== undefined && { attachMs: options.attachMs }),
  ...(options.detachMs !== undefined && { detachMs: options.detachMs }),
  ...(options.startMs !== undefined && { startMs: options.startMs }),
  ...(options.stopMs !== undefined && { stopMs: options.stopMs }),
  ...(options.rebootMs !== undefined && { rebootMs: options.rebootMs }),
  ...(options.quotas !== undefined && { quotas: options.quotas }),
  ...(options.strictAmi !== undefined && { strictAmi: options.strictAmi }),
});

/** The server is loaded only here: `ctl` does not wait for the AWS schemas. */
async function run(options: SimOptions): Promise<void> {
  const { startServer } = await import('./server/server.ts');
  const simulator = await startServer({
    port: options.port,
    host: options.host,
    profile: options.profile,
    seed: options.seed,
    knobs: knobsOf(options),
    ...(options.internetHost && { hosts: options.internetHost }),
    ...(options.state !== undefined && { state: options.state }),
    ...(options.imds !== undefined && { imds: options.imds === true ? ANY_PORT : options.imds }),
  });
  console.log(`byoa sim ready at ${simulator.url}`);
  if (process.stdout.isTTY) {
    console.log(`\nPoint any client at it, for example:`);
    console.log(
      `  AWS_ACCESS_KEY_ID=123456789012 AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=eu-central-1 \\`,
    );
    console.log(`    aws --endpoint-url ${simulator.url} ec2 describe-vpcs`);
    console.log(`A 12-digit access key is the account. Control it with: byoa sim ctl ${simulator.url} state`);
  }
  const stop = (): void => {
    void simulator.close().then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

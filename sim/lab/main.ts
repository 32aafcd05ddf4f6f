/** `byoa lab`: a VPC between Linux network namespaces, with real packets. Only wiring. */
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { keysOf, setting } from '../pulumi/setting.ts';
import type { GuestVerb } from '../world/guests.ts';
import type { Knobs } from '../world/settings.ts';
import { millis, share } from './arguments.ts';
import { ask, askOnce, type Found, findLab, type Question } from './ask.ts';
import { captureHeader, captureRecord } from './capture-file.ts';
import { listText, packetText } from './describe.ts';
import { registerDrills } from './drill/register.ts';
import type { Wanted } from './inside.ts';
import { entering } from './root.ts';
import { inWrapper, isRoot, runWrapped } from './wrapper.ts';

interface UpOptions {
  readonly seed: string;
  readonly profile: 'instant' | 'aws';
  readonly latency?: number;
  readonly propagation?: number;
  readonly throttle?: 'aws' | 'off';
  readonly internetHost?: readonly string[];
  readonly port: number;
  readonly userData?: boolean;
  readonly config: readonly string[];
}

interface Chosen {
  readonly lab?: number;
}

const VERBS: readonly (readonly [GuestVerb | 'stop', string])[] = [
  ['start', 'start a machine that is dead, as a boot does; a stopped instance, by the EC2 API'],
  ['kill', 'end a machine at once; EC2 does not notice'],
  ['freeze', 'stop a machine: nothing in it runs, no packet goes in or out'],
  ['hang', 'stop the programs of a machine; its kernel goes on forwarding'],
  ['resume', 'let a machine go on'],
  ['reboot', 'end a machine and boot it again'],
  ['stop', 'shut a machine down, as EC2 has it done, and stop its instance, by the EC2 API'],
];

/** Adds `lab` to the program. */
export function register(program: Command): void {
  // Options behind the command of `exec` are the command's.
  const lab = program
    .enablePositionalOptions()
    .command('lab')
    .description('run a VPC between network namespaces: real packets, real programs in its instances')
    .enablePositionalOptions();
  lab
    .command('up <what>')
    .description('start a lab with a world file, or with a design of infra/; it ends with this command')
    .option('--seed <text>', 'seed of all that is random', '1')
    .addOption(
      new Option('--profile <name>', 'where the knobs below start')
        .choices(['instant', 'aws'])
        .default('instant'),
    )
    .option('--latency <ms>', 'API: from request to answer', millis)
    .option('--propagation <ms>', 'API: from a change to its effect on packets', millis)
    .addOption(new Option('--throttle <how>', "API: EC2's request buckets").choices(['aws', 'off']))
    .option('--internet-host <address...>', 'hosts outside, all in the machine `outside`')
    .option('--user-data', "run the user data of a world's instances, too; a design's are run")
    .option('--config <key=value>', 'a key of a design, as in byoa deploy; may be repeated', setting, [])
    .option('--port <number>', 'TCP port of the API inside the lab', Number, 4566)
    .action(up);
  lab.command('inside <wanted>', { hidden: true }).action(async (text: string) => {
    const { runInside } = await import('./inside.ts');
    await runInside(JSON.parse(text) as Wanted);
  });
  registerDrills(program, lab);
  chosen(lab.command('list')).description('the machines of the lab').action(list);
  chosen(lab.command('exec <machine> <command> [args...]'))
    .description(
      'run a command in a machine: an instance by id or Name, `outside`, or `lab`, where the API is',
    )
    .passThroughOptions()
    .action((machine: string, command: string, args: readonly string[], options: Chosen) =>
      enter(machine, [command, ...args], options),
    );
  chosen(lab.command('shell <machine>'))
    .description('a shell in a machine')
    .action((machine: string, options: Chosen) => enter(machine, ['bash'], options));
  chosen(lab.command('trace')).description('show each packet, what became of it, and why').action(trace);
  chosen(lab.command('pcap <eni>'))
    .description('write the frames of an ENI to a file in pcapng')
    .option('-w, --write <file>', 'the file; - is standard output', '-')
    .action(capture);
  for (const [verb, does] of VERBS) {
    chosen(lab.command(`${verb} <machine>`))
      .description(does)
      .action((machine: string, options: Chosen) => tell({ kind: 'verb', machine, verb }, options));
  }
  chosen(lab.command('cut <a> <b>'))
    .description('lose what two machines send each other; `internet` is all hosts outside, * everybody')
    .option('--loss <rate>', 'this share instead of all', share, 1)
    .action((from: string, to: string, { loss, ...options }: Chosen & { loss: number }) =>
      tell({ kind: 'cut', from, to, loss }, options),
    );
  chosen(lab.command('heal <cut>'))
    .description('heal a cut')
    .action((id: string, options: Chosen) => tell({ kind: 'heal', id }, options));
  chosen(lab.command('down'))
    .description('end the lab')
    .action((options: Chosen) => tell({ kind: 'down' }, options));
}

const chosen = (command: Command): Command =>
  command.option('--lab <pid>', 'which lab, where several run: a process of it, or its byoa lab up', Number);

async function up(what: string, options: UpOptions): Promise<void> {
  const { latency, propagation, throttle, internetHost, seed, profile, port, userData = false } = options;
  const keys = keysOf(options.config);
  const knobs: Partial<Knobs> = {
    ...(latency !== undefined && { latency: { medianMs: latency, spread: 0 } }),
    ...(propagation !== undefined && { propagation: { medianMs: propagation, spread: 0 } }),
    ...(throttle !== undefined && { throttle }),
  };
  const hosts = internetHost === undefined ? {} : { hosts: internetHost };
  const wanted: Wanted = { what, port, userData, keys, seed, profile, knobs, ...hosts };
  const [, script = ''] = process.argv;
  const command = [
    process.execPath,
    ...process.execArgv,
    resolve(script),
    'lab',
    'inside',
    JSON.stringify(wanted),
  ];
  process.exitCode = await runWrapped(command);
}

async function list(options: Chosen): Promise<void> {
  const answer = await askOnce(findLab(options.lab), { kind: 'list' });
  if (answer.kind === 'list') console.log(listText(answer));
}

/** Runs a command in a machine, with this terminal; its exit code becomes ours. */
async function enter(machine: string, command: readonly string[], options: Chosen): Promise<void> {
  const lab = findLab(options.lab);
  const inside = await commandIn(lab, machine, command);
  if (isRoot()) {
    const { startIn } = await import('./linux.ts');
    startIn(lab.pid);
  }
  const [program = '', ...args] = inWrapper(lab.pid, inside, isRoot());
  const child = spawn(program, args, { stdio: 'inherit' });
  // The terminal signals the child, too, and it decides.
  process.on('SIGINT', () => undefined);
  process.exitCode = await new Promise<number>((done, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => done(code ?? 1));
  });
}

async function commandIn(
  lab: Found,
  machine: string,
  command: readonly string[],
): Promise<readonly string[]> {
  if (machine === 'lab') return command;
  const answer = await askOnce(lab, { kind: 'enter', machine });
  return answer.kind === 'entered' ? entering(answer.id, answer.root, command) : command;
}

async function tell(question: Question, options: Chosen): Promise<void> {
  const answer = await askOnce(findLab(options.lab), question);
  if (answer.kind === 'done') console.log(answer.text);
}

function trace(options: Chosen): Promise<void> {
  return ask(findLab(options.lab), { kind: 'trace' }, (answer) => {
    if (answer.kind !== 'packets') return false;
    for (const packet of answer.packets) console.log(packetText(packet));
    if (answer.missed > 0) console.log(`(${answer.missed} more packets)`);
    return false;
  });
}

function capture(eni: string, { write, ...options }: Chosen & { write: string }): Promise<void> {
  const put = (bytes: Buffer): void => {
    if (write === '-') process.stdout.write(bytes);
    else appendFileSync(write, bytes);
  };
  if (write !== '-') writeFileSync(write, '');
  put(captureHeader(eni));
  return ask(findLab(options.lab), { kind: 'capture', eni }, (answer) => {
    if (answer.kind !== 'frames') return false;
    for (const { at, sent, frame } of answer.frames)
      put(captureRecord(at, sent, Buffer.from(frame, 'base64')));
    return false;
  });
}

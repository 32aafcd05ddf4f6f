/**
 * BFD in the lab: byoa's own process in a namespace, and BIRD and FRR as peers that do nothing but BFD. What
 * tests of it and the benchmark share; tests nothing itself.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BfdChange, BfdState } from '../../controller/bfd/event.ts';
import type { BfdAuthentication, BfdOptions } from '../../controller/bfd/options.ts';
import type { BfdOrder } from '../../controller/shell/bfd/message.ts';
import type { NodeLine, NodeOrder } from './bfd-node.ts';
import { birdCommand, birdc } from './bird.ts';
import { vtysh } from './frr.ts';
import { type Host, type Running, start, until } from './lab.ts';

const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** A program of ours in a host that is talked to in lines of JSON. */
export interface Program<Line> {
  readonly process: ChildProcess;
  readonly lines: Line[];
  send(message: object): void;
  end(): Promise<void>;
}

/**
 * Starts a TypeScript file of ours in a host, with arguments; `by` are the words of a program that starts it,
 * `flags` are Node's.
 */
export function startProgram<Line>(
  host: Host,
  file: URL,
  args: readonly string[] = [],
  { by = [], flags = [] }: { readonly by?: readonly string[]; readonly flags?: readonly string[] } = {},
): Program<Line> {
  const command = [...by, process.execPath, ...flags, '--import', LOADER, fileURLToPath(file), ...args];
  const child = spawn('ip', ['netns', 'exec', host.namespace, ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: Line[] = [];
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  createInterface(child.stdout).on('line', (line) => void lines.push(JSON.parse(line)));
  child.stdin.on('error', () => undefined);
  return {
    process: child,
    lines,
    send: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** byoa's BFD in a host. */
export interface Node extends Program<NodeLine> {
  order(order: BfdOrder, key?: string): void;
  changes(session: string): readonly BfdChange[];
  state(session: string): BfdState | undefined;
}

/** `program` stands in for the file that does nothing but BFD. */
export function startNode(
  host: Host,
  args: readonly string[] = [],
  program = new URL('./bfd-node.ts', import.meta.url),
): Node {
  return nodeOf(startProgram<NodeLine>(host, program, args));
}

function nodeOf(program: Program<NodeLine>): Node {
  const changes = (session: string): readonly BfdChange[] =>
    program.lines.flatMap((line) =>
      line.kind === 'change' && line.change.session === session ? [line.change] : [],
    );
  return {
    ...program,
    order: (order, key) => {
      const message: NodeOrder = { kind: 'order', order, ...(key === undefined ? {} : { key }) };
      program.send(message);
    },
    changes,
    state: (session) => changes(session).at(-1)?.state,
  };
}

export interface BfdPeerSpec {
  readonly kind: 'bird' | 'frr';
  /** Of the peer, and of who it speaks with. */
  readonly own: string;
  readonly other: string;
  /** More addresses that it speaks with in the same way. */
  readonly more?: readonly string[];
  readonly intervalMs: number;
  readonly multihop?: boolean;
  readonly authentication?: Omit<BfdAuthentication, 'key'>;
  readonly key?: string;
}

const BIRD_WORDS = {
  simple: 'simple',
  'keyed-md5': 'keyed md5',
  'meticulous-md5': 'meticulous keyed md5',
  'keyed-sha1': 'keyed sha1',
  'meticulous-sha1': 'meticulous keyed sha1',
} as const satisfies Record<BfdAuthentication['type'], string>;

const othersOf = ({ other, more = [] }: BfdPeerSpec): readonly string[] => [other, ...more];

function birdConfiguration(spec: BfdPeerSpec): string {
  const { authentication, key = '', intervalMs, multihop } = spec;
  const secret =
    authentication === undefined
      ? ''
      : `authentication ${BIRD_WORDS[authentication.type]}; password "${key}" { id ${authentication.keyId}; };`;
  const interval = `min rx interval ${intervalMs} ms; min tx interval ${intervalMs} ms; idle tx interval 300 ms;`;
  return [
    'log stderr all;',
    'router id 192.0.2.2;',
    'protocol device { scan time 10; }',
    'protocol bfd bfd1 {',
    `  ${multihop ? 'multihop' : 'interface "eth0"'} { ${interval} multiplier 3; ${secret} };`,
    ...othersOf(spec).map((other) =>
      multihop
        ? `  neighbor ${other} local ${spec.own} multihop yes;`
        : `  neighbor ${other} dev "eth0" local ${spec.own};`,
    ),
    '}',
    '',
  ].join('\n');
}

function frrConfiguration(spec: BfdPeerSpec): string {
  const { own, intervalMs, multihop } = spec;
  const peers = othersOf(spec).flatMap((other) => [
    ` peer ${other} ${multihop ? `multihop local-address ${own}` : `local-address ${own} interface eth0`}`,
    '  detect-multiplier 3',
    `  receive-interval ${intervalMs}`,
    `  transmit-interval ${intervalMs}`,
    ...(multihop ? ['  minimum-ttl 1'] : []),
    ' exit',
  ]);
  return ['frr defaults datacenter', 'log stdout informational', 'bfd', ...peers, 'exit', ''].join('\n');
}

export interface BfdPeer {
  readonly spec: BfdPeerSpec;
  readonly host: Host;
  /** The process that speaks BFD. */
  readonly running: Running;
}

/** Starts BIRD, or FRR's zebra and bfdd, in a host. */
export async function startBfdPeer(host: Host, spec: BfdPeerSpec): Promise<BfdPeer> {
  const { folder } = host;
  if (spec.kind === 'bird') {
    writeFileSync(join(folder, 'bird.conf'), birdConfiguration(spec));
    return { spec, host, running: start(host, 'bird', birdCommand(folder)) };
  }
  writeFileSync(join(folder, 'frr.conf'), frrConfiguration(spec));
  spawnSync('chown', ['-R', 'frr:frr', folder]);
  const common = ['-u', 'frr', '-g', 'frr', '-z', join(folder, 'zserv.api'), '--vty_socket', folder];
  const frr = (name: string, ...more: readonly string[]): Running =>
    start(host, name, [
      `/usr/lib/frr/${name}`,
      ...common,
      ...['-i', join(folder, `${name}.pid`), '-f', join(folder, 'frr.conf')],
      ...more,
    ]);
  frr('zebra');
  await until('zebra answers', async () => (await vtysh(host, 'show version')) !== '');
  return { spec, host, running: frr('bfdd', '--bfdctl', join(folder, 'bfdd.sock')) };
}

/** The session's state as the peer says it, in its words in small letters; empty where it knows none. */
export async function seenByPeer({ spec, host }: BfdPeer): Promise<string> {
  if (spec.kind === 'bird') {
    const text = await birdc(host, 'show', 'bfd', 'sessions');
    const line = text.split('\n').find((one) => one.startsWith(`${spec.other} `));
    return line?.split(/\s+/)[2]?.toLowerCase() ?? '';
  }
  const peers: readonly { readonly peer: string; readonly status: string }[] = JSON.parse(
    await vtysh(host, 'show bfd peers json'),
  );
  return peers.find(({ peer }) => peer === spec.other)?.status ?? '';
}

/** What a session with the peer needs on our side. */
export const optionsFor = ({
  own,
  other,
  intervalMs,
  multihop,
  authentication,
}: BfdPeerSpec): BfdOptions => ({
  peer: own,
  local: other,
  multihop: multihop ?? false,
  intervalMs,
  multiplier: 3,
  passive: false,
  ...(authentication === undefined ? {} : { authentication: { ...authentication, key: new Uint8Array() } }),
});

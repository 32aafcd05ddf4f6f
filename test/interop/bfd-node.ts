/**
 * Runs BFD as the daemon does, in whatever namespace it is started in. Orders come as lines of JSON on stdin,
 * what happens leaves as lines of JSON on stdout, with the instant at which the main thread learned it.
 */
import { createInterface } from 'node:readline';
import type { BfdChange, BfdStatus } from '../../controller/bfd/event.ts';
import { startBfd } from '../../controller/shell/bfd/bfd.ts';
import type { BfdOrder } from '../../controller/shell/bfd/message.ts';

/** What a line on stdout says. */
export type NodeLine =
  | { readonly kind: 'change'; readonly at: number; readonly change: BfdChange }
  | { readonly kind: 'fault' | 'log'; readonly at: number; readonly text: string }
  | { readonly kind: 'status'; readonly at: number; readonly sessions: readonly BfdStatus[] };

/** What a line on stdin says; a key comes as text. */
export type NodeOrder =
  | { readonly kind: 'order'; readonly order: BfdOrder; readonly key?: string }
  | { readonly kind: 'status' }
  | { readonly kind: 'stop' };

const [seconds, nanoseconds] = process.hrtime();
const offset = seconds * 1000 + nanoseconds / 1e6 - performance.now();
const monotonic = (): number => performance.now() + offset;

type Unstamped = NodeLine extends infer Line ? (Line extends unknown ? Omit<Line, 'at'> : never) : never;
const say = (line: Unstamped): void =>
  void process.stdout.write(`${JSON.stringify({ ...line, at: monotonic() })}\n`);

const bfd = startBfd({
  onChange: (change) => say({ kind: 'change', change }),
  onLog: (_, text) => say({ kind: 'log', text }),
  onFault: (text) => say({ kind: 'fault', text }),
  ...(process.argv.includes('--usual-scheduling') ? { fifo: false } : {}),
});

function withKey(order: BfdOrder, key: string): BfdOrder {
  if (order.kind !== 'open' || order.options.authentication === undefined) return order;
  const authentication = { ...order.options.authentication, key: Buffer.from(key) };
  return { ...order, options: { ...order.options, authentication } };
}

async function obey(line: string): Promise<void> {
  const order: NodeOrder = JSON.parse(line);
  switch (order.kind) {
    case 'order':
      return bfd.post(order.key === undefined ? order.order : withKey(order.order, order.key));
    case 'status':
      return say({ kind: 'status', sessions: await bfd.status() });
    case 'stop':
      await bfd.stop();
      process.exit(0);
  }
}

createInterface(process.stdin).on('line', (line) => void obey(line));

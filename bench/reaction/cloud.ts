/**
 * A simulated region in a host of the lab, which tells when the first octet of each ReplaceRoute came: one
 * line of JSON once it is ready, and one for each line that asks. Before other processes, as it takes time.
 */
import { createInterface } from 'node:readline';
import { sharedClock } from '../../controller/shell/bfd/message.ts';
import { openRegion } from '../scene/region.ts';
import { instant, openWire } from '../scene/wire.ts';

export type CloudLine =
  | {
      readonly kind: 'ready';
      readonly url: string;
      readonly enis: readonly [string, string];
      readonly table: string;
    }
  /** All so far, as instants of the monotonic clock of the machine. */
  | { readonly kind: 'calls'; readonly at: readonly number[] };

const API_MS = 20;
const say = (line: CloudLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const [address = '127.0.0.1'] = process.argv.slice(2);
const { url, enis, tables } = await openRegion(API_MS, 1);
const wire = await openWire(url, address);
const offset = instant() - sharedClock();
createInterface(process.stdin).on('line', () =>
  say({ kind: 'calls', at: wire.firstBytes('ReplaceRoute', 0).map((at) => at - offset) }),
);
say({ kind: 'ready', url: wire.url, enis, table: tables[0] ?? '' });

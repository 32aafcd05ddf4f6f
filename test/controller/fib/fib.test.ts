/** Kernel routes: what one prefix is refused holds nobody else up. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../controller/config.ts';
import type { KernelChange } from '../../../controller/event.ts';
import {
  type Fib,
  kernelEnded,
  newFib,
  newRefusals,
  nextFibAt,
  pump,
  routesChanged,
} from '../../../controller/fib/fib.ts';

const parsed = parseConfig(
  'version: 1\nnode: w\naws: { region: eu-central-1 }\nbgp: { as: 65000, routerId: 192.0.2.1 }\nkernel: {}\n',
  'test.yaml',
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
const config = parsed.value;

/** A table that has been listed, empty, and its numbered changes. */
function scene() {
  const sent: KernelChange[] = [];
  let fib: Fib = newFib(0);
  const send = (change: KernelChange): number => sent.push(change);
  const pumped = (now: number): KernelChange | undefined => {
    const before = sent.length;
    fib = pump(fib, config, now, send);
    return sent[before];
  };
  const want = (prefix: string, address: string): void => {
    const nextHops = [{ address, peer: 'a', weight: 1, stale: false }];
    fib = routesChanged(fib, config, { kind: 'bgp-routes', changes: [{ prefix, nextHops }] });
  };
  const end = (now: number, refused?: Readonly<Record<string, string>>): readonly string[] => {
    const outcome = {
      ...{ kind: 'kernel-outcome' as const, request: sent.length },
      ...(refused === undefined ? {} : { refused }),
    };
    const told = newRefusals(fib, outcome);
    fib = kernelEnded(fib, outcome, now);
    return told;
  };
  pumped(0);
  end(0);
  return { pumped, want, end, next: (now: number) => nextFibAt(fib, now) };
}

const [FOREIGN, OTHER] = ['10.1.0.0/16', '10.2.0.0/16'];
const prefixes = (change: KernelChange | undefined): readonly string[] =>
  change?.kind === 'apply' ? change.set.map(({ prefix }) => prefix) : [];

describe('kernel routes', () => {
  it('a prefix that is refused waits by itself, and is told once', () => {
    const one = scene();
    one.want(FOREIGN, '10.0.0.10');
    one.want(OTHER, '10.0.0.10');
    expect(prefixes(one.pumped(0))).toEqual([FOREIGN, OTHER]);
    expect(one.end(0, { [FOREIGN]: 'it is not ours' })).toEqual(['it is not ours']);
    // A failover of the other one does not wait.
    one.want(OTHER, '10.0.0.11');
    expect(prefixes(one.pumped(1))).toEqual([OTHER]);
    one.end(1);
    expect(one.pumped(999)).toBeUndefined();
    expect(one.next(999)).toBe(1000);
    expect(prefixes(one.pumped(1000))).toEqual([FOREIGN]);
    expect(one.end(1000, { [FOREIGN]: 'it is not ours' })).toEqual([]);
    expect(one.next(1001)).toBe(3000);
  });

  it('another wish for a refused prefix is tried at once', () => {
    const one = scene();
    one.want(FOREIGN, '10.0.0.10');
    one.pumped(0);
    one.end(0, { [FOREIGN]: 'the next hop is unknown' });
    expect(one.pumped(1)).toBeUndefined();
    one.want(FOREIGN, '10.0.0.11');
    expect(prefixes(one.pumped(2))).toEqual([FOREIGN]);
  });
});

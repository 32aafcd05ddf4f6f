/** The two hash maps against Map, with keys that collide and a clock that runs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAddressMap, eachValue, find, set, unset } from '../../sim/vpc/address-map.ts';
import { createFlowKey, createFlowTable, dropFlows, findFlow, setFlow } from '../../sim/vpc/flow-table.ts';

describe('the address map', () => {
  it('behaves as a Map over random sets and removals', () => {
    const key = fc.tuple(
      fc.nat(2),
      fc.constantFrom(0, 1, -1),
      fc.constant(0),
      fc.constant(0),
      fc.integer({ min: -9, max: 9 }),
    );
    const operation = fc.record({
      key,
      add: fc.constantFrom(true, true, false),
      value: fc.integer({ min: 1 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
        const map = createAddressMap<number>();
        const plain = new Map<string, number>();
        for (const { key: words, add, value } of operations) {
          const [scope, ...rest] = words;
          if (add) set(map, scope, rest, value);
          else unset(map, scope, rest);
          if (add) plain.set(words.join(), value);
          else plain.delete(words.join());
        }
        for (const { key: words } of operations) expect(find(map, ...words)).toBe(plain.get(words.join()));
        const values: number[] = [];
        eachValue(map, (value) => values.push(value));
        expect(values.sort()).toEqual([...plain.values()].sort());
        expect(map.size).toBe(plain.size);
      }),
    );
  });
});

describe('the flow table', () => {
  it('keeps what is live, forgets what is idle or dropped, over random use', () => {
    const operation = fc.record({
      ports: fc.nat(40),
      side: fc.integer({ min: -3, max: 3 }),
      idleMs: fc.nat(60),
      passMs: fc.nat(3),
      drop: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const table = createFlowTable<number>();
        const plain = new Map<string, { value: number; until: number }>();
        const key = createFlowKey();
        let now = 0;
        for (const [value, { ports, side, idleMs, passMs, drop }] of operations.entries()) {
          now += passMs;
          Object.assign(key, { ports, a0: side, b3: -side });
          setFlow(table, key, value + 1, now + idleMs, now);
          plain.set(`${ports} ${side}`, { value: value + 1, until: now + idleMs });
          if (drop > 0) continue;
          dropFlows(table, now, (each) => each % 3 === 0);
          for (const [name, flow] of plain) if (flow.value % 3 === 0) plain.delete(name);
        }
        for (const { ports, side } of operations) {
          Object.assign(key, { ports, a0: side, b3: -side });
          const flow = plain.get(`${ports} ${side}`);
          expect(findFlow(table, key, now)).toBe(
            flow !== undefined && flow.until > now ? flow.value : undefined,
          );
        }
      }),
    );
  });
});

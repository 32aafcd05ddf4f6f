/** Property values: secrets, paths, differences; and what a refresh adopts. Pure functions only. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { adoptInputs } from '../../sim/pulumi/refresh.ts';
import { nameOf, urnOf } from '../../sim/pulumi/state.ts';
import {
  changedKeys,
  equal,
  keepOld,
  type Properties,
  pathSegments,
  revealed,
  secret,
  type Value,
} from '../../sim/pulumi/value.ts';

const json: fc.Arbitrary<Value> = fc
  .jsonValue({ noUnicodeString: true, maxDepth: 3 })
  .map((value) => value as Value);

it('values equal themselves and their copies, and nothing else', () => {
  const copies = fc.property(json, (value) => {
    expect(equal(value, JSON.parse(JSON.stringify(value)))).toBe(true);
  });
  fc.assert(copies);
  const pairs = fc.property(json, json, (a, b) => {
    expect(equal(a, b)).toBe(canonical(a) === canonical(b));
  });
  fc.assert(pairs, {
    examples: [
      [[], {}],
      [{}, []],
      [null, {}],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
  });
});

/** JSON with sorted keys. */
function canonical(value: Value): string {
  const sorted = (_key: string, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member;
  return JSON.stringify(value, sorted);
}

it('secrets are laid open wherever they are', () => {
  const opened = fc.property(json, (value) => {
    expect(revealed({ list: [secret({ deep: secret(value) })] })).toEqual({ list: [{ deep: value }] });
  });
  fc.assert(opened);
});

it('paths are read as Pulumi writes them', () => {
  expect(pathSegments('networkInterfaceId')).toEqual(['networkInterfaceId']);
  expect(pathSegments('tags["a.b"].c[0][*]')).toEqual(['tags', 'a.b', 'c', '0', '*']);
});

it.each<[string, Properties, Properties | undefined, Properties]>([
  ['a', { a: 1, b: 1 }, { a: 2, b: 2 }, { a: 2, b: 1 }],
  ['a', { a: 1 }, {}, {}],
  ['a', {}, { a: 2 }, { a: 2 }],
  ['t.x', { t: { x: 1, y: 1 } }, { t: { x: 2, y: 2 } }, { t: { x: 2, y: 1 } }],
  ['t.x', { t: { x: 1 } }, undefined, { t: {} }],
  ['l[1].v', { l: [{ v: 1 }, { v: 1 }] }, { l: [{ v: 2 }, { v: 2 }] }, { l: [{ v: 1 }, { v: 2 }] }],
  ['l[*].v', { l: [{ v: 1 }, { v: 1 }] }, { l: [{ v: 2 }, { v: 3 }] }, { l: [{ v: 2 }, { v: 3 }] }],
])('ignoring changes of %s', (path, now, old, kept) => {
  expect(keepOld(now, old, pathSegments(path))).toEqual(kept);
});

it('changedKeys names what differs, is new or is gone', () => {
  expect(changedKeys({ same: [1], other: 1, gone: 1 }, { same: [1], other: 2, fresh: 1 })).toEqual([
    'fresh',
    'gone',
    'other',
  ]);
});

it('a refresh adopts what the program set, the whole of its tags, and nothing else', () => {
  const inputs = { type: 'a', options: { tokens: 'required' }, tags: { mine: '1' }, unread: 'x' };
  const outputs = {
    type: 'b',
    arn: 'arn',
    options: { tokens: 'optional', hops: 2 },
    tags: { mine: '1', theirs: '2' },
  };
  expect(adoptInputs(inputs, outputs)).toEqual({
    type: 'b',
    options: { tokens: 'optional' },
    tags: { mine: '1', theirs: '2' },
    unread: 'x',
  });
});

it('a URN names the types of the ancestors, but not the stack', () => {
  const root = urnOf('dev', 'byoa', '', 'pulumi:pulumi:Stack', 'byoa-dev');
  const pair = urnOf('dev', 'byoa', root, 'byoa:index:EgressPair', 'egress');
  const route = urnOf('dev', 'byoa', pair, 'aws:ec2/route:Route', 'egress-::/0');
  expect(route).toBe('urn:pulumi:dev::byoa::byoa:index:EgressPair$aws:ec2/route:Route::egress-::/0');
  expect(nameOf(route)).toBe('egress-::/0');
});

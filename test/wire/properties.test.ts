/** What holds for all messages: they read back as they were written, and no bytes make a reader throw. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeNotification,
  decodeRouteRefresh,
  encodeNotification,
  encodeRouteRefresh,
  frame,
  HEADER,
} from '../../controller/wire/message.ts';
import { describeNotification } from '../../controller/wire/notification.ts';
import { decodeOpen, encodeOpen, isNotification } from '../../controller/wire/open.ts';
import { type Family, visitPrefixes, writePrefix } from '../../controller/wire/prefix.ts';
import { readAttributes } from '../../controller/wire/read-attributes.ts';
import { mpReachHead, splitUpdate, updateMessage } from '../../controller/wire/update.ts';
import { writeAttributes } from '../../controller/wire/write-attributes.ts';
import { asNumber, attributes, capability, type Nlri, nextHop4, nextHop6, nlri, u16, u32 } from './values.ts';

const IBGP = { as4: true, ibgp: true, acceptSets: false };

function written(family: Family, addPath: boolean, list: readonly Nlri[]): Uint8Array {
  const out = new Uint8Array(list.length * 21);
  let at = 0;
  for (const { pathId, length, words } of list)
    at = writePrefix(out, at, family, addPath ? pathId : undefined, length, ...words);
  return out.slice(0, at);
}

function read(family: Family, addPath: boolean, bytes: Uint8Array, start = 0, end = bytes.length): Nlri[] {
  const list: Nlri[] = [];
  const wrong = visitPrefixes(bytes, start, end, family, addPath, (pathId, length, ...words) =>
    list.push({ pathId, length, words }),
  );
  expect(wrong).toBeUndefined();
  return list;
}

describe('messages read back as they were written', () => {
  it('OPEN with any capabilities, RFC 5492 and RFC 9072', () => {
    const open = fc.record({
      as: asNumber,
      holdTimeS: u16,
      bgpId: u32,
      capabilities: fc.array(capability, { maxLength: 30 }),
    });
    fc.assert(
      fc.property(open, (value) => {
        const as4 = { kind: 'four-octet-as' as const, as: value.as };
        const capabilities = [as4, ...value.capabilities.filter(({ kind }) => kind !== 'four-octet-as')];
        const bytes = encodeOpen({ ...value, capabilities });
        const framed = frame(bytes, 0, bytes.length, 4096);
        expect(framed).toMatchObject({ kind: 'message', type: 1 });
        expect(decodeOpen(bytes, HEADER, bytes.length)).toMatchObject({ ...value, version: 4, capabilities });
      }),
    );
  });

  it('NOTIFICATION, and always in words', () => {
    fc.assert(
      fc.property(u16, fc.uint8Array({ maxLength: 300 }), (codes, data) => {
        const value = { code: codes >>> 8, subcode: codes & 255, data };
        const bytes = encodeNotification(value);
        expect(decodeNotification(bytes, HEADER, bytes.length)).toEqual(value);
        expect(describeNotification(value)).toContain(`${value.code}/${value.subcode}`);
      }),
    );
  });

  it('ROUTE-REFRESH', () => {
    fc.assert(
      fc.property(u16, fc.constantFrom('request', 'begin', 'end'), (afi, subtype) => {
        const bytes = encodeRouteRefresh(afi, 1, subtype);
        expect(decodeRouteRefresh(bytes, HEADER, bytes.length, true)).toEqual({ afi, safi: 1, subtype });
      }),
    );
  });

  it('path attributes of 4-octet sessions', () => {
    fc.assert(
      fc.property(attributes(nextHop4), (value) => {
        const bytes = writeAttributes(value, { as4: true, inMpReach: false });
        const back = readAttributes(bytes, 0, bytes.length, IBGP);
        expect(back).toEqual({ kind: 'ok', attributes: value, discarded: [] });
      }),
    );
  });

  it('path attributes of 2-octet sessions, by AS_TRANS and AS4_PATH: RFC 6793 4.2', () => {
    fc.assert(
      fc.property(attributes(nextHop4), (value) => {
        const bytes = writeAttributes(value, { as4: false, inMpReach: false });
        const back = readAttributes(bytes, 0, bytes.length, { ...IBGP, as4: false });
        expect(back).toMatchObject({
          kind: 'ok',
          attributes: { asPath: value.asPath, communities: value.communities },
        });
      }),
    );
  });

  it('NLRI of both families, with and without path identifiers', () => {
    const lists = (family: Family) =>
      fc.tuple(fc.constant(family), fc.array(nlri(family), { maxLength: 30 }));
    fc.assert(
      fc.property(fc.oneof(lists('ipv4'), lists('ipv6')), fc.boolean(), ([family, list], addPath) => {
        const expected = addPath ? list : list.map((one) => ({ ...one, pathId: 0 }));
        expect(read(family, addPath, written(family, addPath, list))).toEqual(expected);
      }),
    );
  });

  it('IPv6 UPDATE by MP_REACH_NLRI, RFC 4760 3 and RFC 2545 3', () => {
    fc.assert(
      fc.property(
        attributes(nextHop6),
        fc.array(nlri('ipv6'), { minLength: 1, maxLength: 10 }),
        (value, list) => {
          const prefixes = written('ipv6', false, list);
          const { nextHop } = value;
          if (nextHop === undefined) throw new Error('no next hop');
          const head = mpReachHead('ipv6', nextHop, prefixes.length);
          const block = [...writeAttributes(value, { as4: true, inMpReach: true }), ...head, ...prefixes];
          const bytes = updateMessage([], block, []);
          const parts = splitUpdate(bytes, HEADER, bytes.length, { addPath: { ipv4: false, ipv6: false } });
          if (parts.kind !== 'parts' || parts.mpReach === undefined) throw new Error(JSON.stringify(parts));
          expect(parts.mpReach.nextHop).toEqual(nextHop);
          const { start, end } = parts.mpReach.nlri;
          expect(read('ipv6', false, bytes, start, end)).toEqual(list.map((one) => ({ ...one, pathId: 0 })));
          const { attributes: at } = parts;
          const back = readAttributes(bytes, at.start, at.end, IBGP, parts.mpReach.nextHop);
          expect(back).toEqual({ kind: 'ok', attributes: value, discarded: [] });
        },
      ),
    );
  });
});

describe('no bytes make a reader throw', () => {
  it('whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 23, maxLength: 400 }), fc.boolean(), (bytes, flag) => {
        frame(bytes, 0, bytes.length, 4096);
        const open = decodeOpen(bytes, 0, bytes.length);
        if (isNotification(open)) describeNotification(open);
        splitUpdate(bytes, 0, bytes.length, { addPath: { ipv4: flag, ipv6: flag } });
        readAttributes(bytes, 0, bytes.length, { as4: flag, ibgp: !flag, acceptSets: flag });
        decodeRouteRefresh(bytes, 0, bytes.length, flag);
      }),
      { numRuns: 2000 },
    );
  });

  it('RFC 7606: any truncation or flipped bit of an UPDATE has an outcome, and located NLRI stays readable', () => {
    const cases = fc.tuple(
      attributes(nextHop4),
      fc.array(nlri('ipv4'), { minLength: 1, maxLength: 5 }),
      fc.nat(),
      fc.boolean(),
    );
    fc.assert(
      fc.property(cases, ([value, list, where, truncates]) => {
        const whole = updateMessage(
          [],
          writeAttributes(value, { as4: true, inMpReach: false }),
          written('ipv4', false, list),
        );
        const bytes = truncates
          ? whole.slice(0, HEADER + 4 + (where % (whole.length - HEADER - 4)))
          : whole.slice();
        if (!truncates) {
          const bit = where % ((bytes.length - HEADER) * 8);
          const at = HEADER + (bit >>> 3);
          bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
        }
        const parts = splitUpdate(bytes, HEADER, bytes.length, { addPath: { ipv4: false, ipv6: false } });
        if (parts.kind === 'reset') {
          expect(parts.notification.code).toBe(3);
          return;
        }
        read('ipv4', false, bytes, parts.nlri.start, parts.nlri.end);
        if (parts.broken !== undefined) return;
        const { start, end } = parts.attributes;
        const outcome = readAttributes(bytes, start, end, IBGP, parts.mpReach?.nextHop);
        expect(['ok', 'withdraw', 'reset']).toContain(outcome.kind);
      }),
      { numRuns: 1000 },
    );
  });
});

/** One test for each attribute that can be malformed, titled by its section; and for UPDATEs as a whole. */
import { describe, expect, it } from 'vitest';
import { NO_ATTRIBUTES, type PathAttributes } from '../../controller/wire/attribute.ts';
import { HEADER } from '../../controller/wire/message.ts';
import { type AttributesRead, mergePaths, readAttributes } from '../../controller/wire/read-attributes.ts';
import { splitUpdate, updateMessage } from '../../controller/wire/update.ts';
import { writeAttributes } from '../../controller/wire/write-attributes.ts';
import { hex } from './values.ts';

const EBGP = { as4: true, ibgp: false, acceptSets: false };
const IBGP = { ...EBGP, ibgp: true };
/** ORIGIN IGP, AS_PATH 65001, NEXT_HOP 10.0.0.2. */
const PLAIN = '400101 00' + '400206 0201 0000fde9' + '400304 0a000002';

const read = (text: string, context = EBGP, announces = true): AttributesRead => {
  const bytes = hex(text);
  return readAttributes(bytes, 0, bytes.length, context, undefined, announces);
};
const withdraws = (text: string, why: RegExp, context = EBGP): void =>
  expect(read(text, context)).toMatchObject({ kind: 'withdraw', why: expect.stringMatching(why) });
const discards = (text: string, type: number, context = EBGP): void => {
  const outcome = read(text, context);
  expect(outcome).toMatchObject({ kind: 'ok', discarded: [{ type }] });
};

describe('RFC 7606, attribute by attribute', () => {
  it('takes a plain set', () =>
    expect(read(PLAIN)).toMatchObject({
      kind: 'ok',
      attributes: { asPath: [{ as: [65001] }] },
      discarded: [],
    }));
  it('7.1 ORIGIN of a wrong length or value withdraws', () => {
    withdraws(PLAIN.replace('400101 00', '400102 0000'), /ORIGIN/);
    withdraws(PLAIN.replace('400101 00', '400101 03'), /ORIGIN: it is 3/);
  });
  it('7.2 AS_PATH that does not add up withdraws', () => {
    withdraws(PLAIN.replace('0201 0000fde9', '0202 0000fde9'), /reaches beyond/);
    withdraws(PLAIN.replace('400206 0201 0000fde9', '400202 0200'), /empty/);
    withdraws(PLAIN.replace('0201 0000fde9', '0701 0000fde9'), /type 7/);
  });
  it('RFC 7607 2: AS 0 in AS_PATH withdraws', () => withdraws(PLAIN.replace('0000fde9', '00000000'), /AS 0/));
  it('RFC 9774 3: AS_SET withdraws', () =>
    withdraws(PLAIN.replace('0201 0000fde9', '0101 0000fde9'), /AS_SET/));
  it('RFC 5065 5: a confederation segment from outside withdraws', () =>
    withdraws(PLAIN.replace('0201 0000fde9', '0301 0000fde9'), /confederation/));
  it('7.3 NEXT_HOP of a wrong length, or no host, withdraws', () => {
    withdraws(PLAIN.replace('400304 0a000002', '400303 0a0000'), /NEXT_HOP/);
    withdraws(PLAIN.replace('0a000002', 'e0000001'), /no address of a host/);
  });
  it('7.4 MULTI_EXIT_DISC of a wrong length withdraws', () =>
    withdraws(`${PLAIN}800402 0001`, /MULTI_EXIT_DISC/));
  it('7.5 LOCAL_PREF is discarded on eBGP and of a wrong length withdraws on iBGP', () => {
    discards(`${PLAIN}400504 00000064`, 5);
    withdraws(`${PLAIN}400502 0064`, /LOCAL_PREF/, IBGP);
  });
  it('7.6 ATOMIC_AGGREGATE of a wrong length is discarded', () => discards(`${PLAIN}400601 00`, 6));
  it('7.7 AGGREGATOR of a wrong length is discarded', () => discards(`${PLAIN}c00706 fde9 0a000001`, 7));
  it('RFC 7607 2: AGGREGATOR of AS 0 is discarded', () => discards(`${PLAIN}c00708 00000000 0a000001`, 7));
  it('7.8 COMMUNITIES of a wrong length withdraws, also none at all', () => {
    withdraws(`${PLAIN}c00803 000001`, /COMMUNITIES/);
    withdraws(`${PLAIN}c00800`, /COMMUNITIES/);
  });
  it('7.9 ORIGINATOR_ID is discarded on eBGP and of a wrong length withdraws on iBGP', () => {
    discards(`${PLAIN}800904 0a000001`, 9);
    withdraws(`${PLAIN}800902 0a00 400504 00000064`, /ORIGINATOR_ID/, IBGP);
  });
  it('7.10 CLUSTER_LIST is discarded on eBGP and of a wrong length withdraws on iBGP', () => {
    discards(`${PLAIN}800a04 0a000001`, 10);
    withdraws(`${PLAIN}800a03 0a0000 400504 00000064`, /CLUSTER_LIST/, IBGP);
  });
  it('7.14 EXTENDED COMMUNITIES of a wrong length withdraws', () =>
    withdraws(`${PLAIN}c01004 00000001`, /EXTENDED/));
  it('RFC 8092 6: LARGE_COMMUNITY of a wrong length withdraws', () =>
    withdraws(`${PLAIN}c02008 0000000100000002`, /LARGE/));
  it('RFC 9234 5: ONLY_TO_CUSTOMER of a wrong length withdraws', () =>
    withdraws(`${PLAIN}c02302 0001`, /ONLY_TO_CUSTOMER/));
  it('RFC 6793 6: AS4_PATH from a 4-octet speaker, or malformed, is discarded', () => {
    discards(`${PLAIN}c01106 0201 00010000`, 17);
    const two = PLAIN.replace('400206 0201 0000fde9', '400204 0201 5ba0');
    discards(`${two}c01105 0201 000100`, 17, { ...EBGP, as4: false });
  });
  it('3 c: flags in conflict with the attribute withdraw', () =>
    withdraws(PLAIN.replace('400101', '800101'), /ORIGIN: its flags/));
  it('3 d: a missing mandatory attribute withdraws, on iBGP also LOCAL_PREF', () => {
    withdraws(PLAIN.slice('400101 00'.length), /ORIGIN is missing/);
    withdraws(PLAIN.replace('400304 0a000002', ''), /NEXT_HOP is missing/);
    withdraws(PLAIN, /LOCAL_PREF is missing/, IBGP);
  });
  it('3 g: of an attribute that is there twice only the first counts', () => {
    const outcome = read(`${PLAIN}400101 02`);
    expect(outcome).toMatchObject({ kind: 'ok', attributes: { origin: 0 }, discarded: [{ type: 1 }] });
  });
  it('4: an attribute that reaches beyond the attributes withdraws', () =>
    withdraws(`${PLAIN}c0080c 00000001`, /reaches beyond/));
  it('RFC 4271 6.3: an unrecognized well-known attribute resets with 3/2 and the attribute', () => {
    const outcome = read(`${PLAIN}40c801 07`);
    expect(outcome).toMatchObject({
      kind: 'reset',
      notification: { code: 3, subcode: 2, data: hex('40c80107') },
    });
  });
  it('RFC 4271 5: an unknown transitive attribute is passed on with Partial, one that is not is left out', () => {
    const outcome = read(`${PLAIN}c0fa02 0102 80fb01 03`);
    expect(outcome).toMatchObject({
      kind: 'ok',
      attributes: { unknown: [{ type: 250, flags: 0xe0, value: hex('0102') }] },
    });
  });
});

describe('RFC 6793', () => {
  const path = (...as: number[]) => [{ type: 'sequence' as const, as }];
  it('4.2.3: AS4_PATH replaces the end of AS_PATH', () =>
    expect(mergePaths(path(1, 2, 23456, 23456), path(70000, 80000))).toEqual(path(1, 2, 70000, 80000)));
  it('4.2.3: an AS4_PATH longer than AS_PATH is ignored', () =>
    expect(mergePaths(path(1), path(70000, 80000))).toEqual(path(1)));
  it('4.2.3: AS4_AGGREGATOR counts only where AGGREGATOR holds AS_TRANS', () => {
    const base: PathAttributes = {
      ...NO_ATTRIBUTES,
      asPath: path(70000),
      nextHop: { family: 'ipv4', words: [0, 0, 0, 0x0a000001] },
      aggregator: { as: 70000, id: 7 },
    };
    const bytes = writeAttributes(base, { as4: false, inMpReach: false });
    const back = readAttributes(bytes, 0, bytes.length, { ...EBGP, as4: false });
    expect(back).toMatchObject({ kind: 'ok', attributes: { aggregator: { as: 70000, id: 7 } } });
  });
});

describe('UPDATE as a whole', () => {
  const split = (bytes: Uint8Array) =>
    splitUpdate(bytes, HEADER, bytes.length, { addPath: { ipv4: false, ipv6: false } });
  it('RFC 7606 5.3: NLRI that cannot be followed resets', () =>
    expect(split(updateMessage([], hex(PLAIN), [33, 10, 0, 0, 0, 0]))).toMatchObject({
      kind: 'reset',
      notification: { code: 3, subcode: 10 },
    }));
  it('RFC 7606 7.12: MP_UNREACH_NLRI that cannot be followed resets, of either family', () => {
    for (const unreach of ['800f05 0002 01 81 20', '800f05 0001 01 21 0a', '800f02 0002'])
      expect(split(updateMessage([], hex(unreach), [])), unreach).toMatchObject({
        kind: 'reset',
        notification: { code: 3 },
      });
  });
  it('RFC 7606 3 g: MP_REACH_NLRI that is there twice resets with 3/1', () => {
    const reach = '800e15 0002 01 10 20010db8000000000000000000000001 00';
    expect(split(updateMessage([], hex(reach + reach), []))).toMatchObject({
      kind: 'reset',
      notification: { code: 3, subcode: 1 },
    });
  });
  it('RFC 7606 7.11: MP_REACH_NLRI with an impossible next hop length resets', () =>
    expect(split(updateMessage([], hex('800e0a 0002 01 05 2001000000 00'), []))).toMatchObject({
      kind: 'reset',
    }));
  it('RFC 4271 6.3: lengths beyond the message reset with 3/1', () => {
    const bytes = updateMessage([], hex(PLAIN), []);
    bytes[HEADER + 3] = 255;
    expect(split(bytes)).toMatchObject({ kind: 'reset', notification: { subcode: 1 } });
  });
  it('RFC 4724 2: End-of-RIB of both families is recognised', () => {
    expect(split(updateMessage([], [], []))).toMatchObject({ endOfRib: 'ipv4' });
    expect(split(updateMessage([], hex('800f03 0002 01'), []))).toMatchObject({ endOfRib: 'ipv6' });
  });
  it('RFC 4760 7: a family that we do not carry is left out and the session stays', () =>
    expect(split(updateMessage([], hex('800f04 4004 47 00'), []))).toMatchObject({
      kind: 'parts',
      unsupported: [{ afi: 0x4004, safi: 71 }],
    }));
  it('RFC 8950 3: IPv4 routes over an IPv6 next hop are read', () =>
    expect(
      split(updateMessage([], hex('800e17 0001 01 10 20010db8000000000000000000000001 00 080a'), [])),
    ).toMatchObject({ mpReach: { family: 'ipv4', nextHop: { family: 'ipv6' } } }));
});

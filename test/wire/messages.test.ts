/** Framing, OPEN and NOTIFICATION, titled by section. */
import { describe, expect, it } from 'vitest';
import {
  decodeRouteRefresh,
  encodeKeepalive,
  frame,
  HEADER,
  message,
  TYPE,
} from '../../controller/wire/message.ts';
import {
  decodeShutdownText,
  describeNotification,
  encodeShutdownText,
  hardReset,
  notification,
} from '../../controller/wire/notification.ts';
import { AS_TRANS, decodeOpen, encodeOpen } from '../../controller/wire/open.ts';
import { hex } from './values.ts';

const refused = (bytes: Uint8Array, maxLength = 4096) => frame(bytes, 0, bytes.length, maxLength);

describe('RFC 4271 6.1, the header', () => {
  it('a marker that is not all ones is 1/1', () => {
    const bytes = encodeKeepalive();
    bytes[3] = 0;
    expect(refused(bytes)).toMatchObject({ kind: 'error', notification: { code: 1, subcode: 1 } });
  });
  it('a length below or beyond that of the type is 1/2 with the length', () => {
    for (const [type, length] of [
      [TYPE.keepalive, 20],
      [TYPE.open, 28],
      [TYPE.update, 22],
      [TYPE.notification, 20],
      [TYPE.update, 4097],
    ] as const) {
      const bytes = message(type, new Uint8Array(length - HEADER));
      const data = Uint8Array.of(length >>> 8, length & 255);
      expect(refused(bytes)).toMatchObject({ notification: { code: 1, subcode: 2, data } });
    }
  });
  it('an unknown type is 1/3 with the type', () =>
    expect(refused(message(9, new Uint8Array(4)))).toMatchObject({
      notification: { code: 1, subcode: 3, data: Uint8Array.of(9) },
    }));
  it('a message that is not all there is waited for', () =>
    expect(frame(encodeKeepalive(), 0, 18, 4096)).toEqual({ kind: 'partial' }));
});

describe('RFC 8654', () => {
  it('4: an UPDATE may have 65,535 octets where both sides said so, an OPEN may not', () => {
    expect(refused(message(TYPE.update, new Uint8Array(65535 - HEADER)), 65535)).toMatchObject({
      kind: 'message',
    });
    expect(refused(message(TYPE.open, new Uint8Array(5000)), 65535)).toMatchObject({ kind: 'error' });
  });
});

describe('OPEN', () => {
  const plain = { as: 65001, holdTimeS: 90, bgpId: 0x0a000001, capabilities: [] };
  const decode = (bytes: Uint8Array) => decodeOpen(bytes, HEADER, bytes.length);
  it('RFC 4271 6.2: another version is 2/1 with ours', () => {
    const bytes = encodeOpen(plain);
    bytes[HEADER] = 3;
    expect(decode(bytes)).toMatchObject({ code: 2, subcode: 1, data: Uint8Array.of(0, 4) });
  });
  it('RFC 4271 6.2: a parameter that is no capability is 2/4', () => {
    const bytes = message(TYPE.open, hex('04 fde9 005a 0a000001 04 01 02 0000'));
    expect(decode(bytes)).toMatchObject({ code: 2, subcode: 4 });
  });
  it('RFC 4271 6.2: parameters that do not add up are 2/0', () => {
    const bytes = message(TYPE.open, hex('04 fde9 005a 0a000001 06 02 02 0000'));
    expect(decode(bytes)).toMatchObject({ code: 2, subcode: 0 });
  });
  it('RFC 5492 4: capabilities in several parameters, known twice and unknown, are all read', () => {
    const bytes = message(TYPE.open, hex('04 fde9 005a 0a000001 0c 02 02 0200 02 06 0200 c802 0102'));
    expect(decode(bytes)).toMatchObject({
      capabilities: [{ kind: 'route-refresh' }, { kind: 'route-refresh' }, { kind: 'unknown', code: 200 }],
    });
  });
  it('RFC 9072 2: parameters of more than 255 octets take the extended form', () => {
    const capabilities = Array.from({ length: 10 }, (_, index) => ({
      kind: 'unknown' as const,
      code: 200 + index,
      value: new Uint8Array(50),
    }));
    const bytes = encodeOpen({ ...plain, capabilities });
    expect([...bytes.subarray(HEADER + 9, HEADER + 11)]).toEqual([255, 255]);
    expect(decode(bytes)).toMatchObject({ capabilities });
  });
  it('RFC 6793 4.2.1: an AS beyond two octets is AS_TRANS in the old field', () => {
    const capabilities = [{ kind: 'four-octet-as' as const, as: 4200000001 }];
    const bytes = encodeOpen({ ...plain, as: 4200000001, capabilities });
    expect(decode(bytes)).toMatchObject({ as: 4200000001, as2: AS_TRANS });
  });
  it('RFC 8538 2: the N bit stands beside the R bit', () => {
    const capabilities = [
      { kind: 'graceful-restart' as const, restarting: false, notification: true, timeS: 120, families: [] },
    ];
    const bytes = encodeOpen({ ...plain, capabilities });
    expect([...bytes.subarray(bytes.length - 2)]).toEqual([0x40, 120]);
  });
});

describe('NOTIFICATION in words', () => {
  it('RFC 9003 2: the shutdown text, cut between characters at 255 octets', () => {
    expect(decodeShutdownText(encodeShutdownText('upgrade of fw-a'))).toBe('upgrade of fw-a');
    const long = 'ä'.repeat(200);
    expect(decodeShutdownText(encodeShutdownText(long))).toBe('ä'.repeat(127));
    expect(describeNotification(notification(6, 2, encodeShutdownText('bye')))).toBe(
      'Cease / Administrative Shutdown (6/2): "bye"',
    );
  });
  it('RFC 9003 3: text that is not UTF-8 is shown as octets', () =>
    expect(describeNotification(notification(6, 4, Uint8Array.of(2, 0xff, 0xfe)))).toContain(
      'data 02 ff fe',
    ));
  it('RFC 8538 3.1: a Hard Reset says what it stands for', () =>
    expect(describeNotification(hardReset(notification(4)))).toBe(
      'Cease / Hard Reset (6/9): Hold Timer Expired (4/0)',
    ));
  it('RFC 4486 4: the prefix limit with its family', () =>
    expect(describeNotification(notification(6, 1, hex('0001 01 000003e8')))).toContain(
      'limit 1000 of AFI 1, SAFI 1',
    ));
  it('RFC 9384 3 has a name', () =>
    expect(describeNotification(notification(6, 10))).toBe('Cease / BFD Down (6/10)'));
});

describe('ROUTE-REFRESH', () => {
  it('RFC 7313 5: a wrong length is 7/1 with the message, where enhanced refresh was negotiated', () => {
    const bytes = message(TYPE.routeRefresh, hex('0001 00 01 00'));
    expect(decodeRouteRefresh(bytes, HEADER, bytes.length, true)).toMatchObject({
      code: 7,
      subcode: 1,
      data: bytes,
    });
    expect(decodeRouteRefresh(bytes, HEADER, bytes.length, false)).toMatchObject({ subtype: 'request' });
  });
});

/**
 * Packets that are longer than a border takes: they are dropped, or pass in fragments, and where AWS says so
 * the router of the sender's subnet answers by ICMP: RFC 792 type 3 code 4 with RFC 1191's next-hop MTU,
 * RFC 4443 type 2. A packet in fragments goes on as one. Not here: MSS clamping.
 */
import { CODE } from './dispositions.ts';
import { gatewayOfSubnet, ROUTER_LINK_LOCAL } from './fabric.ts';
import { createHeader, type Header, ICMP, ICMP6, setSource } from './header.ts';
import type { Place } from './nodes.ts';
import type { Border } from './settings.ts';

/** 0 where a border takes the packet that came from `from`, else MTU_EXCEEDED. */
export function checkLength(border: Border, from: Place, h: Header): number {
  if (h.lengthBytes <= border.mtuBytes) return 0;
  const fragmentable = h.family === 4 && !h.dontFragment;
  if (fragmentable && border.fragments) return 0;
  h.mtuBytes = border.mtuBytes;
  h.router = border.answers && !fragmentable ? from : undefined;
  return CODE.MTU_EXCEEDED;
}

/** In words why the border dropped the packet. */
export const whyTooLong = (h: Header): string =>
  `takes no packet of ${h.lengthBytes} bytes, above ${h.mtuBytes}: dropped${h.router === undefined ? '' : ', and answers by ICMP'}`;

/** An ICMP error repeats the packet as far as every link carries it: RFC 1812 4.3.2.3, RFC 4443 3.2. */
const MOST_BYTES = { 4: 576, 6: 1280 } as const;
const ICMP_BYTES = { 4: 28, 6: 48 } as const;

/**
 * The answer to a packet that ended MTU_EXCEEDED, to be sent by its `router`; undefined where none is due.
 * ICMP errors are never answered: RFC 1122 3.2.2.
 */
export function answerTooLong(h: Header): Header | undefined {
  const { router, family } = h;
  if (router === undefined || h.quoted !== undefined) return undefined;
  const source = family === 4 ? gatewayOfSubnet(router.subnet) : ROUTER_LINK_LOCAL;
  if (source === undefined) return undefined;
  const answer = createHeader();
  setSource(answer, source);
  return Object.assign(answer, {
    family,
    d0: h.s0,
    d1: h.s1,
    d2: h.s2,
    d3: h.s3,
    protocol: family === 4 ? ICMP : ICMP6,
    icmpType: family === 4 ? 3 : 2,
    icmpCode: family === 4 ? 4 : 0,
    lengthBytes: Math.min(MOST_BYTES[family], ICMP_BYTES[family] + h.lengthBytes),
    mtuBytes: h.mtuBytes,
    quoted: { ...h, router: undefined },
    router,
    now: h.now,
  });
}

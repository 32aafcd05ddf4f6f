/**
 * What the fabric answers to ARP (RFC 826) and neighbour solicitations (RFC 4861): the real MAC of an ENI in
 * the subnet, the router's MAC for the router and for the services of the link, silence for all else. What
 * somebody announces of himself changes nothing.
 */
import type { Address } from '../../controller/base/ip.ts';
import { answerNeighbour, type Fabric } from '../vpc/fabric.ts';
import { createHeader, type Header, ICMP6, sourceOf } from '../vpc/header.ts';
import type { Port } from '../vpc/nodes.ts';
import { ETHERNET_BYTES, type Frame, macAt, setMac } from './frame.ts';
import { advertisement } from './made.ts';
import { isService } from './service.ts';

const REQUEST = 1;
const REPLY = 2;
const SOLICITATION = 135;
/** Solicited, override. */
const ANSWERED = 0x60000000;

/** The MAC that answers for an IPv4 address, or 0; `asker` is undefined outside the VPCs. */
export type Owner = (target: number) => number;

/** Who answers an ENI's questions for IPv4 addresses. */
export const ownersFor =
  (fabric: Fabric, asker: Port): Owner =>
  (target) =>
    isService(asker, target)
      ? asker.subnet.routerMac
      : answerNeighbour(fabric, asker, { family: 4, words: [0, 0, 0, target >>> 0] });

/** Turns an ARP request into its answer, in place; false where there is none. */
export function answerArp(frame: Frame, owner: Owner): boolean {
  const { view, start, end } = frame;
  const at = start + ETHERNET_BYTES;
  if (end - at < 28 || view.getUint16(at + 6) !== REQUEST) return false;
  const sender = view.getInt32(at + 14);
  const target = view.getInt32(at + 24);
  if (sender === target) return false;
  const mac = owner(target);
  if (mac === 0) return false;
  const asker = macAt(view, at + 8);
  setMac(view, start, asker);
  setMac(view, start + 6, mac);
  view.setUint16(at + 6, REPLY);
  setMac(view, at + 8, mac);
  view.setInt32(at + 14, target);
  setMac(view, at + 18, asker);
  view.setInt32(at + 24, sender);
  return true;
}

/** Whether a packet is a question for a neighbour. */
export const isSolicitation = (h: Header): boolean => h.protocol === ICMP6 && h.icmpType === SOLICITATION;

/** The advertisement that answers a solicitation, undefined where nobody does; 0 of `owner` is silence. */
export function answerSolicitation(
  frame: Frame,
  h: Header,
  owner: (target: Address) => number,
): Frame | undefined {
  const { view, transport, end } = frame;
  const isDuplicateCheck = (h.s0 | h.s1 | h.s2 | h.s3) === 0;
  if (isDuplicateCheck || transport === 0 || end - transport < 24) return undefined;
  const word = (index: number): number => view.getUint32(transport + 8 + 4 * index);
  const target: Address = { family: 6, words: [word(0), word(1), word(2), word(3)] };
  const mac = owner(target);
  if (mac === 0) return undefined;
  const [s0, s1, s2, s3] = target.words;
  const [d0, d1, d2, d3] = sourceOf(h).words;
  const source = { s0: s0 | 0, s1: s1 | 0, s2: s2 | 0, s3: s3 | 0 };
  const ends = { ...source, d0: d0 | 0, d1: d1 | 0, d2: d2 | 0, d3: d3 | 0 };
  return advertisement(target, { ...createHeader(), ...ends }, mac, h.sourceMac, ANSWERED);
}

/** What the fabric's thread tells of packets and frames while somebody wants to see them. */
import type { Instant } from '../../controller/base/time.ts';
import { HEADROOM } from '../frame/made.ts';
import type { Switch } from '../frame/switch.ts';
import { dispositionOf, EXPLANATIONS } from '../vpc/dispositions.ts';
import { explain } from '../vpc/explain.ts';
import type { Header } from '../vpc/header.ts';
import type { Step } from '../vpc/hop.ts';
import { formatPacket } from '../vpc/packet-text.ts';
import type { Captured, FromThread, SeenPacket } from './message.ts';

/** Packets that are told of in one turn; the others are counted. */
const MOST = 200;

export interface Watch {
  readonly packets: (on: boolean) => void;
  readonly capture: (eni: string | undefined) => void;
  /** A frame at a TAP with its headroom, up to `end`. */
  readonly captured: (tap: number, sent: boolean, bytes: Uint8Array, end: number) => void;
  /** Tells what has been seen since. */
  readonly flush: () => void;
}

export function createWatch(sw: Switch, say: (message: FromThread) => void, clock: () => Instant): Watch {
  let packets: SeenPacket[] = [];
  let missed = 0;
  let frames: Captured[] = [];
  let wanted: string | undefined;
  const steps: Step[] = [];
  const nameOf = (tap: number): string => {
    const end = sw.ends[tap];
    return end?.kind === 'eni' ? end.port.id : (end?.kind ?? 'nowhere');
  };
  const seen = (tap: number, code: number, h: Header): void => {
    const way = steps.splice(0);
    if (packets.length >= MOST) {
      missed++;
      return;
    }
    const disposition = dispositionOf(code);
    const last = explain(sw.network.fabric, way.slice(-1))[0];
    packets.push({
      at: clock(),
      from: nameOf(tap),
      to: disposition === 'DELIVERED' ? (h.to?.id ?? 'outside') : undefined,
      packet: formatPacket(way[0]?.header ?? h),
      disposition,
      reason: last === undefined ? EXPLANATIONS[disposition].meaning : `${last.id} ${last.text}`,
    });
  };
  return {
    packets: (on) => {
      steps.length = 0;
      sw.seen = on ? seen : undefined;
      sw.recorder = on ? (step) => steps.push(step) : undefined;
    },
    capture: (eni) => {
      wanted = eni;
    },
    captured: (tap, sent, bytes, end) => {
      if (wanted === undefined || nameOf(tap) !== wanted || frames.length >= MOST) return;
      // A copy, also of a Buffer, whose `slice` makes none: the next frame comes into the same memory.
      frames.push({ at: clock(), sent, frame: Uint8Array.from(bytes.subarray(HEADROOM, end)) });
    },
    flush: () => {
      if (packets.length > 0 || missed > 0) say({ kind: 'seen', packets, missed });
      if (frames.length > 0) say({ kind: 'captured', frames });
      packets = [];
      missed = 0;
      frames = [];
    },
  };
}

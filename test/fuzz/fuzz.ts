/** Mutations of messages, and what must hold of every reader. Deterministic for a seed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stream } from '../../controller/base/prng.ts';
import {
  decodeNotification,
  decodeRouteRefresh,
  frame,
  HEADER,
  TYPE,
} from '../../controller/wire/message.ts';
import { describeNotification } from '../../controller/wire/notification.ts';
import { decodeOpen, encodeOpen, isNotification } from '../../controller/wire/open.ts';
import { visitPrefixes } from '../../controller/wire/prefix.ts';
import { readAttributes } from '../../controller/wire/read-attributes.ts';
import { splitUpdate } from '../../controller/wire/update.ts';
import { writeAttributes } from '../../controller/wire/write-attributes.ts';

const CORPUS = fileURLToPath(new URL('corpus/', import.meta.url));

/** The seeds: one message in hexadecimal a file. */
export const corpus = (): readonly Uint8Array[] =>
  readdirSync(CORPUS)
    .sort()
    .map((name) =>
      Uint8Array.from(Buffer.from(readFileSync(join(CORPUS, name), 'utf8').replace(/\s/g, ''), 'hex')),
    );

/** Reads a message as a session would; throws where a reader throws or an invariant does not hold. */
export function attempt(bytes: Uint8Array, as4: boolean, addPath: boolean): string {
  const framed = frame(bytes, 0, bytes.length, 65535);
  if (framed.kind !== 'message') return framed.kind;
  const { type, bodyStart, bodyEnd } = framed;
  switch (type) {
    case TYPE.open: {
      const open = decodeOpen(bytes, bodyStart, bodyEnd);
      if (isNotification(open)) return describeNotification(open);
      const again = encodeOpen(open);
      const back = decodeOpen(again, HEADER, again.length);
      if (isNotification(back)) throw new Error('an OPEN that was read cannot be written and read again');
      return 'open';
    }
    case TYPE.update:
      return attemptUpdate(bytes, bodyStart, bodyEnd, as4, addPath);
    case TYPE.notification:
      return describeNotification(decodeNotification(bytes, bodyStart, bodyEnd));
    case TYPE.routeRefresh:
      decodeRouteRefresh(bytes, bodyStart, bodyEnd, addPath);
      return 'route-refresh';
    default:
      return 'keepalive';
  }
}

function attemptUpdate(
  bytes: Uint8Array,
  start: number,
  end: number,
  as4: boolean,
  addPath: boolean,
): string {
  const parts = splitUpdate(bytes, start, end, { addPath: { ipv4: addPath, ipv6: addPath } });
  if (parts.kind === 'reset') return `reset ${parts.notification.subcode}`;
  const located = [
    ['ipv4', parts.withdrawn],
    ['ipv4', parts.nlri],
    ...[parts.mpReach, parts.mpUnreach].flatMap((one) =>
      one === undefined ? [] : [[one.family, one.nlri] as const],
    ),
  ] as const;
  for (const [family, range] of located) {
    const wrong = visitPrefixes(bytes, range.start, range.end, family, addPath, () => undefined);
    if (wrong !== undefined) throw new Error(`NLRI that was located cannot be read: ${wrong}`);
  }
  const { attributes, mpReach } = parts;
  const read = readAttributes(
    bytes,
    attributes.start,
    attributes.end,
    { as4, ibgp: true, acceptSets: false },
    mpReach?.nextHop,
  );
  if (read.kind !== 'ok') return read.kind;
  const again = writeAttributes(read.attributes, { as4: true, inMpReach: false });
  const back = readAttributes(
    again,
    0,
    again.length,
    { as4: true, ibgp: true, acceptSets: false },
    mpReach?.nextHop,
    false,
  );
  if (back.kind !== 'ok')
    throw new Error(`attributes that were read cannot be written and read again: ${back.why}`);
  return 'update';
}

/**
 * A message made of another by a few changes: bits, bytes, runs cut out, repeated or exchanged; lengths set
 * right.
 */
export function mutate(seeds: readonly Uint8Array[], random: () => number): Uint8Array {
  const pick = (below: number): number => Math.floor(random() * below);
  const seed = seeds[pick(seeds.length)] ?? new Uint8Array(HEADER);
  let bytes = [...seed];
  for (let changes = 1 + pick(6); changes > 0; changes--) {
    const at = HEADER + pick(Math.max(1, bytes.length - HEADER));
    const length = pick(8);
    const other = seeds[pick(seeds.length)] ?? seed;
    const ways: readonly (() => void)[] = [
      () => void bytes.splice(at, 1, (bytes[at] ?? 0) ^ (1 << pick(8))),
      () => void bytes.splice(at, 1, [0, 1, 127, 128, 255][pick(5)] ?? 0),
      () => void bytes.splice(at, length),
      () => void bytes.splice(at, 0, ...bytes.slice(at, at + length)),
      () => void bytes.splice(at, length, ...other.slice(HEADER, HEADER + pick(40))),
    ];
    ways[pick(ways.length)]?.();
  }
  bytes = bytes.slice(0, 4096);
  if (random() < 0.95) {
    bytes[16] = bytes.length >>> 8;
    bytes[17] = bytes.length & 255;
  }
  return Uint8Array.from(bytes);
}

export interface Find {
  readonly bytes: Uint8Array;
  readonly why: string;
}

/** Tries mutants until `goOn` says no; the first that breaks something ends it. */
export function fuzz(
  seed: number,
  goOn: (tried: number) => boolean,
): { readonly tried: number; readonly find?: Find; readonly outcomes: ReadonlyMap<string, number> } {
  const random = stream(seed, 'fuzz');
  const seeds = corpus();
  const outcomes = new Map<string, number>();
  let tried = 0;
  for (; goOn(tried); tried++) {
    const bytes = mutate(seeds, random);
    try {
      const outcome = attempt(bytes, random() < 0.8, random() < 0.2).split(' ')[0] ?? '';
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      return {
        tried,
        outcomes,
        find: { bytes, why: error instanceof Error ? error.message : String(error) },
      };
    }
  }
  return { tried, outcomes };
}

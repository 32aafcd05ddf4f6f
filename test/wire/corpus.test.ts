/**
 * Messages of other projects: every encoding case is framed and read, families that we lack are left out and
 * the session stays, crashers of other decoders harm nobody. The data lies outside the project and is read in
 * place.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../../controller/base/ip.ts';
import { frame, HEADER, message, TYPE } from '../../controller/wire/message.ts';
import { decodeOpen, isNotification } from '../../controller/wire/open.ts';
import { visitPrefixes } from '../../controller/wire/prefix.ts';
import { readAttributes } from '../../controller/wire/read-attributes.ts';
import { splitUpdate, updateMessage } from '../../controller/wire/update.ts';
import { hex } from './values.ts';

/** `shared/data/bgp` beside the project, or beside a folder above it. */
function findData(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (folder !== dirname(folder)) {
    const data = join(folder, 'shared', 'data', 'bgp');
    if (existsSync(data)) return data;
    folder = dirname(folder);
  }
  return process.env.BYOA_TEST_DATA;
}

const data = findData();
const skipped = data === undefined ? ' (skipped: no test data; name a folder with BYOA_TEST_DATA)' : '';

type Outcome =
  | { readonly kind: 'update'; readonly announced: readonly string[]; readonly withdrawn: readonly string[] }
  | { readonly kind: 'other'; readonly what: string };

function prefixes(
  bytes: Uint8Array,
  family: 'ipv4' | 'ipv6',
  range: { start: number; end: number },
  addPath: boolean,
) {
  const list: string[] = [];
  visitPrefixes(bytes, range.start, range.end, family, addPath, (_id, length, ...words) =>
    list.push(formatPrefix({ address: { family: family === 'ipv4' ? 4 : 6, words }, length })),
  );
  return list;
}

/** What becomes of one whole message. */
function outcomeOf(bytes: Uint8Array, addPath = false): Outcome {
  const framed = frame(bytes, 0, bytes.length, 65535);
  if (framed.kind !== 'message') return { kind: 'other', what: framed.kind };
  const { type, bodyStart, bodyEnd } = framed;
  if (type === TYPE.open) {
    const open = decodeOpen(bytes, bodyStart, bodyEnd);
    return {
      kind: 'other',
      what: isNotification(open) ? `open ${open.code}/${open.subcode}` : `open of AS ${open.as}`,
    };
  }
  if (type !== TYPE.update) return { kind: 'other', what: `type ${type}` };
  const parts = splitUpdate(bytes, bodyStart, bodyEnd, { addPath: { ipv4: addPath, ipv6: addPath } });
  if (parts.kind === 'reset') return { kind: 'other', what: `reset: ${parts.why}` };
  const { attributes, mpReach, mpUnreach, nlri, withdrawn } = parts;
  readAttributes(
    bytes,
    attributes.start,
    attributes.end,
    { as4: true, ibgp: true, acceptSets: true },
    mpReach?.nextHop,
  );
  return {
    kind: 'update',
    announced: [
      ...prefixes(bytes, 'ipv4', nlri, addPath),
      ...(mpReach === undefined ? [] : prefixes(bytes, mpReach.family, mpReach.nlri, addPath)),
    ],
    withdrawn: [
      ...prefixes(bytes, 'ipv4', withdrawn, addPath),
      ...(mpUnreach === undefined ? [] : prefixes(bytes, mpUnreach.family, mpUnreach.nlri, addPath)),
    ],
  };
}

/** A case is a message, the body of one, or NLRI of BGP-LS (RFC 9552) that wants an attribute around it. */
function wholeOf(what: string, raw: Uint8Array): Uint8Array {
  if (raw[0] === 0xff && raw[15] === 0xff) return raw;
  if (!what.startsWith('nlri')) return message(TYPE.update, raw);
  const reach = [0x40, 0x04, 71, 4, 10, 0, 0, 1, 0, ...raw];
  return updateMessage([], [0x90, 14, reach.length >>> 8, reach.length & 255, ...reach], []);
}

const folder = (name: string): string => join(data ?? '', name);
const files = (name: string): string[] => (data === undefined ? [] : readdirSync(folder(name)));

/**
 * Prefixes that the JSON beside a case says are announced in unicast families, with or without identifiers.
 */
function announcedBy(json: string): readonly string[] | undefined {
  const announce = JSON.parse(json).message?.update?.announce;
  if (announce === undefined) return undefined;
  return ['ipv4 unicast', 'ipv6 unicast'].flatMap((family) =>
    Object.values<{ nlri: string }[]>(announce[family] ?? {}).flatMap((list) => list.map(({ nlri }) => nlri)),
  );
}

describe.skipIf(data === undefined)(`other people's messages${skipped}`, () => {
  it.each(files('exabgp-encoding'))(
    '%s: every case has an outcome, and unicast agrees with its JSON',
    (name) => {
      const lines = readFileSync(join(folder('exabgp-encoding'), name), 'utf8').split('\n');
      const raws = lines.filter((line) => /^\w+:raw:/.test(line));
      expect(raws.length).toBeGreaterThan(0);
      const addPath = /addpath|path-information/.test(name);
      lines.forEach((line, index) => {
        const raw = /^\w+:raw:([0-9A-F:]+)$/i.exec(line)?.[1];
        if (raw === undefined) return;
        const outcome = outcomeOf(hex(raw), addPath);
        const json = /^\w+:json:(.*)$/.exec(lines[index + 1] ?? '')?.[1];
        const expected = json === undefined || addPath ? undefined : announcedBy(json);
        if (outcome.kind === 'update' && expected !== undefined)
          expect([...outcome.announced].sort()).toEqual([...expected].sort());
      });
    },
  );

  it('is all there, and none of it is left out', () => {
    const counts = ['exabgp-encoding', 'exabgp-decoding', 'gobgp-bad-len'].map((name) => files(name).length);
    expect(counts).toEqual([40, 22, 11]);
    const lines = files('exabgp-encoding').flatMap((name) =>
      readFileSync(join(folder('exabgp-encoding'), name), 'utf8').split('\n'),
    );
    const cases = lines.filter((line) => /^[^#:]*:raw:/.test(line));
    expect(cases).toHaveLength(166);
    for (const one of cases) {
      const raw = /^\w+:raw:([0-9A-F:]+)$/i.exec(one)?.[1];
      expect(raw, one).toBeDefined();
      const outcome = outcomeOf(hex(raw ?? ''));
      expect(outcome, one).not.toMatchObject({ what: expect.stringMatching(/^(partial|error)$/) });
    }
  });

  it.each(files('exabgp-decoding'))('%s is read, or left out as a family that we lack', (name) => {
    const [what = '', raw = ''] = readFileSync(join(folder('exabgp-decoding'), name), 'utf8').split('\n');
    const bytes = wholeOf(what, hex(raw));
    const outcome = outcomeOf(bytes);
    if (what.startsWith('open'))
      expect(outcome).toMatchObject({ what: expect.stringContaining('open of AS') });
    else expect(outcome).toMatchObject({ kind: 'update' });
  });

  it.each(files('gobgp-bad-len'))('crasher %s harms nobody', (name) => {
    const bytes = readFileSync(join(folder('gobgp-bad-len'), name));
    for (let type = 1; type <= 5; type++) {
      const length = HEADER + bytes.length;
      const whole = Uint8Array.from([...new Array(16).fill(255), length >>> 8, length & 255, type, ...bytes]);
      expect(() => outcomeOf(whole)).not.toThrow();
    }
    expect(() => outcomeOf(bytes)).not.toThrow();
  });

  it.each(files('mrt').filter((name) => /_bgp$|mrtdump_bgp$/.test(name)))(
    'messages of a real session in %s',
    (name) => {
      const bytes = readFileSync(join(folder('mrt'), name));
      const marker = Buffer.alloc(16, 255);
      let updates = 0;
      for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + HEADER)) {
        const length = bytes.readUInt16BE(at + 16);
        const outcome = outcomeOf(bytes.subarray(at, at + length));
        expect(outcome).not.toMatchObject({ what: 'error' });
        if (outcome.kind === 'update') updates++;
      }
      expect(updates).toBeGreaterThan(0);
    },
  );
});

/** A seeded generator whose state is plain data, so that it can live in a node, a world or a journal. */

/** sfc32 state (Chris Doty-Humphrey, PractRand); four 32-bit words. */
export type Prng = readonly [number, number, number, number];

/** A generator for `seed` and a stream name: each concern draws from a stream of its own. */
export function prng(seed: number | string, stream = ''): Prng {
  let h = 2166136261;
  for (const ch of `${seed}/${stream}`) h = Math.imul(h ^ (ch.codePointAt(0) ?? 0), 16777619) >>> 0;
  let state: Prng = [h, h ^ 0x9e3779b9, Math.imul(h, 0x85ebca6b) >>> 0, 1];
  for (let i = 0; i < 12; i++) state = next(state)[1];
  return state;
}

/** A number in [0, 1) and the state that follows. */
export function next(state: Prng): readonly [number, Prng] {
  const [a, b, c, d] = state;
  const t = (((a + b) | 0) + d) | 0;
  const following: Prng = [
    (b ^ (b >>> 9)) >>> 0,
    ((c + (c << 3)) | 0) >>> 0,
    ((((c << 21) | (c >>> 11)) + t) | 0) >>> 0,
    ((d + 1) | 0) >>> 0,
  ];
  return [(t >>> 0) / 4294967296, following];
}

/** A stream that keeps its own state, for owners that mutate privately (the simulator's world). */
export function stream(seed: number | string, name: string): () => number {
  let state = prng(seed, name);
  return () => {
    const [value, following] = next(state);
    state = following;
    return value;
  };
}

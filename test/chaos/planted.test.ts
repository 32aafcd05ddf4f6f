/**
 * Each planted bug is found by drawn seeds. The bases are near seeds that find it, for the sake of time: when
 * draws change, `npx tsx test/chaos/planted.ts` names others.
 */
import { expect, test } from 'vitest';
import { MUTANTS, type MutantName } from './mutants.ts';
import { firstFinding } from './search.ts';

const BASES: Readonly<Record<MutantName, number>> = {
  trustsStaleViews: 1000,
  inventsDeaths: 1016,
  skipsReadBack: 1005,
  ignoresUnknownOutcomes: 1005,
  trustsItself: 1020,
  neverSeesDeath: 1003,
  ignoresTheLease: 1052,
  staysToTheEnd: 1007,
};
/** So many seeds from a base are tried. */
const TRIES = 3;

test.each(Object.keys(MUTANTS) as MutantName[])('%s', { timeout: 120_000 }, (name) => {
  expect(firstFinding(name, BASES[name], TRIES), `${name} is not found from ${BASES[name]}`).toBeDefined();
});

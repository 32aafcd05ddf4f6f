/** The API budget and how failures are read: token buckets, backoff, refusals and unknown outcomes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Budget, backoffMs, exhausted, take, tokens } from '../../../controller/ec2/budget.ts';
import { toOutcome } from '../../../controller/ec2/failure.ts';

describe('the budget', () => {
  it('never grants more in any window than EC2 would: 50 at once, then 5 a second', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2000), { minLength: 1, maxLength: 300 }), (gaps) => {
        let budget: Budget = {};
        let now = 0;
        const granted: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const taken = take(budget, 'replace-route', now);
          if (!taken.granted) {
            expect(taken.at).toBeGreaterThan(now);
            continue;
          }
          budget = taken.budget;
          granted.push(now);
        }
        granted.forEach((from, index) => {
          const last = granted.at(-1) ?? from;
          expect(granted.length - index).toBeLessThanOrEqual(51 + ((last - from) / 1000) * 5);
        });
      }),
    );
  });
  it('grants when it said that it would', () => {
    const empty = exhausted({}, 'replace-route', 1000);
    const refused = take(empty, 'replace-route', 1000);
    expect(refused).toEqual({ granted: false, at: 1200 });
    expect(take(empty, 'replace-route', 1200).granted).toBe(true);
  });
  it('keeps a reserve, and one action does not spend what is for another', () => {
    let budget: Budget = {};
    for (let n = 0; n < 50; n++) {
      const taken = take(budget, 'describe-route-tables', 0, 0.5);
      if (taken.granted) budget = taken.budget;
    }
    expect(take(budget, 'describe-route-tables', 0, 0.5).granted).toBe(false);
    expect(take(budget, 'describe-route-tables', 0).granted).toBe(true);
    expect(tokens(budget, 'replace-route', 0)).toBe(50);
  });
  it('backs off between half and the whole of a doubling time, up to a limit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const whole = Math.min(5000, 100 * 2 ** (attempt - 1));
          const ms = backoffMs(attempt, random);
          return ms >= whole / 2 && ms <= whole;
        },
      ),
    );
  });
});

describe('a call that did not succeed', () => {
  it.each([
    [
      'throttled, which EC2 answers with 503',
      { status: 503, code: 'RequestLimitExceeded' },
      'rejected',
      true,
    ],
    ['server error', { status: 500, code: 'InternalError' }, 'unknown', undefined],
    ['unavailable', { status: 503, code: 'Unavailable' }, 'unknown', undefined],
    ['no answer', {}, 'unknown', undefined],
    ['reset', { code: 'ECONNRESET' }, 'unknown', undefined],
    ['never connected', { code: 'ECONNREFUSED' }, 'rejected', true],
    ['no way there', { code: 'ENETUNREACH' }, 'rejected', true],
    ['certificate of another', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'rejected', true],
    ['certificate out of date', { code: 'CERT_HAS_EXPIRED' }, 'rejected', true],
    [
      'not found right after it was made',
      { status: 400, code: 'InvalidAttachmentID.NotFound' },
      'rejected',
      true,
    ],
    ['a word of something on the way', { status: 408, code: 'Unknown' }, 'unknown', undefined],
    ['not allowed', { status: 403, code: 'UnauthorizedOperation' }, 'rejected', false],
    ['expired credentials', { status: 403, code: 'AuthFailure' }, 'rejected', false],
  ])('%s', (_, failure, kind, retry) => {
    const outcome = toOutcome({ message: 'x', ...failure });
    expect(outcome.kind).toBe(kind);
    expect('retry' in outcome ? outcome.retry : undefined).toBe(retry);
  });
});

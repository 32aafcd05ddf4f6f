/** docs/ec2-api.md against the handlers, and the handlers against what AWS documents. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { handlerFor } from '../../sim/ec2/handlers.ts';
import { FROM_MEMORY } from '../../sim/ec2/refusal.ts';
import { operationNames, type ServiceName } from '../../sim/ec2/shape.ts';
import { DOCUMENTED, KNOWN_TO_CLIENTS } from '../ec2/error-codes.ts';
import { ec2Api } from './ec2-api.ts';
import { servedOperations } from './served.ts';

const served = servedOperations();
const services = [...new Set(served.map((each) => each.service))];

describe('docs/ec2-api.md', () => {
  it('says what the handlers serve; where it does not, run `npm run docs:api`', () => {
    const page = readFileSync(new URL('../../docs/ec2-api.md', import.meta.url), 'utf8');
    const wanted = ec2Api(served).split('\n');
    const stale = page.split('\n').filter((line) => !wanted.includes(line));
    expect(stale).toEqual([]);
    expect(page.split('\n').length).toBe(wanted.length);
  });

  it('lists every operation that is served, and no other', () => {
    const all = (service: ServiceName): string[] =>
      operationNames(service)
        .filter((action) => handlerFor(service, action) !== undefined)
        .map((action) => `${service}/${action}`);
    expect(served.map((each) => `${each.service}/${each.action}`).sort()).toEqual(
      services.flatMap(all).sort(),
    );
  });
});

describe('an operation', () => {
  it.each(served.filter((each) => each.documented.length > 0).map((each) => [each.action, each] as const))(
    '%s has all filters that AWS documents',
    (_action, each) => {
      expect(each.documented.filter((filter) => !each.filters.includes(filter))).toEqual([]);
    },
  );

  it('refuses with codes that somebody else knows, or that are marked', () => {
    const codes = new Set(served.filter((each) => each.service === 'ec2').flatMap((each) => each.codes));
    const known = [...DOCUMENTED, ...KNOWN_TO_CLIENTS];
    expect([...codes].filter((code) => !known.includes(code) && !FROM_MEMORY.includes(code))).toEqual([]);
    expect(FROM_MEMORY.filter((code) => known.includes(code))).toEqual([]);
  });
});

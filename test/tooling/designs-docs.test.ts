/** docs/designs.md says what the designs are. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NAMES } from '../../infra/designs/catalog.ts';
import { designsText, PARTS, withPart } from './designs-page.ts';

const page = readFileSync(new URL('../../docs/designs.md', import.meta.url), 'utf8');

describe('docs/designs.md', () => {
  it('shows all designs as their plans have them; if not, run npm run docs:designs', () => {
    expect(withPart(page, 'designs', designsText())).toBe(page);
  });

  it('has measured each of them', () => {
    const [begin, end] = PARTS.blackouts;
    const table = page.slice(page.indexOf(begin), page.indexOf(end));
    const rows = [...table.matchAll(/^\| `([a-z-]+)` \|(.*)\|$/gm)];
    expect(rows.map(([, name]) => name)).toEqual([...NAMES]);
    for (const [, name, cells] of rows) expect(cells, name).not.toMatch(/LATE|LOST/);
  });
});

/** What the documents say, against what is so. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parts } from '../../bin/parts.ts';
import { configJsonSchema, formatConfigError, parseConfig } from '../../controller/config.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const scripts: Readonly<Record<string, string>> = JSON.parse(read('package.json')).scripts;

describe.each(documents)('%s', (name) => {
  const text = read(name);

  it('links to files that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(name), link)))).toEqual([]);
  });

  it('names npm scripts and commands that exist', () => {
    const npm = [...text.matchAll(/\bnpm run ([\w-]+(?::\w+)?)/g)].map((match) => match[1] ?? '');
    expect(npm.filter((script) => scripts[script] === undefined)).toEqual([]);
    const commands = parts.flatMap((part) => Object.keys(part.commands));
    const named = [...text.matchAll(/(?:^ {4}|`)byoa ([a-z]+)/gm)].map((match) => match[1] ?? '');
    expect(named.filter((command) => !commands.includes(command))).toEqual([]);
  });

  it('shows configurations that the daemon takes', () => {
    const blocks = [...text.matchAll(/```yaml\n(version: 1\n[\s\S]*?)```/g)].map((match) => match[1] ?? '');
    const findings = blocks.flatMap((block) => {
      const parsed = parseConfig(block, name);
      return parsed.ok ? [] : parsed.error.map(formatConfigError);
    });
    expect(findings).toEqual([]);
  });
});

describe('docs/config.schema.json', () => {
  it('is what `byoa schema` prints; else run: node bin/byoa.js schema > docs/config.schema.json', () => {
    expect(JSON.parse(read('docs/config.schema.json'))).toEqual(
      JSON.parse(JSON.stringify(configJsonSchema())),
    );
  });
});

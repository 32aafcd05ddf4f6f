/** Sections of documents that a command writes, between `<!-- NAME -->` and `<!-- end of NAME -->`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Puts `text` in the place of a section of a document, which is a path from the root of the repository. */
export function writeSection(document: string, name: string, text: string): void {
  const file = fileURLToPath(new URL(`../../${document}`, import.meta.url));
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const before = readFileSync(file, 'utf8');
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < 0)
    throw new Error(`${file} has no ${begin} and ${end}; put them where the section is to stand`);
  writeFileSync(file, `${before.slice(0, from)}${begin}\n${text}\n${before.slice(to)}`);
}

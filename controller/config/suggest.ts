/** "Did you mean": the nearest known word. */

/** Edits (insert, delete, replace) between two words; Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const following = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      following.push(Math.min(replaced, (row[j] ?? 0) + 1, (following[j - 1] ?? 0) + 1));
    }
    row = following;
  }
  return row[b.length] ?? 0;
}

/** `did you mean 'x'? ` for a word close to a known one, otherwise nothing. */
export function suggest(word: string, known: readonly string[]): string {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_]/g, '');
  const ranked = known
    .map((name) => [name, distance(plain(word), plain(name))] as const)
    .sort((a, b) => a[1] - b[1]);
  const [best] = ranked;
  return best !== undefined && best[1] <= Math.max(1, Math.floor(word.length / 3))
    ? `did you mean '${best[0]}'? `
    : '';
}

/**
 * Where the program of the BFD thread is. In the bundle and the single executable, where there are no files
 * beside, the build puts the program's text in the place of this module.
 */

/** What a `Worker` is made of: a file, or a text to evaluate. */
export type ThreadProgram =
  | { readonly kind: 'file'; readonly url: URL }
  | { readonly kind: 'text'; readonly text: string };

/** The file beside this one; TypeScript is read through tsx, which a thread does not have from its parent. */
export function threadProgram(): ThreadProgram {
  if (!import.meta.url.endsWith('.ts')) return { kind: 'file', url: new URL('./thread.js', import.meta.url) };
  const source = new URL('./thread.ts', import.meta.url).href;
  const loader = import.meta.resolve?.('tsx/esm/api') ?? 'tsx/esm/api';
  return {
    kind: 'text',
    text: `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`,
  };
}

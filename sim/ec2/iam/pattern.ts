/**
 * Texts with wildcards and variables, as policies have them: `*` any characters, `?` one, `${key}` the value
 * of a condition key. Source: IAM User Guide, "IAM policy elements: Variables and tags".
 */
import type { Context } from './context.ts';

/** One step of a pattern: any characters, one character, or this one. */
type Step =
  | { readonly kind: 'any' }
  | { readonly kind: 'one' }
  | { readonly kind: 'is'; readonly char: string };

const literal = (text: string): readonly Step[] => Array.from(text, (char) => ({ kind: 'is', char }));

const plain = (text: string): readonly Step[] =>
  Array.from(text, (char) =>
    char === '*' ? { kind: 'any' } : char === '?' ? { kind: 'one' } : { kind: 'is', char },
  );

/** `${key}` or `${key, 'default'}`; `${*}`, `${?}` and `${$}` are the characters themselves. */
const VARIABLE = /\$\{([^{}]*)\}/g;

/**
 * The text that stands for a variable; undefined where it has none, or several, so that nothing can be said.
 */
function variable(inner: string, context: Context): string | undefined {
  if (inner === '*' || inner === '?' || inner === '$') return inner;
  const [, key = '', fallback] = /^\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?$/.exec(inner) ?? [];
  const values = context.get(key.toLowerCase()) ?? [];
  return values.length === 1 ? values[0] : values.length === 0 ? fallback : undefined;
}

/** Splits a text at its variables: `plain` makes steps of the rest; undefined where one has no value. */
function stepsOf(
  text: string,
  context: Context | undefined,
  rest: (text: string) => readonly Step[],
): readonly Step[] | undefined {
  if (context === undefined || !text.includes('${')) return rest(text);
  const steps: Step[] = [];
  let end = 0;
  for (const found of text.matchAll(VARIABLE)) {
    const value = variable(found[1] ?? '', context);
    if (value === undefined) return undefined;
    steps.push(...rest(text.slice(end, found.index)), ...literal(value));
    end = found.index + found[0].length;
  }
  return [...steps, ...rest(text.slice(end))];
}

/** Whether a text is what the steps say. Goes back to the last `any` alone, so it takes n x m at most. */
function fits(steps: readonly Step[], text: string): boolean {
  const chars = Array.from(text);
  let [at, step] = [0, 0];
  let retry: { at: number; step: number } | undefined;
  while (at < chars.length) {
    const next = steps[step];
    if (next?.kind === 'any') {
      retry = { at, step };
      step++;
    } else if (next !== undefined && (next.kind === 'one' || next.char === chars[at])) {
      at++;
      step++;
    } else if (retry !== undefined) {
      retry.at++;
      at = retry.at;
      step = retry.step + 1;
    } else return false;
  }
  return steps.slice(step).every(({ kind }) => kind === 'any');
}

/** Whether a text fits a pattern; variables count where there is a context. */
export function matches(pattern: string, text: string, context?: Context): boolean {
  const steps = stepsOf(pattern, context, plain);
  return steps !== undefined && fits(steps, text);
}

/** The text with its variables replaced, wildcards as they are; undefined where a variable has no value. */
export function filled(text: string, context: Context | undefined): string | undefined {
  const steps = stepsOf(text, context, literal);
  return steps?.map((step) => (step.kind === 'is' ? step.char : '')).join('');
}

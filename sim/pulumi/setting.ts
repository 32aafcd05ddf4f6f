/** Keys of a stack on a command line: `--config byoa:instanceType=t3.small`, as often as there are keys. */
import { InvalidArgumentError } from 'commander';

/** One more of them; throws what commander shows. */
export const setting = (text: string, before: readonly string[]): readonly string[] => {
  if (/^[a-z]+:[A-Za-z0-9]+=/.test(text)) return [...before, text];
  throw new InvalidArgumentError(`'${text}' is not like byoa:instanceType=t3.small.`);
};

/** All of them by key. */
export const keysOf = (given: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    given.map((text): [string, string] => {
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );

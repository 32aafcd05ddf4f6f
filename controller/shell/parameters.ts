/**
 * Secrets that are parameters of Systems Manager. What has been read is kept in the state directory, for its
 * owner alone: a daemon that starts while Systems Manager is away starts with what it knew, and one that is
 * started again does not wait for it.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failureOf } from './aws-failure.ts';

/** The text of a parameter, decrypted; rejects where it cannot be had. */
export type ReadParameter = (name: string) => Promise<string>;

export interface Parameters {
  /** As it is now; as it was last read where it cannot be had, which is told. */
  readonly now: ReadParameter;
  /** As it was last read, or as it is now where it has not been. */
  readonly soon: ReadParameter;
  /** Whether it was given last as it had been read before. */
  readonly isOld: (name: string) => boolean;
}

export interface ParametersOptions {
  /** Asks Systems Manager. */
  readonly ask: ReadParameter;
  /** Absent: what was read is known for as long as this runs. */
  readonly directory?: string | undefined;
  readonly warn: (sentence: string) => void;
}

export function keepParameters({ ask, directory, warn }: ParametersOptions): Parameters {
  const fileOf = (name: string): string => join(directory ?? '', `parameter-${encodeURIComponent(name)}`);
  const texts = new Map<string, string>();
  const filed = async (name: string): Promise<string | undefined> =>
    directory === undefined ? undefined : readFile(fileOf(name), 'utf8').catch(() => undefined);
  const kept = async (name: string): Promise<string | undefined> => texts.get(name) ?? filed(name);
  const keep = async (name: string, text: string): Promise<void> => {
    texts.set(name, text);
    if (directory === undefined || (await filed(name)) === text) return;
    const part = `${fileOf(name)}.part`;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(part, text, { mode: 0o600 });
      await rename(part, fileOf(name));
    } catch (error) {
      warn(`cannot keep the parameter ${name} for a later start: ${(error as Error).message}`);
    }
  };
  const old = new Set<string>();
  const now = async (name: string): Promise<string> => {
    try {
      const text = await ask(name);
      old.delete(name);
      await keep(name, text);
      return text;
    } catch (error) {
      const { code, message } = failureOf(error);
      const why = code === undefined ? message : `${code}: ${message}`;
      const known = await kept(name);
      if (known === undefined)
        throw new Error(`cannot read the parameter ${name} of Systems Manager: ${why}`);
      warn(`the parameter ${name} is used as it was last read, for Systems Manager gives no other: ${why}`);
      old.add(name);
      return known;
    }
  };
  const soon = async (name: string): Promise<string> => {
    const known = await kept(name);
    if (known === undefined) return now(name);
    old.add(name);
    return known;
  };
  return { now, soon, isOld: (name) => old.has(name) };
}

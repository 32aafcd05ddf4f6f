/**
 * Passwords and keys, read from where the configuration says they are; kept in memory alone, but for
 * parameters (parameters.ts). The errors name the place and never the text.
 */
import { readFile, stat } from 'node:fs/promises';
import { type Config, type SecretSource, type Secrets, secretKey, secretsOf } from '../config.ts';
import { keepParameters, type ReadParameter } from './parameters.ts';

const OTHERS = 0o077;

export interface SecretPlaces {
  readonly env: NodeJS.ProcessEnv;
  readonly parameter: ReadParameter;
  /** Hears of loose permissions. */
  readonly warn: (sentence: string) => void;
}

/** The secrets by their places; throws a sentence where one cannot be read. */
export async function readSecrets(sources: readonly SecretSource[], places: SecretPlaces): Promise<Secrets> {
  const secrets = new Map<string, string>();
  for (const source of sources) {
    const where = secretKey(source);
    const text = await textAt(source, places);
    if (text === '') throw new Error(`the secret in the ${where} is empty or missing; write it there`);
    secrets.set(where, text);
  }
  return secrets;
}

async function textAt({ file, ssm, env: name }: SecretSource, places: SecretPlaces): Promise<string> {
  if (ssm !== undefined) return places.parameter(ssm);
  return file === undefined ? (places.env[name ?? ''] ?? '') : readFileSecret(file, places.warn);
}

async function readFileSecret(file: string, warn: (sentence: string) => void): Promise<string> {
  try {
    const { mode } = await stat(file);
    if ((mode & OTHERS) !== 0)
      warn(
        `the secret in ${file} can be read by others (mode ${(mode & 0o777).toString(8)}); chmod 600 ${file}`,
      );
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot read the secret in ${file}: ${why}`);
  }
}

/** The secrets of a running daemon. */
export interface DaemonSecrets {
  /** For a start: at once where they were read before. */
  soon(config: Config): Promise<Secrets>;
  /** As they are now. */
  now(config: Config): Promise<Secrets>;
  /** As they are now, where those read last are other ones. */
  changed(config: Config): Promise<Secrets | undefined>;
}

export function daemonSecrets(ask: ReadParameter, warn: (sentence: string) => void): DaemonSecrets {
  const { env } = process;
  const parameters = keepParameters({ ask, directory: env.STATE_DIRECTORY, warn });
  let last: Secrets = new Map();
  const read = async (config: Config, parameter: ReadParameter): Promise<Secrets> => {
    last = await readSecrets(secretsOf(config), { env, parameter, warn });
    return last;
  };
  return {
    soon: (config) => read(config, parameters.soon),
    now: (config) => read(config, parameters.now),
    async changed(config) {
      const before = last;
      if (!secretsOf(config).some(({ ssm }) => ssm !== undefined)) return undefined;
      const found = await read(config, parameters.now);
      return [...found].some(([where, text]) => before.get(where) !== text) ? found : undefined;
    },
  };
}

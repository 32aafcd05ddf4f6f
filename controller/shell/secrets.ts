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
  /**
   * Asks again, ever more rarely, for parameters that were given as they were last read, until they are known
   * or this is called anew; `use` gets the secrets where some are other ones.
   */
  renew(config: Config, use: (secrets: Secrets) => void): Promise<void>;
  stop(): void;
}

const FIRST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 60_000;

export function daemonSecrets(ask: ReadParameter, warn: (sentence: string) => void): DaemonSecrets {
  const { env } = process;
  const parameters = keepParameters({ ask, directory: env.STATE_DIRECTORY, warn });
  const pause = createPause();
  let last: Secrets = new Map();
  let round = 0;
  const read = (config: Config, parameter: ReadParameter): Promise<Secrets> =>
    readSecrets(secretsOf(config), { env, parameter, warn });
  const isBehind = (config: Config): boolean =>
    secretsOf(config).some(({ ssm }) => ssm !== undefined && parameters.isOld(ssm));
  return {
    async soon(config) {
      last = await read(config, parameters.soon);
      return last;
    },
    async now(config) {
      last = await read(config, parameters.now);
      return last;
    },
    async renew(config, use) {
      round += 1;
      const own = round;
      for (let wait = 0; isBehind(config); wait = Math.min(wait * 2 || FIRST_WAIT_MS, MOST_WAIT_MS)) {
        await pause.of(wait);
        if (own !== round) return;
        const found = await read(config, parameters.now).catch((error: Error) => warn(error.message));
        if (own !== round) return;
        if (found === undefined) continue;
        const isOther = [...found].some(([where, text]) => last.get(where) !== text);
        last = found;
        if (isOther) use(found);
      }
    },
    stop() {
      round += 1;
      pause.end();
    },
  };
}

/** A wait that can be ended. */
function createPause(): { of(ms: number): Promise<void>; end(): void } {
  let end: () => void = () => undefined;
  return {
    of: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    end: () => end(),
  };
}

/**
 * Passwords and keys, read from where the configuration says they are; kept in memory alone. The errors name
 * the place and never the text.
 */
import { readFile, stat } from 'node:fs/promises';
import { type Config, type Secrets, secretKey, secretsOf } from '../config.ts';

const OTHERS = 0o077;

/**
 * All secrets of a configuration; throws a sentence where one cannot be read. `warn` hears of loose
 * permissions.
 */
export async function readSecrets(
  config: Pick<Config, 'bgp' | 'bfd'>,
  env: NodeJS.ProcessEnv,
  warn: (sentence: string) => void,
): Promise<Secrets> {
  const secrets = new Map<string, string>();
  for (const source of secretsOf(config)) {
    const where = secretKey(source);
    const text =
      source.file === undefined ? (env[source.env ?? ''] ?? '') : await readFileSecret(source.file, warn);
    if (text === '') throw new Error(`the secret in the ${where} is empty or missing; write it there`);
    secrets.set(where, text);
  }
  return secrets;
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

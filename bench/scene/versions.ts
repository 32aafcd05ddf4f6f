/** Which versions of other people's programs were measured. */
import { spawnSync } from 'node:child_process';

/** Debian packages with their versions, in a sentence; those that are not installed are left out. */
export function versionsOf(packages: readonly string[]): string {
  const { stdout } = spawnSync('dpkg-query', ['-W', ...packages], { encoding: 'utf8' });
  const found = (stdout ?? '')
    .split('\n')
    .filter((line) => /\t\S/.test(line))
    .map((line) => line.replace('\t', ' '));
  return found.length === 0 ? 'no packages of others' : found.join(', ');
}

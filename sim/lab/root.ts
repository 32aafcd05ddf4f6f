/**
 * The file system of a machine: this computer's, with whatever the machine writes kept apart (overlayfs over
 * memory), so that programs of several machines can have the same paths. It is there once somebody enters the
 * machine, and keeps what was written until the lab ends.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { NAMESPACES } from './message.ts';

const MACHINES = '/run/byoa/machines';
const RESOLVER = 'nameserver 169.254.169.253\n';
/** What is the kernel's, or the machine's own. */
const OWN = ['/proc', '/sys', '/dev', '/run'];

export const rootOf = (machine: string): string => `${MACHINES}/${machine}/root`;

/** What lies under the root as a mount of its own, and is shared with the machines as far as it can be. */
function sharedMounts(): readonly string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '/').replaceAll('\\040', ' '));
  const isOwn = (path: string): boolean =>
    path === '/' || OWN.some((own) => path === own || path.startsWith(`${own}/`));
  return [...new Set(mounts.filter((path) => !isOwn(path)))];
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  const why = error?.message ?? stderr.trim();
  throw new Error(`The machine's file system could not be made: ${program} ${args.join(' ')}: ${why}`);
}

/** Makes the file system of a running machine, where it is not there yet. */
export function enterRoot(machine: string): string {
  const root = rootOf(machine);
  if (existsSync(`${root}/run/byoa-machine`)) return root;
  const base = `${MACHINES}/${machine}`;
  for (const folder of ['upper', 'work', 'root']) mkdirSync(`${base}/${folder}`, { recursive: true });
  run(
    'mount',
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=/,upperdir=${base}/upper,workdir=${base}/work`,
    root,
  );
  for (const path of sharedMounts()) spawnSync('mount', ['--bind', path, `${root}${path}`]);
  run('mount', '-t', 'proc', 'proc', `${root}/proc`);
  run('mount', '--rbind', '/dev', `${root}/dev`);
  run('mount', '-t', 'tmpfs', 'none', `${root}/run`);
  run('nsenter', `--net=${NAMESPACES}/${machine}`, 'mount', '-t', 'sysfs', 'sysfs', `${root}/sys`);
  rmSync(`${root}/etc/resolv.conf`, { force: true });
  writeFileSync(`${root}/etc/resolv.conf`, RESOLVER);
  writeFileSync(`${root}/etc/hostname`, `${machine}\n`);
  writeFileSync(`${root}/run/byoa-machine`, machine);
  return root;
}

/** The machine is off: nothing is mounted any more, what it wrote stays. */
export function leaveRoot(machine: string): void {
  const root = rootOf(machine);
  if (existsSync(`${root}/run/byoa-machine`)) spawnSync('umount', ['--recursive', '--lazy', root]);
}

/** The command that runs another one in a machine, whose file system is at `root`. */
export const entering = (machine: string, root: string, command: readonly string[]): readonly string[] => [
  'nsenter',
  `--net=${NAMESPACES}/${machine}`,
  'chroot',
  root,
  ...command,
];

/**
 * The wrapper: network, mount and process namespaces of the lab's own, in which all of it runs. They end
 * with the process that started them, however that ends, and nothing of the lab is visible or left
 * outside.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const TUN = '/dev/net/tun';
const PROGRAMS = ['setpriv', 'unshare', 'nsenter', 'mount', 'umount', 'chroot'];

export const isRoot = (): boolean => process.getuid?.() === 0;

/** A user other than root is root in a user namespace, where the kernel allows one. */
const asRoot = (): readonly string[] => (isRoot() ? [] : ['--user', '--map-root-user']);

const succeeds = (program: string, ...args: readonly string[]): boolean =>
  spawnSync(program, args).status === 0;

/** What this computer lacks for a lab, each with its remedy; none where it can run one. */
export function missingForLab(): readonly string[] {
  if (process.platform !== 'linux') return [`Linux: this is ${process.platform}`];
  const missing = PROGRAMS.filter((program) => !succeeds(program, '--version')).map(
    (program) => `the program ${program}: install util-linux and coreutils`,
  );
  if (missing.length > 0) return missing;
  if (!existsSync(TUN)) return [`${TUN}: load the module tun (modprobe tun)`];
  const args = [
    ...asRoot(),
    '--net',
    '--mount',
    '--pid',
    '--fork',
    'sh',
    '-c',
    `exec 3<>${TUN} && mount -t tmpfs none /run`,
  ];
  if (succeeds('unshare', ...args)) return [];
  return [
    isRoot()
      ? 'namespaces: the kernel lets this process make none (in a container, give it CAP_SYS_ADMIN)'
      : `root, or a user namespace that may open ${TUN}: run it as root`,
  ];
}

/**
 * The first process inside: prepares the namespaces, runs the lab, and waits for whatever loses its
 * parent.
 */
const INSIDE = `
mount -t tmpfs -o mode=755 none /run && mkdir -p /run/netns /run/byoa/machines /run/lock || exit 1
mount --make-rprivate / && mount -t sysfs sysfs /sys
"$@" & wait $!`;

/** Runs a command in a wrapper until it ends; its exit code. The command dies with this process. */
export function runWrapped(command: readonly string[]): Promise<number> {
  const missing = missingForLab();
  if (missing.length > 0) throw new Error(`The lab cannot run here; it needs ${missing.join('; ')}.`);
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', ...asRoot(), '--net', '--mount', '--pid', '--fork'],
      ...['--kill-child=KILL', '--mount-proc', 'sh', '-c', INSIDE, 'lab', ...command],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/**
 * The command that runs another one in the wrapper of the lab that has the process `pid`. Who starts its
 * programs among the lab's processes already (`joined`) needs no further process, which would stop with them.
 */
export const inWrapper = (pid: number, command: readonly string[], joined = false): readonly string[] => [
  ...['nsenter', '--target', String(pid), '--mount', '--net', '--wd=.', ...(joined ? [] : ['--pid'])],
  ...(isRoot() ? [] : ['--user', '--preserve-credentials']),
  ...['--', ...command],
];

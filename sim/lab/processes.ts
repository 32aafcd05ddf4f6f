/** The processes in the network namespaces of the lab's machines. Only the lab's own are visible here. */
import { readdirSync, readlinkSync } from 'node:fs';

/** The processes whose network is the namespace with this inode number. */
export function processesIn(inode: number): readonly number[] {
  const wanted = `net:[${inode}]`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readlinkSync(`/proc/${name}/ns/net`) === wanted;
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Signals all processes in a namespace, until no new ones have come meanwhile. */
export function signalAll(inode: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  const done = new Set<number>();
  for (;;) {
    const fresh = processesIn(inode).filter((pid) => !done.has(pid) && pid !== process.pid);
    if (fresh.length === 0) return;
    for (const pid of fresh) {
      done.add(pid);
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

/** What a lab leaves behind: networks that it made and that some process still uses. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Millis } from '../../../controller/base/time.ts';

/** The namespace of a kind that a process is in; undefined where it has ended, or is the kernel's. */
function namespaceOf(pid: string, kind: 'net' | 'pid'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

const running = (): readonly string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

/** The networks of the processes that a lab's process has about it; other labs have their own. */
export function networksOfLab(labPid: number): ReadonlySet<string> {
  const own = namespaceOf(String(labPid), 'pid');
  const inside = running().filter((pid) => own !== undefined && namespaceOf(pid, 'pid') === own);
  return new Set(inside.flatMap((pid) => namespaceOf(pid, 'net') ?? []));
}

function inUse(networks: ReadonlySet<string>): number {
  const used = new Set(running().flatMap((pid) => namespaceOf(pid, 'net') ?? []));
  return [...networks].filter((network) => used.has(network)).length;
}

const GONE_MS = 5000;

/** How many of a lab's networks are used once it has ended, and who ran something in it has heard of that. */
export async function leftOf(networks: ReadonlySet<string>, patienceMs: Millis = GONE_MS): Promise<number> {
  const end = performance.now() + patienceMs;
  while (inUse(networks) > 0 && performance.now() < end) await pause(50);
  return inUse(networks);
}

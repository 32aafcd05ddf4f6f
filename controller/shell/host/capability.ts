/** What this process may do. Linux; elsewhere nothing. */
import { readFile } from 'node:fs/promises';

/** Whether a capability is in effect, by its number in linux/capability.h. capabilities(7), proc(5). */
export async function hasCapability(number: bigint): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> number) & 1n) === 1n;
}

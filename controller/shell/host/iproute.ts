/**
 * Runs `ip` (iproute2) with an argument vector, never a shell, and reads its JSON. Linux only.
 */
import { execFile } from 'node:child_process';
import { z } from 'zod';
import { err, ok, type Result } from '../../base/result.ts';

const TIMEOUT_MS = 5_000;

/** Output of `ip ARGS`, or what it complained of. */
export function ip(...args: readonly string[]): Promise<Result<string>> {
  return new Promise((resolve) => {
    execFile('ip', args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) return resolve(ok(stdout));
      if (error.code === 'ENOENT') return resolve(err('the program `ip` was not found: install iproute2'));
      const said = stderr.trim() === '' ? error.message : stderr.trim().replaceAll('\n', '; ');
      resolve(err(`\`ip ${args.join(' ')}\`: ${said}`));
    });
  });
}

/**
 * As `ip`, but a complaint that contains one of `harmless` counts as done: what makes a change idempotent.
 */
export async function ipUnless(
  harmless: readonly string[],
  ...args: readonly string[]
): Promise<string | undefined> {
  const result = await ip(...args);
  if (result.ok || harmless.some((words) => result.error.includes(words))) return undefined;
  return result.error;
}

/** `-4` or `-6` for an address or prefix. */
export const familyFlag = (address: string): '-4' | '-6' => (address.includes(':') ? '-6' : '-4');

const links = z.array(z.object({ ifname: z.string(), address: z.string().optional() }));
const routes = z.array(z.object({ dev: z.string().optional(), gateway: z.string().optional() }));

/** The device with this MAC address; undefined while there is none. */
export async function deviceOfMac(mac: string): Promise<Result<string | undefined>> {
  const output = await ip('-j', 'link', 'show');
  if (!output.ok) return output;
  const list = links.parse(JSON.parse(output.value));
  return ok(list.find((link) => link.address?.toLowerCase() === mac.toLowerCase())?.ifname);
}

/** The device that reaches `hop` directly; an error where it lies behind a router. */
export async function deviceOfNextHop(hop: string): Promise<Result<string>> {
  const output = await ip('-j', familyFlag(hop), 'route', 'get', hop);
  if (!output.ok) return output;
  const [route] = routes.parse(JSON.parse(output.value));
  if (route?.dev === undefined) return err(`there is no route to the next hop ${hop}`);
  if (route.gateway === undefined) return ok(route.dev);
  return err(
    `the next hop ${hop} is in another subnet (behind ${route.gateway}): probe it with \`by: route\``,
  );
}

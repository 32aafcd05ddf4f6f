/**
 * Of `byoa check --local`: whether ICMP redirects could lead packets past an appliance on the link of
 * whoever sends by it. The router of the subnet is on that link, too, and a kernel that forwards says so; who
 * listens sends past the appliance for five minutes. ip-sysctl of Linux, accept_redirects and send_redirects.
 */
import { readdir, readFile } from 'node:fs/promises';
import { type Config, ownAppliance, probeByNextHop } from '../config.ts';
import { bad, type Finding, fine } from './finding.ts';

const ROOT = '/proc/sys/net/ipv4';
type Setting = 'accept_redirects' | 'send_redirects';

const isOn = async (path: string): Promise<boolean> =>
  (await readFile(`${ROOT}/${path}`, 'utf8').catch(() => '0')).trim() !== '0';

/** Where a setting is on: for `all`, for some device; and its name there. */
interface Found {
  readonly all: boolean;
  readonly device: boolean;
  readonly name: string;
}

async function find(setting: Setting): Promise<Found> {
  const devices = (await readdir(`${ROOT}/conf`).catch(() => [])).filter(
    (name) => !['all', 'default', 'lo'].includes(name),
  );
  const all = await isOn(`conf/all/${setting}`);
  const on = await Promise.all(devices.map((device) => isOn(`conf/${device}/${setting}`)));
  const first = devices[on.indexOf(true)];
  return { all, device: first !== undefined, name: nameOf(all ? 'all' : (first ?? ''), setting) };
}

const nameOf = (device: string, setting: Setting): string => `net.ipv4.conf.${device}.${setting}`;
/** By a pattern, which files may have and `sysctl -w` may not. */
const remedyOf = (setting: Setting): string =>
  `write the line ${nameOf('*', setting)} = 0 into /etc/sysctl.d/90-byoa.conf, and run: sysctl --system`;

/** A machine that forwards listens where both say so, another one where either does. */
async function checkAccepts(why: string): Promise<Finding> {
  const { all, device, name } = await find('accept_redirects');
  const forwards = await isOn('ip_forward');
  const accepts = forwards ? all && device : all || device;
  if (!accepts) return fine(`this machine follows no ICMP redirects (${why})`);
  return bad(
    `this machine follows ICMP redirects (${name} is 1), which lead packets past the next hop, and ${why}`,
    remedyOf('accept_redirects'),
  );
}

async function checkSends(): Promise<Finding> {
  const { all, device, name } = await find('send_redirects');
  if (!all && !device) return fine('this machine sends no ICMP redirects (it announces routes by BGP)');
  return bad(
    `this machine sends ICMP redirects (${name} is 1), which tell those who take its routes to send past it`,
    remedyOf('send_redirects'),
  );
}

/** Yields nothing where no packets are led by a next hop on the link. */
export async function* checkRedirects(config: Config): AsyncGenerator<Finding> {
  const hop = probeByNextHop(config);
  if (hop !== undefined) yield await checkAccepts(`${hop.id} goes by a next hop`);
  else if (config.kernel !== undefined) yield await checkAccepts('kernel writes routes');
  const own = ownAppliance(config);
  const speaks = own?.probes.some(({ kind }) => kind === 'speaker') === true;
  const announces = speaks || (config.bgp?.options.originate ?? []).length > 0;
  if (announces && own !== undefined) yield await checkSends();
}

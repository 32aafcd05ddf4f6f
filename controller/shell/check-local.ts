/**
 * `byoa check --local`: whether the machine lets this node do its work. Reads kernel settings, opens what it
 * closes again, and changes nothing.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import {
  type Config,
  changesGuest,
  ownAppliance,
  type ProbeConfig,
  probeByNextHop,
  probesOfNode,
  routeSetsOf,
} from '../config.ts';
import { checkMachines } from './check-machines.ts';
import { checkRedirects } from './check-redirects.ts';
import { askDaemon } from './control.ts';
import { bad, type Finding, fine } from './finding.ts';
import { hasCapability } from './host/capability.ts';
import { echoRefusal } from './host/icmp.ts';

const ASK_TIMEOUT_MS = 2_000;
/** The bit of CAP_NET_ADMIN (linux/capability.h). */
const CAP_NET_ADMIN = 12n;

/** Yields a finding for each thing that this node needs of its machine, and nothing for what it does not. */
export async function* checkLocal(config: Config): AsyncGenerator<Finding> {
  yield* checkEchoes(config);
  yield* checkNetAdmin(config);
  yield* checkForwarding(config);
  yield* checkRedirects(config);
  yield* checkHealthPort(config);
  yield* checkMachines(config, () => isRunning(config));
}

/** The address to which a probe sends echoes, if it does. */
function echoTarget(probe: ProbeConfig): string | undefined {
  if (probe.kind === 'icmp') return probe.address;
  return probe.kind === 'through' && probe.target.kind === 'icmp' ? probe.target.address : undefined;
}

function* checkEchoes(config: Config): Generator<Finding> {
  const targets = probesOfNode(config).flatMap((probe) => echoTarget(probe) ?? []);
  for (const family of [4, 6] as const) {
    if (!targets.some((target) => target.includes(':') === (family === 6))) continue;
    const refusal = echoRefusal(family);
    const name = family === 4 ? 'ICMP' : 'ICMPv6';
    yield refusal === undefined
      ? fine(`this process may send ${name} echoes`)
      : bad(refusal.what, refusal.remedy);
  }
}

async function* checkNetAdmin(config: Config): AsyncGenerator<Finding> {
  const own = ownAppliance(config)?.name;
  const hop = probeByNextHop(config);
  const group = config.groups.find(
    (one) => changesGuest(one) && own !== undefined && one.members.includes(own),
  );
  if (hop === undefined && group === undefined && config.kernel === undefined) return;
  const why =
    group !== undefined
      ? `${group.name} moves ENIs or addresses`
      : hop !== undefined
        ? `${hop.id} goes by a next hop`
        : 'kernel writes routes';
  yield (await hasCapability(CAP_NET_ADMIN))
    ? fine(`this process has CAP_NET_ADMIN (${why})`)
    : bad(
        `this process lacks CAP_NET_ADMIN, and ${why}`,
        'check and run as root, or with AmbientCapabilities=CAP_NET_ADMIN in the systemd unit',
      );
}

async function* checkForwarding(config: Config): AsyncGenerator<Finding> {
  const own = ownAppliance(config)?.name;
  if (own === undefined) return;
  const groups = config.groups.filter(({ members }) => members.includes(own));
  const destinations = groups.flatMap(routeSetsOf).flatMap((set) => set.destinations);
  const has = (version: 4 | 6): boolean =>
    destinations.some((destination) => destination.includes(':') === (version === 6));
  if (has(4)) yield await checkSwitch('net.ipv4.ip_forward', 'IPv4');
  if (has(6)) yield await checkSwitch('net.ipv6.conf.all.forwarding', 'IPv6');
}

async function checkSwitch(name: string, protocol: string): Promise<Finding> {
  const value = (await read(`/proc/sys/${name.replaceAll('.', '/')}`))?.trim();
  return value === '1'
    ? fine(`this machine forwards ${protocol} (${name} is 1)`)
    : bad(
        `this machine does not forward ${protocol}: ${name} is ${value ?? 'not there'}`,
        `sysctl -w ${name}=1, and in /etc/sysctl.d to keep it`,
      );
}

async function* checkHealthPort(config: Config): AsyncGenerator<Finding> {
  if (config.health === undefined) return;
  const { address, port } = config.health;
  const where = `health.listen ${address}:${port}`;
  const error = await listenError(address, port);
  if (error === undefined) yield fine(`${where} is free`);
  else if (error === 'EADDRINUSE' && (await isRunning(config)))
    yield fine(`${where} is in use, and the daemon of this configuration runs`);
  else
    yield bad(
      `${where} cannot be listened at (${error})`,
      error === 'EADDRINUSE'
        ? `another program listens there (ss -ltnp 'sport = :${port}'); end it, or set another \`health.listen\``
        : 'set `health.listen` to an address of this machine and a port that is allowed',
    );
}

const listenError = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });

const isRunning = ({ control }: Config): Promise<boolean> =>
  askDaemon(control.socket, { kind: 'status' }, ASK_TIMEOUT_MS).then(
    () => true,
    () => false,
  );

/** A file of the kernel; undefined where it is not there, as on other systems than Linux. */
const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

/** What BGP and BFD need of the machine: ports, socket options, secrets. Opens what it closes again. */
import { type Config, secretsOf } from '../config.ts';
import { createBfdSockets } from './bfd/sockets.ts';
import { bad, type Finding, fine } from './finding.ts';
import { hasCapability } from './host/capability.ts';
import { readSecrets } from './secrets.ts';
import { listenRefusal } from './tcp.ts';

/** The bit of CAP_SYS_NICE (linux/capability.h). */
const CAP_SYS_NICE = 23n;

/** `isRunning`: whether the daemon of this configuration has the ports already. */
export async function* checkMachines(
  config: Config,
  isRunning: () => Promise<boolean>,
): AsyncGenerator<Finding> {
  yield* checkSecrets(config);
  if (config.bgp !== undefined) yield* checkBgp(config.bgp, isRunning);
  yield* checkBfd(config, isRunning);
}

async function* checkSecrets(config: Config): AsyncGenerator<Finding> {
  const warnings: string[] = [];
  try {
    // Parameters are asked for with the rest of what AWS has.
    const here = secretsOf(config).filter(({ ssm }) => ssm === undefined);
    const { size } = await readSecrets(here, {
      env: process.env,
      parameter: () => Promise.reject(new Error('not asked for')),
      warn: (sentence) => warnings.push(sentence),
    });
    if (size > 0 && warnings.length === 0) yield fine(`the secrets can be read (${size})`);
    for (const warning of warnings) yield bad(warning, 'the daemon runs, but others know the secret');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    yield bad(why, 'check as the user that runs the daemon, with its environment');
  }
}

async function* checkBgp(
  { options, passwords }: NonNullable<Config['bgp']>,
  isRunning: () => Promise<boolean>,
): AsyncGenerator<Finding> {
  for (const at of options.listen) {
    const where = `bgp.listen ${at.address} port ${at.port}`;
    const refusal = listenRefusal(at);
    if (refusal === undefined) yield fine(`${where} can be listened at`);
    else if (refusal.includes('EADDRINUSE') && (await isRunning()))
      yield fine(`${where} is in use, and the daemon of this configuration runs`);
    else yield bad(`${where} cannot be listened at: ${refusal}`, 'or set another `bgp.listen`');
  }
  const here = { address: '127.0.0.1', port: 0 };
  if (Object.keys(passwords).length > 0) {
    const refusal = listenRefusal(here, [{ prefix: '127.0.0.2/32', password: 'any' }]);
    yield refusal === undefined
      ? fine('the kernel supports TCP-MD5')
      : bad(refusal, 'sessions with a password stay down; use a kernel with CONFIG_TCP_MD5SIG');
  }
  if ([...options.neighbors, ...options.dynamic].some(({ gtsmHops }) => gtsmHops !== undefined)) {
    const refusal = listenRefusal(here, [], 255);
    yield refusal === undefined
      ? fine('the kernel supports GTSM')
      : bad(refusal, 'sessions with gtsm stay down');
  }
}

async function* checkBfd({ bfd, bgp }: Config, isRunning: () => Promise<boolean>): AsyncGenerator<Finding> {
  const ofNeighbors = (bgp?.options.neighbors ?? []).flatMap(({ address, localAddress, bfd: wanted }) =>
    wanted === undefined
      ? []
      : [{ peer: address, ...wanted, ...(localAddress === undefined ? {} : { local: localAddress }) }],
  );
  const all = [...bfd.map(({ options }) => options), ...ofNeighbors];
  if (all.length === 0) return;
  const sockets = createBfdSockets(() => undefined);
  const refusals = new Set(all.flatMap((one, index) => sockets.open(`check ${index}`, one) ?? []));
  sockets.closeAll();
  if (refusals.size === 0) yield fine('the ports of BFD are free');
  else if ([...refusals].every((one) => one.includes('EADDRINUSE')) && (await isRunning()))
    yield fine('the ports of BFD are in use, and the daemon of this configuration runs');
  else for (const refusal of refusals) yield bad(refusal, 'BFD with that peer stays down until then');
  yield (await hasCapability(CAP_SYS_NICE))
    ? fine('BFD may have real-time scheduling')
    : fine(
        'BFD runs without real-time scheduling, which is enough on a quiet machine; CAP_SYS_NICE permits it',
      );
}

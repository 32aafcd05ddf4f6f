/**
 * `npm run peers`: installs the Debian packages that some tests need, where there are root and apt; elsewhere
 * it says what is missing. It never fails a test run: a tier that lacks its peer is skipped by name.
 */
import { spawnSync } from 'node:child_process';

/** A program, the package that holds it and the tests that use it. */
const PEERS = [
  { program: 'ip', package: 'iproute2', use: 'routes, rules and namespaces of a real kernel' },
  { program: 'ping', package: 'iputils-ping', use: 'a second opinion on ICMP echo' },
  { program: 'nft', package: 'nftables', use: 'the rules that user data loads' },
  { program: 'aws', package: 'awscli', use: 'an EC2 client that is not ours' },
] as const;

const have = (program: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' }).status === 0;

const missing = PEERS.filter((peer) => !have(peer.program));
for (const peer of PEERS) {
  const state = missing.includes(peer) ? 'missing' : 'present';
  process.stdout.write(`${peer.program.padEnd(8)}${state.padEnd(10)}${peer.package}: ${peer.use}\n`);
}
const command = `apt-get install -y --no-install-recommends ${missing.map((peer) => peer.package).join(' ')}`;
if (missing.length > 0 && process.getuid?.() === 0 && have('apt-get')) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (line: string): number =>
    spawnSync('sh', ['-c', line], { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 180_000 }).status ??
    1;
  if (run('apt-get update -qq') !== 0 || run(command) !== 0) {
    process.stdout.write(
      `could not install them; the tests that need them are skipped. By hand: ${command}\n`,
    );
  }
} else if (missing.length > 0) {
  process.stdout.write(`the tests that need them are skipped. As root: ${command}\n`);
}

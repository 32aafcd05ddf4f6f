/**
 * `npm run peers`: installs the Debian or Ubuntu packages that some tests and benchmarks need, where there
 * are root and apt; elsewhere it says what is missing. It never fails a test run: a tier that lacks its peer
 * is skipped by name. Services that come with the packages are neither started nor enabled: tests start
 * their own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { absent, installCommand, PEERS } from './interop/daemons.ts';

const POLICY = '/usr/sbin/policy-rc.d';
const SERVICES = {
  conntrackd: ['conntrackd'],
  'charon-systemd': ['strongswan'],
  bird2: ['bird'],
  frr: ['frr'],
  gobgpd: ['gobgpd'],
  exabgp: ['exabgp'],
  openbgpd: ['openbgpd'],
};

const run = (line: string, limitMs = 300_000): boolean =>
  spawnSync('sh', ['-c', line], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: limitMs,
  }).status === 0;

/** Installs without letting a package start its service: a policy that forbids it stands meanwhile. */
function install(packages: readonly string[]): boolean {
  const forbids = !existsSync(POLICY);
  if (forbids) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return run('apt-get update -qq') && run(installCommand(packages));
  } finally {
    if (forbids) rmSync(POLICY, { force: true });
    const services = Object.entries(SERVICES).flatMap(([name, own]) => (packages.includes(name) ? own : []));
    if (existsSync('/run/systemd/system') && services.length > 0) {
      run(`systemctl disable --now ${services.join(' ')} 2>/dev/null`, 30_000);
    }
  }
}

const missing = absent();
for (const peer of PEERS) {
  const state = missing.includes(peer) ? 'missing' : 'present';
  process.stdout.write(`${peer.package.padEnd(14)}${state.padEnd(9)}${peer.use}\n`);
}
const packages = missing.map((peer) => peer.package);
if (missing.length === 0) process.stdout.write('all is there\n');
else if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
  process.stdout.write(`the tests that need them are skipped. As root: ${installCommand(packages)}\n`);
} else if (!install(packages)) {
  process.stdout.write(
    `could not install them; the tests that need them are skipped. By hand: ${installCommand(packages)}\n`,
  );
}

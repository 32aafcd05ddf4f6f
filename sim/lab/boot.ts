/**
 * What a machine does at boot: the user data of its instance, once, as cloud-init does it, and at each
 * later boot the units that it enabled. There is no systemd: a small `systemctl` starts what units say,
 * restarts what is to be restarted, and knows nothing of their sandboxes; programs run as root.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { inspectInstance } from '../ec2/service.ts';
import type { World } from '../world/state.ts';
import { entering, enterRoot } from './root.ts';

const SYSTEMCTL = `#!/bin/sh
# Starts and stops the units of this machine. It stands for systemd in the lab.
now=; verb=; units=
for word; do
  case $word in
    --now) now=1 ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else units="$units \${word%.service}"; fi ;;
  esac
done
# Of a package's unit what files of the machine add to it counts.
lines() { # UNIT KEY
  for file in "/lib/systemd/system/$1.service" "/etc/systemd/system/$1.service" "/etc/systemd/system/$1.service.d"/*.conf; do
    [ ! -f "$file" ] || sed -n "s/^$2=//p" "$file"
  done
}
line() { # UNIT KEY
  lines "$1" "$2" | tail -1
}
told() { # UNIT
  grep -c '"topic":"started"' "/var/log/$1.log" 2>/dev/null
}
# A unit of type notify is waited for until it says that it runs: the daemon says so in its log as well.
wait_for() { # UNIT TOLD_BEFORE
  tries=0
  while [ "$(told "$1")" = "$2" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ]; then return 1; fi
    sleep 0.1
  done
}
own() { # VARIABLE PARENT DIRECTORY
  unset "$1"
  [ -n "$3" ] || return 0
  mkdir -p "$2/$3"
  export "$1=$2/$3"
}
begin() { # UNIT
  if [ "$1" = nftables ]; then nft -f /etc/nftables.conf; return; fi
  command=$(line "$1" ExecStart)
  # What was there before a restart is another process's.
  volatile=$(line "$1" RuntimeDirectory)
  [ -z "$volatile" ] || rm -rf "/run/$volatile"
  own RUNTIME_DIRECTORY /run "$volatile"
  own STATE_DIRECTORY /var/lib "$(line "$1" StateDirectory)"
  own CACHE_DIRECTORY /var/cache "$(line "$1" CacheDirectory)"
  settings=$(line "$1" EnvironmentFile)
  if [ -n "$settings" ]; then set -a; . "$settings"; set +a; fi
  lines "$1" ExecStartPre | while read -r first; do $first || exit 1; done
  if [ "$(line "$1" Restart)" = always ]; then
    touch "/var/log/$1.log"
    before=$(told "$1")
    setsid sh -c 'while :; do '"$command"'; sleep 1; done' </dev/null >>"/var/log/$1.log" 2>&1 &
    echo $! >"/run/$1.session"
    if [ "$(line "$1" Type)" = notify ]; then wait_for "$1" "$before"; fi
  else
    sh -c "$command"
  fi
}
finish() { # UNIT
  [ -f "/run/$1.session" ] || return 0
  session=$(cat "/run/$1.session")
  kill -s TERM -- "-$session" 2>/dev/null
  tries=0
  while [ "$tries" -lt 50 ] && kill -s 0 -- "-$session" 2>/dev/null; do
    tries=$((tries + 1))
    sleep 0.1
  done
}
enabled() {
  sort -u /etc/byoa-enabled 2>/dev/null
}
case $verb in
  enable) for unit in $units; do echo "$unit" >>/etc/byoa-enabled; if [ -n "$now" ]; then begin "$unit"; fi; done ;;
  start | restart) for unit in $units; do begin "$unit"; done ;;
  boot) for unit in $(enabled); do begin "$unit"; done ;;
  # What units do when they are stopped, then programs are told to end; what runs yet ends with the machine.
  poweroff)
    for unit in $(enabled); do stop=$(line "$unit" ExecStop 2>/dev/null); [ -z "$stop" ] || sh -c "$stop"; done
    for unit in $(enabled); do finish "$unit"; done ;;
esac
`;

/** The settings of the machine's own network alone: others are this computer's. */
const SYSCTL = `#!/bin/sh
cat /etc/sysctl.d/90-byoa*.conf | grep '^net\\.' | tr -d ' ' | while IFS== read -r name value; do
  if [ "$name" = net.ipv4.ping_group_range ]; then value='0 2147483647'; fi
  for path in /proc/sys/$(echo "$name" | tr . /); do echo "$value" >"$path"; done
done
`;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The user data of an instance as text; undefined where it has none that is a script. */
function scriptOf(world: World, instance: string): string | undefined {
  const data = inspectInstance(world.api.cloud, instance, world.now, (_, { userData }) => userData);
  const text = data === undefined ? '' : Buffer.from(data, 'base64').toString();
  return text.startsWith('#!') ? text : undefined;
}

/** Boots a machine whose network is there; its programs write to /var/log/boot.log in its file system. */
export function bootMachine(world: World, instance: string): void {
  const script = scriptOf(world, instance);
  if (script === undefined) return;
  const root = enterRoot(instance);
  const done = `${root}/var/lib/byoa-booted`;
  const again = existsSync(done);
  mkdirSync(`${root}/usr/local/sbin`, { recursive: true });
  writeFileSync(`${root}/usr/local/sbin/systemctl`, SYSTEMCTL, { mode: 0o755 });
  writeFileSync(`${root}/usr/local/sbin/sysctl`, SYSCTL, { mode: 0o755 });
  writeFileSync(`${root}/run/user-data`, script, { mode: 0o755 });
  writeFileSync(done, '');
  const command = again ? ['sh', '-c', 'sysctl --system; systemctl boot'] : ['/run/user-data'];
  const [program = '', ...args] = entering(instance, root, command);
  const log = openSync(`${root}/var/log/boot.log`, 'a');
  const env = { PATH, HOME: '/root', LANG: 'C' };
  spawn(program, args, { stdio: ['ignore', log, log], detached: true, env }).unref();
  closeSync(log);
}

/** As EC2 waits for a machine that shuts down, before it ends it. */
const SHUTDOWN_LIMIT_MS = 120_000;

/** A machine shuts down: what its units do then is done when this resolves; its power is on yet. */
export function shutDownMachine(instance: string): Promise<void> {
  const root = enterRoot(instance);
  if (!existsSync(`${root}/usr/local/sbin/systemctl`)) return Promise.resolve();
  const [program = '', ...args] = entering(instance, root, ['systemctl', 'poweroff']);
  const log = openSync(`${root}/var/log/boot.log`, 'a');
  const env = { PATH, HOME: '/root', LANG: 'C' };
  const child = spawn(program, args, { stdio: ['ignore', log, log], env, timeout: SHUTDOWN_LIMIT_MS });
  closeSync(log);
  return new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}

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
# Starts the units of this machine. It stands for systemd in the lab.
now=; verb=; unit=
for word; do
  case $word in
    --now) now=1 ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else unit=\${word%.service}; fi ;;
  esac
done
file=/etc/systemd/system/$unit.service
begin() {
  [ "$unit" = nftables ] && exec nft -f /etc/nftables.conf
  command=$(sed -n 's/^ExecStart=//p' "$file")
  export RUNTIME_DIRECTORY=/run/$unit STATE_DIRECTORY=/var/lib/$unit CACHE_DIRECTORY=/var/cache/$unit
  mkdir -p "$RUNTIME_DIRECTORY" "$STATE_DIRECTORY" "$CACHE_DIRECTORY"
  if grep -q '^Restart=always' "$file"; then
    setsid sh -c 'while :; do '"$command"'; sleep 1; done' </dev/null >>"/var/log/$unit.log" 2>&1 &
  else
    sh -c "$command"
  fi
}
case $verb in
  enable) echo "$unit" >>/etc/byoa-enabled; if [ -n "$now" ]; then begin; fi ;;
  start | restart) begin ;;
  boot) for unit in $(sort -u /etc/byoa-enabled); do systemctl start "$unit"; done ;;
esac
`;

/** The settings of the machine's own network alone: others are this computer's. */
const SYSCTL = `#!/bin/sh
cat /etc/sysctl.d/90-byoa*.conf | grep '^net\\.' | tr -d ' ' | while IFS== read -r name value; do
  path=/proc/sys/$(echo "$name" | tr . /)
  if [ "$name" = net.ipv4.ping_group_range ]; then value='0 2147483647'; fi
  echo "$value" >"$path"
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

/**
 * A machine shuts down as systemd has it done: `byoa leave` hands over what its appliance has, and then the
 * power goes (controller/shell/leave.ts).
 */
import type { Millis } from '../../controller/base/time.ts';
import { keptBy, LAST_PACKETS_MS, LOOK_EVERY_MS } from '../../controller/failover/handover.ts';
import { controlGuest } from '../world/guests.ts';
import { after } from '../world/kernel.ts';
import { feed, stopDaemon } from '../world/node.ts';
import type { World } from '../world/state.ts';
import { type Actor, restart } from './cast.ts';

/** Less than `byoa leave` waits, so that a run sees what becomes of it. */
const WAIT_MS: Millis = 20_000;
/** From the end of its daemon to that of the machine. */
const STOP_MS: Millis = 200;
const COMMAND = 1_000_000;

/** The answer boots it again; where it has not stopped yet, its daemon begins anew. */
export function shutDown(world: World, actor: Actor, instance: string): () => void {
  const end = world.now + WAIT_MS;
  let isOff = false;
  let lasts = true;
  const off = (): void => {
    if (!lasts) return;
    isOff = true;
    stopDaemon(actor.daemon);
    after(world, STOP_MS, () => lasts && controlGuest(world, instance, 'kill'));
  };
  const look = (): void => {
    if (!lasts) return;
    const { node, running } = actor.daemon;
    if (!running || world.now > end) off();
    else if (keptBy(node, world.now).length > 0) after(world, LOOK_EVERY_MS, look);
    else after(world, LAST_PACKETS_MS, off);
  };
  if (actor.daemon.running) feed(actor.daemon, { kind: 'command', id: COMMAND, command: { kind: 'leave' } });
  after(world, LOOK_EVERY_MS, look);
  return () => {
    lasts = false;
    if (!isOff) return restart(world, actor);
    controlGuest(world, instance, 'kill');
    controlGuest(world, instance, 'start');
  };
}

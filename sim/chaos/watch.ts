/**
 * Whether a flow's packets would get there and back, judged anew whenever something on the way may have
 * changed, and not packet by packet. Loss rates do not count as an interruption, cuts do.
 */
import { formatAddress } from '../../controller/base/ip.ts';
import { must, present } from '../../controller/base/result.ts';
import type { Instant } from '../../controller/base/time.ts';
import { CODE, type Disposition, dispositionOf } from '../vpc/dispositions.ts';
import { send } from '../vpc/forward.ts';
import { createHeader, fill, type Header, packetOf } from '../vpc/header.ts';
import type { End } from '../vpc/network.ts';
import { schedule, trace } from '../world/kernel.ts';
import type { World } from '../world/state.ts';
import { cutCrossing } from '../world/trace.ts';
import type { Blackout } from './scenario.ts';

export interface Watch {
  readonly flow: string;
  readonly blackouts: Blackout[];
  /** Since when, and why, it has been interrupted. */
  down: { readonly since: Instant; why: string } | undefined;
}

const HEADER: Header = createHeader();
const SOURCE_PORT = 40_000;
const ECHO_PORT = 7;

/** One packet from an end to another and the answer to it; what became of the one that was lost. */
function walk(
  world: World,
  sender: End,
  to: string,
): { lost: Disposition; way: 'there' | 'back' } | undefined {
  const crossing = cutCrossing(world);
  const h = Object.assign(HEADER, createHeader(), { now: world.now });
  must(fill(h, { destination: to, protocol: 'udp', sourcePort: SOURCE_PORT, destinationPort: ECHO_PORT }));
  const there = send(world.network, sender, h, { crossing });
  if (there.code !== CODE.DELIVERED || there.at === undefined || !isFor(there.at, to))
    return {
      lost: there.code === CODE.DELIVERED ? 'INTERNET_NO_HOST' : dispositionOf(there.code),
      way: 'there',
    };
  const got = packetOf(h);
  const receiver = there.at;
  Object.assign(h, createHeader(), { now: world.now });
  must(
    fill(h, {
      source: got.destination,
      destination: present(got.source, 'a source'),
      protocol: 'udp',
      sourcePort: ECHO_PORT,
      destinationPort: present(got.sourcePort, 'a port'),
    }),
  );
  const back = send(world.network, receiver, h, { crossing });
  if (back.code === CODE.DELIVERED && back.at?.id === sender.id) return undefined;
  return { lost: dispositionOf(back.code), way: 'back' };
}

/** A guest takes what is for one of its addresses; a host might be another than the one that was meant. */
const isFor = (end: End, to: string): boolean => end.kind !== 'host' || formatAddress(end.address) === to;

/** Watches a flow from now on, from an instance, or from the address of a host. */
export function watchFlow(world: World, from: { name: string; instance: string }, to: string): Watch {
  const watch: Watch = { flow: `${from.name} -> ${to}`, blackouts: [], down: undefined };
  let planned = false;
  const judge = (): void => {
    planned = false;
    const sender = world.network.guests.get(from.instance) ?? world.ends.get(from.instance);
    // Who is off sends nothing that could be lost.
    const isOff = sender === undefined || (sender.kind === 'guest' && sender.power !== 'running');
    const lost = isOff ? undefined : walk(world, sender, to);
    note(world, watch, lost && `${lost.way}: ${lost.lost}`);
  };
  // At the end of the instant, when all that changes together has changed.
  const plan = (): void => {
    if (planned) return;
    planned = true;
    schedule(world, world.now, judge);
  };
  world.listeners.add(({ kind }) => {
    if (kind === 'change' || kind === 'power' || kind === 'guest' || kind === 'link') plan();
  });
  plan();
  return watch;
}

function note(world: World, watch: Watch, why: string | undefined): void {
  if ((why === undefined) === (watch.down === undefined)) {
    if (watch.down !== undefined && why !== undefined) watch.down.why = why;
    return;
  }
  trace(world, why === undefined ? 1 : -1);
  if (why !== undefined) {
    watch.down = { since: world.now, why };
  } else if (watch.down !== undefined) {
    watch.blackouts.push({ flow: watch.flow, from: watch.down.since, to: world.now });
    watch.down = undefined;
  }
}

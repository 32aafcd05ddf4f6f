/** What must hold of a speaker after every step. */
import { expect } from 'vitest';
import { type Machine, machinesOf, type Speaker } from '../../controller/bgp/peer.ts';

/** RFC 4271 8.2.2: the states that a state may lead to. */
const LEADS_TO: Readonly<Record<string, readonly string[]>> = {
  Idle: ['Connect', 'Active'],
  Connect: ['Active', 'OpenSent', 'OpenConfirm', 'Idle'],
  Active: ['Connect', 'OpenSent', 'OpenConfirm', 'Idle'],
  OpenSent: ['Active', 'OpenConfirm', 'Idle'],
  OpenConfirm: ['Established', 'Idle'],
  Established: ['Idle'],
};

/** Whether a state can follow another within a step, which may hold several transitions. */
function canFollow(from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const state of seen) {
    if (state === to) return true;
    // Established is not passed through twice: a step that ends a session begins none with the same bytes.
    for (const next of LEADS_TO[state] ?? []) seen.add(next);
  }
  return false;
}

const last = new WeakMap<Machine, { readonly state: string; readonly connection: number | undefined }>();

export function checkInvariants(name: string, speaker: Speaker): void {
  for (const peer of speaker.peers.values()) {
    const machines = machinesOf(peer);
    const where = `${name}: ${peer.name}`;
    for (const machine of machines) {
      const { state, connection, session, timers } = machine;
      const before = last.get(machine);
      if (before !== undefined && before.state !== state) {
        const sameConnection = before.connection !== undefined && before.connection === connection;
        const legal = sameConnection ? direct(before.state, state) : canFollow(before.state, state);
        expect(legal, `${where}: from ${before.state} to ${state}`).toBe(true);
      }
      last.set(machine, { state, connection });
      if (state === 'Established') {
        expect(session, `${where}: Established without a session`).toBeDefined();
        expect(connection, `${where}: Established without a connection`).toBeDefined();
        expect(peer.rib?.up, `${where}: Established without routes`).toBe(true);
      }
      if (state === 'Idle') expect(connection, `${where}: Idle with a connection`).toBeUndefined();
      if (state === 'Connect') expect(connection, `${where}: Connect without a connection`).toBeDefined();
      if (connection === undefined) {
        expect(timers.HoldTimer, `${where}: a Hold Timer without a connection`).toBeUndefined();
        expect(timers.KeepaliveTimer, `${where}: a Keepalive Timer without a connection`).toBeUndefined();
      } else {
        expect(speaker.connections.get(connection)?.machine, `${where}: a stray connection`).toBe(machine);
      }
    }
    const up = machines.filter(({ state }) => state === 'Established');
    expect(up.length, `${where}: more than one session`).toBeLessThanOrEqual(1);
    if (up.length === 0)
      expect(peer.rib?.up ?? false, `${where}: routes of a session that is gone`).toBe(false);
  }
  for (const [number, { peer, machine }] of speaker.connections) {
    expect(machine.connection, `${name}: connection ${number} is nobody's`).toBe(number);
    expect(machinesOf(peer), `${name}: connection ${number} of a machine that is gone`).toContain(machine);
  }
}

/** On one connection a machine moves forward only; a step may hold several messages. */
function direct(from: string, to: string): boolean {
  const order = ['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established'];
  return order.indexOf(to) > order.indexOf(from);
}

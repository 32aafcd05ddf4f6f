/**
 * A world as the changes that make it from an empty one, and back: all records of all accounts and regions,
 * the machines, and the hosts outside. What an experiment does to packets (cuts, knobs, flows) is not part
 * of it, nor is what lives in memory only: connections, neighbours, tracked flows.
 */

import { must } from '../../controller/base/result.ts';
import type { CloudChange } from '../ec2/cloud-change.ts';
import { announce, changesOf, replay } from '../ec2/saved.ts';
import { takeChanges } from '../ec2/service.ts';
import { type GuestState, guestState, restoreGuest } from '../vpc/guest-state.ts';
import { publish } from './api.ts';
import { addDeadMachine, addHost, controlGuest } from './guests.ts';
import type { Power } from './happening.ts';
import { killSiteRouter, setSiteRouter, tunnelsOf } from './site-router.ts';
import type { PlacedHost, Profile, SiteRouterOptions, World } from './state.ts';

/** A machine of an instance. */
export interface SavedGuest {
  readonly instance: string;
  readonly profile?: Profile;
  /** Absent where it has never run. */
  readonly power?: Power;
  readonly hung: boolean;
  readonly drop: boolean;
  /** Absent where it is dead. */
  readonly kernel?: GuestState;
}

/** The router of a site. */
export interface SavedRouter extends SiteRouterOptions {
  readonly customerGateway: string;
  readonly on: boolean;
}

export type WorldChange =
  | CloudChange
  | { readonly kind: 'guest'; readonly guest: SavedGuest }
  | { readonly kind: 'host'; readonly host: PlacedHost }
  | { readonly kind: 'router'; readonly router: SavedRouter };

/** An instance's machine as it is. */
export function savedGuest(world: World, instance: string): WorldChange {
  const profile = world.profiles.get(instance);
  const machine = world.guests.get(instance);
  const power = machine?.endpoint.power;
  const guest = {
    instance,
    ...(profile !== undefined && { profile }),
    ...(power !== undefined && { power }),
    hung: machine?.endpoint.hung ?? false,
    drop: machine?.kernel.drop ?? false,
    ...(machine !== undefined && power !== 'dead' && { kernel: guestState(machine.kernel) }),
  };
  return { kind: 'guest', guest };
}

/** The router of a site as it is set; undefined where there never was one. */
export function savedRouter(world: World, customerGateway: string): WorldChange | undefined {
  const router = world.routers.get(customerGateway);
  if (router === undefined) return undefined;
  const { tunnels, ...options } = router.options;
  const there = tunnelsOf(world, customerGateway);
  const kept = Object.entries(tunnels ?? {}).filter(([outside]) => there.has(outside));
  const on = router.endpoint.power === 'running';
  const set = { ...options, ...(kept.length > 0 && { tunnels: Object.fromEntries(kept) }) };
  return { kind: 'router', router: { customerGateway, ...set, on } };
}

/** All that a world holds. */
export function* worldChanges(world: World): Generator<WorldChange> {
  yield* changesOf(world.api.cloud);
  for (const instance of new Set([...world.guests.keys(), ...world.profiles.keys()])) {
    yield savedGuest(world, instance);
  }
  for (const host of world.placed.values()) yield { kind: 'host', host };
  for (const site of world.routers.keys()) {
    const router = savedRouter(world, site);
    if (router !== undefined) yield router;
  }
}

/** What has changed of machines, hosts and routers since it was last asked. */
export function takeUnsaved(world: World): readonly WorldChange[] {
  const { guests, hosts, routers } = world.unsaved;
  const changes = [
    ...[...guests].map((instance) => savedGuest(world, instance)),
    ...[...hosts].flatMap((address): readonly WorldChange[] => {
      const host = world.placed.get(address);
      return host === undefined ? [] : [{ kind: 'host', host }];
    }),
    ...[...routers].flatMap((site) => savedRouter(world, site) ?? []),
  ];
  guests.clear();
  hosts.clear();
  routers.clear();
  return changes;
}

/** Makes a saved world in a new one: records and hosts first, then what takes effect, then the machines. */
export function restoreWorld(world: World, changes: Iterable<WorldChange>): void {
  const guests = new Map<string, SavedGuest>();
  const hosts = new Map<string, PlacedHost>();
  const routers = new Map<string, SavedRouter>();
  for (const change of changes) {
    if (change.kind === 'guest') guests.set(change.guest.instance, change.guest);
    else if (change.kind === 'host') hosts.set(change.host.address, change.host);
    else if (change.kind === 'router') routers.set(change.router.customerGateway, change.router);
    else replay(world.api.cloud, change);
  }
  for (const { instance, profile } of guests.values()) {
    if (profile !== undefined) world.profiles.set(instance, profile);
  }
  for (const { address, services, behind } of hosts.values()) {
    must(addHost(world, address, services, world.placed.has(address) ? undefined : behind));
  }
  announce(world.api.cloud);
  for (const change of takeChanges(world.api.cloud)) world.api.apply(change);
  for (const guest of guests.values()) restoreMachine(world, guest);
  for (const { customerGateway, on, ...options } of routers.values()) {
    must(setSiteRouter(world, customerGateway, options));
    if (!on) killSiteRouter(world, customerGateway);
  }
  publish(world.api);
}

function restoreMachine(world: World, { instance, power, hung, drop, kernel }: SavedGuest): void {
  if (power === undefined || !world.records.instance.has(instance)) return;
  const machine = world.guests.get(instance);
  if (machine === undefined) addDeadMachine(world, instance);
  if (machine === undefined || machine.endpoint.power === 'dead') return;
  if (kernel !== undefined) restoreGuest(machine.kernel, kernel);
  if (drop) controlGuest(world, instance, 'drop');
  if (hung) controlGuest(world, instance, 'hang');
  if (power === 'dead') controlGuest(world, instance, 'kill');
  if (power === 'frozen') controlGuest(world, instance, 'freeze');
}

/**
 * A network: the fabric, the guests of its instances, and the hosts outside. Whatever changes in it begins an
 * epoch (fabric.ts).
 */
import { type Address, formatAddress } from '../../controller/base/ip.ts';
import type { Instant } from '../../controller/base/time.ts';
import { type AddressMap, createAddressMap, find, set, unset } from './address-map.ts';
import { applyChange } from './apply-change.ts';
import { createFabric, type Fabric, publicScope, siteOf } from './fabric.ts';
import { createFlowMemo, type FlowMemo } from './flow-memo.ts';
import { createGuest, type Guest, type GuestProfile, hearAnnouncement, syncDevices } from './guest.ts';
import type { Header } from './header.ts';
import type { Change } from './model.ts';
import type { VpcSettings } from './settings.ts';

/** A host of the simulated Internet, or of a site behind a customer gateway. */
export interface InternetHost {
  readonly kind: 'host';
  readonly address: Address;
  /** Its name: the canonical text of the address, or the id of a gateway's speaker. */
  readonly id: string;
  /** The number of its site; 0 is the Internet. */
  readonly site: number;
}

export interface Network {
  readonly fabric: Fabric;
  /** By instance id; see `addGuest`. */
  readonly guests: ReadonlyMap<string, Guest>;
  readonly hosts: AddressMap<InternetHost>;
  readonly memo: FlowMemo;
  /** Counts guests. */
  lastGuest: number;
}

export type End = Guest | InternetHost;

export function createNetwork(settings: Partial<VpcSettings> = {}): Network {
  return {
    fabric: createFabric(settings),
    guests: new Map(),
    hosts: createAddressMap(),
    memo: createFlowMemo(),
    lastGuest: 0,
  };
}

/** Makes the guest of an instance, in the place of one that it may have had; it is off. */
export function addGuest(network: Network, id: string, profile?: GuestProfile): Guest {
  const { epoch } = network.fabric;
  network.lastGuest++;
  const guest = createGuest(id, network.lastGuest, epoch, profile);
  (network.guests as Map<string, Guest>).set(id, guest);
  epoch.number++;
  return guest;
}

export function removeGuest(network: Network, id: string): void {
  (network.guests as Map<string, Guest>).delete(id);
  network.fabric.epoch.number++;
}

/**
 * A change takes effect: fabric, the devices of guests, and the fabric's announcements of moved addresses.
 */
export function applyToNetwork(network: Network, change: Change, now: Instant): void {
  const { fabric, guests } = network;
  const before = change.kind === 'network-interface' ? fabric.ports.get(change.id)?.instance : undefined;
  const claimed = applyChange(fabric, change);
  if (change.kind !== 'network-interface') return;
  const after = fabric.ports.get(change.id)?.instance;
  for (const instance of new Set([before, after])) {
    const guest = instance === undefined ? undefined : guests.get(instance.id);
    if (instance !== undefined && guest !== undefined) syncDevices(guest, instance.ports, fabric.settings);
  }
  if (!fabric.settings.fabricGarp) return;
  for (const { address, port } of claimed) {
    for (const guest of guests.values()) hearAnnouncement(guest, address, port, now);
  }
}

const wordsOf = (address: Address): readonly number[] => address.words.map((word) => word | 0);

/** Adds a host to the Internet, or to the site behind a customer gateway. */
export const addHost = (network: Network, address: Address, customerGateway?: string): InternetHost =>
  addEnd(network, address, formatAddress(address), customerGateway);

/** Adds the speaker of a Connect peer, by its id, at its address inside the tunnel. */
export const addSpeaker = (network: Network, address: Address, id: string): InternetHost =>
  addEnd(network, address, id, id);

function addEnd(network: Network, address: Address, id: string, place: string | undefined): InternetHost {
  const site = place === undefined ? 0 : siteOf(network.fabric, place).number;
  const host: InternetHost = { kind: 'host', address, id, site };
  set(network.hosts, hostScope(address.family, site), wordsOf(address), host);
  return host;
}

/** The scope of the addresses of a site, and of the Internet, among the hosts. */
const hostScope = (family: 4 | 6, site: number): number => 2 * site + publicScope(family);

/** The host at the destination of a packet that is outside the VPCs. */
export const hostOf = (network: Network, h: Header): InternetHost | undefined =>
  find(network.hosts, hostScope(h.family, h.site), h.d0, h.d1, h.d2, h.d3);

export function removeHost(network: Network, { address, site }: Omit<InternetHost, 'kind' | 'id'>): void {
  unset(network.hosts, hostScope(address.family, site), wordsOf(address));
}

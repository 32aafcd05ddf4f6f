/**
 * Changes to a guest's network settings from within, as the controller asks for them (`GuestChange`). Each is
 * idempotent: what is there already, or gone already, is done. What cannot be says in words why not.
 */

import {
  contains,
  formatPrefix,
  type Prefix,
  parseAddress,
  parsePrefix,
  sameAddress,
  width,
} from '../../controller/base/ip.ts';
import { entries } from '../../controller/base/longest-match.ts';
import { err, ok, type Result, unreachable } from '../../controller/base/result.ts';
import type { GuestChange } from '../../controller/event.ts';
import {
  addAddress,
  addRoute,
  createRoute,
  type Device,
  type Guest,
  type GuestRoute,
  removeAddress,
  removeRoute,
  setDevice,
  setGuest,
} from './guest.ts';
import { formatMac, parseMac } from './header.ts';

/** Makes one change; the reason where it cannot be made. A guest that is not running makes none. */
export function changeGuest(guest: Guest, change: GuestChange): string | undefined {
  if (guest.power !== 'running') return `instance ${guest.id} is ${guest.power}; nothing changes in it`;
  switch (change.kind) {
    case 'rule-add':
    case 'rule-remove':
      return changeRule(guest, change);
    case 'link-up':
    case 'rp-filter':
    case 'address-add':
    case 'address-remove':
    case 'route-add':
    case 'route-remove': {
      const device = deviceByMac(guest, change.mac);
      // With a device all its addresses and routes are gone: nothing is left to remove.
      const removes = change.kind === 'address-remove' || change.kind === 'route-remove';
      if (!device.ok && removes) return undefined;
      return device.ok ? changeDevice(guest, device.value, change) : device.error;
    }
    default:
      return unreachable(change);
  }
}

function changeDevice(guest: Guest, device: Device, change: DeviceChange): string | undefined {
  switch (change.kind) {
    case 'link-up':
      setDevice(guest, device, { up: true });
      return undefined;
    case 'rp-filter':
      setDevice(guest, device, { rpFilter: change.mode });
      return undefined;
    case 'address-add':
    case 'address-remove':
      return changeAddress(guest, device, change);
    case 'route-add':
    case 'route-remove':
      return changeRoute(guest, device, change);
    default:
      return unreachable(change);
  }
}

function deviceByMac(guest: Guest, text: string): Result<Device> {
  const mac = parseMac(text);
  if (!mac.ok) return mac;
  const device = guest.devices.find((each) => each.mac === mac.value);
  if (device !== undefined) return ok(device);
  const have = guest.devices.map((each) => formatMac(each.mac)).join(', ') || 'none';
  return err(`no device with MAC ${text} in ${guest.id} (it has ${have}); wait until the ENI is attached`);
}

type DeviceChange = Extract<GuestChange, { readonly mac: string }>;
type AddressChange = Extract<GuestChange, { readonly length: number }>;
type RouteChange = Extract<GuestChange, { readonly destination: string }>;
type RuleChange = Extract<GuestChange, { readonly from: string }>;

function changeAddress(guest: Guest, device: Device, change: AddressChange): string | undefined {
  const parsed = parseAddress(change.address);
  if (!parsed.ok) return parsed.error;
  const address = parsed.value;
  const owner = guest.devices
    .flatMap((each) => each.addresses)
    .find((own) => sameAddress(own.address, address));
  if (change.kind === 'address-remove') {
    if (owner?.device === device) removeAddress(guest, device, owner);
    return undefined;
  }
  if (!Number.isInteger(change.length) || change.length < 0 || change.length > width(address.family)) {
    return `/${change.length} is no prefix length for ${change.address}`;
  }
  if (owner?.device === device) return undefined;
  if (owner !== undefined) {
    const holder = formatMac(owner.device.mac);
    return `${change.address} exists on device ${holder} of ${guest.id}; remove it there first`;
  }
  addAddress(guest, device, address, change.length);
  return undefined;
}

function changeRoute(guest: Guest, device: Device, change: RouteChange): string | undefined {
  const destination = parsePrefix(change.destination);
  if (!destination.ok) return destination.error;
  const via = change.via === undefined ? ok(undefined) : parseAddress(change.via);
  if (!via.ok) return via.error;
  const { family } = destination.value.address;
  if (via.value !== undefined && via.value.family !== family) {
    return `next hop ${change.via} is not of the family of ${change.destination}`;
  }
  const route = createRoute(device, destination.value, via.value);
  const known = routeAt(guest, change.table, destination.value);
  if (change.kind === 'route-remove') {
    if (known !== undefined && sameRoute(known, route)) removeRoute(guest, change.table, destination.value);
    return undefined;
  }
  if (!device.up) return `device ${formatMac(device.mac)} of ${guest.id} is down; bring the link up first`;
  if (via.value !== undefined && !isOnLink(guest, route)) {
    const link = `the link of ${formatMac(device.mac)}`;
    return `next hop ${change.via} is not on ${link}; add an address or on-link route first`;
  }
  addRoute(guest, change.table, route);
  return undefined;
}

function routeAt(guest: Guest, table: number, destination: Prefix): GuestRoute | undefined {
  const routes = guest.tables.get(table);
  if (routes === undefined) return undefined;
  const name = formatPrefix(destination);
  const matches = entries(destination.address.family === 4 ? routes.v4 : routes.v6);
  return [...matches].find((match) => formatPrefix(match.prefix) === name)?.value;
}

function sameRoute(a: GuestRoute, b: GuestRoute): boolean {
  if (a.device !== b.device) return false;
  if (a.via === undefined || b.via === undefined) return a.via === b.via;
  return sameAddress(a.via, b.via);
}

/**
 * Whether the next hop is reachable without a gateway: beside an address, by an on-link route, or link-local.
 */
function isOnLink(guest: Guest, route: GuestRoute): boolean {
  const { via, device } = route;
  if (via === undefined) return true;
  if (via.family === 6 && via.words[0] >>> 22 === 0x3fa) return true;
  for (const table of guest.tables.values()) {
    for (const { value } of entries(via.family === 4 ? table.v4 : table.v6)) {
      if (value.device === device && value.via === undefined && contains(value.destination, via)) return true;
    }
  }
  return false;
}

/**
 * `from` is an address or a prefix. New rules go before older ones, as in Linux without an explicit priority.
 */
function changeRule(guest: Guest, change: RuleChange): string | undefined {
  const address = parseAddress(change.from);
  const from: Result<Prefix> = address.ok
    ? ok({ address: address.value, length: width(address.value.family) })
    : parsePrefix(change.from);
  if (!from.ok) return from.error;
  const name = formatPrefix(from.value);
  const known = guest.rules.find((rule) => rule.table === change.table && formatPrefix(rule.from) === name);
  if (change.kind === 'rule-remove') setGuest(guest, { rules: guest.rules.filter((rule) => rule !== known) });
  else if (known === undefined)
    setGuest(guest, { rules: [{ from: from.value, table: change.table }, ...guest.rules] });
  return undefined;
}

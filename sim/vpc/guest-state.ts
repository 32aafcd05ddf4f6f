/**
 * What is configured in a running guest's kernel, as plain data, and back. Neighbours and NAT flows are not
 * kept.
 */
import { formatAddress, formatPrefix, parseAddress, prefix } from '../../controller/base/ip.ts';
import { entries } from '../../controller/base/longest-match.ts';
import { must } from '../../controller/base/result.ts';
import {
  addAddress,
  addRoute,
  clearTables,
  createRoute,
  type Device,
  type Guest,
  removeAddress,
  setDevice,
  setGuest,
} from './guest.ts';

export interface GuestState {
  readonly devices: readonly {
    readonly eni: string;
    readonly up: boolean;
    readonly rpFilter: 0 | 1 | 2;
    readonly addresses: readonly { readonly address: string; readonly length: number }[];
  }[];
  readonly routes: readonly {
    readonly table: number;
    readonly eni: string;
    readonly destination: string;
    readonly via?: string;
  }[];
  /** In the order in which they are asked. */
  readonly rules: readonly { readonly from: string; readonly table: number }[];
}

export function guestState(guest: Guest): GuestState {
  const routes = [...guest.tables].flatMap(([table, { v4, v6 }]) =>
    [...entries(v4), ...entries(v6)].map(({ value: { device, destination, via } }) => ({
      table,
      eni: device.port.id,
      destination: formatPrefix(destination),
      ...(via !== undefined && { via: formatAddress(via) }),
    })),
  );
  const devices = guest.devices.map(({ port, up, rpFilter, addresses }) => ({
    eni: port.id,
    up,
    rpFilter,
    addresses: addresses.map((own) => ({ address: formatAddress(own.address), length: own.prefix.length })),
  }));
  const rules = guest.rules.map(({ from, table }) => ({ from: formatPrefix(from), table }));
  return { devices, routes, rules };
}

/**
 * Configures a guest that has just booted as `state` says; what it says of devices that are gone is left out.
 */
export function restoreGuest(guest: Guest, state: GuestState): void {
  const known = new Map<string, Device>(guest.devices.map((device) => [device.port.id, device]));
  for (const { eni, up, rpFilter, addresses } of state.devices) {
    const device = known.get(eni);
    if (device === undefined) continue;
    for (const own of device.addresses) removeAddress(guest, device, own);
    setDevice(guest, device, { up, rpFilter });
    for (const { address, length } of addresses) {
      addAddress(guest, device, must(parseAddress(address)), length);
    }
  }
  clearTables(guest);
  for (const { table, eni, destination, via } of state.routes) {
    const device = known.get(eni);
    if (device === undefined) continue;
    const next = via === undefined ? undefined : must(parseAddress(via));
    addRoute(guest, table, createRoute(device, prefix(destination), next));
  }
  setGuest(guest, { rules: state.rules.map(({ from, table }) => ({ from: prefix(from), table })) });
}

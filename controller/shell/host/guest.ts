/**
 * Changes to the network settings of this machine, each idempotent: what is there already, or gone already,
 * is done. A device that EC2 has just attached may still be coming up, so those that need one wait for it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { unreachable } from '../../base/result.ts';
import type { GuestChange } from '../../event.ts';
import { deviceOfMac, familyFlag, ipUnless } from './iproute.ts';

const DEVICE_WAIT_MS = 15_000;
const DEVICE_POLL_MS = 100;
/** Before the main table (32766), after the local one (0). */
const RULE_PRIORITY = '7200';
const EXISTS = ['File exists'];
const GONE = [
  'No such process',
  'No such file or directory',
  'Cannot assign requested address',
  'Address not found',
  'FIB table does not exist',
];

/** Applies the changes in order; the first failure as a sentence ends it. */
export async function applyGuestChanges(changes: readonly GuestChange[]): Promise<string | undefined> {
  for (const change of changes) {
    const failure = await applyOne(change);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

type AddressChange = Extract<GuestChange, { length: number }>;
type RouteChange = Extract<GuestChange, { destination: string }>;
type RuleChange = Extract<GuestChange, { from: string }>;

async function applyOne(change: GuestChange): Promise<string | undefined> {
  switch (change.kind) {
    case 'rule-add':
      return ipUnless(EXISTS, familyFlag(change.from), 'rule', 'add', ...ruleWords(change));
    case 'rule-remove':
      return ipUnless(GONE, familyFlag(change.from), 'rule', 'del', ...ruleWords(change));
    case 'link-up':
      return onDevice(change.mac, (device) => ipUnless([], 'link', 'set', 'dev', device, 'up'));
    case 'address-add':
      return onDevice(change.mac, (device) => addAddress(change, device));
    case 'address-remove':
      return onDeviceIfThere(change.mac, (device) => removeAddress(change, device));
    case 'route-add':
      return onDevice(change.mac, (device) =>
        ipUnless(EXISTS, familyFlag(change.destination), 'route', 'replace', ...routeWords(change, device)),
      );
    case 'route-remove':
      return onDeviceIfThere(change.mac, (device) =>
        ipUnless(GONE, familyFlag(change.destination), 'route', 'del', ...routeWords(change, device)),
      );
    case 'rp-filter':
      return onDevice(change.mac, (device) => setRpFilter(device, change.mode));
    default:
      return unreachable(change);
  }
}

function addAddress({ address, length }: AddressChange, device: string): Promise<string | undefined> {
  // EC2 answers for the address; duplicate address detection would only delay its use.
  const options = address.includes(':') ? ['nodad'] : [];
  const words = ['replace', `${address}/${length}`, 'dev', device, ...options];
  return ipUnless(EXISTS, familyFlag(address), 'address', ...words);
}

const removeAddress = ({ address, length }: AddressChange, device: string): Promise<string | undefined> =>
  ipUnless(GONE, familyFlag(address), 'address', 'del', `${address}/${length}`, 'dev', device);

const ruleWords = (change: RuleChange): string[] => {
  const { from, table } = change;
  return ['from', from, 'lookup', String(table), 'priority', RULE_PRIORITY];
};

/** With a device all its addresses and routes are gone: nothing is left to remove. */
async function onDeviceIfThere(
  mac: string,
  remove: (device: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  const device = await deviceOfMac(mac);
  if (!device.ok) return device.error;
  return device.value === undefined ? undefined : remove(device.value);
}

async function onDevice(
  mac: string,
  apply: (device: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  const device = await awaitDevice(mac);
  if (device !== undefined) return apply(device);
  return `no network device with MAC address ${mac} appeared within ${DEVICE_WAIT_MS / 1000} s; see \`ip link\``;
}

const routeWords = (change: RouteChange, device: string): string[] => {
  const via = change.via === undefined ? [] : ['via', change.via];
  return [change.destination, ...via, 'dev', device, 'table', String(change.table)];
};

async function awaitDevice(mac: string): Promise<string | undefined> {
  for (let waitedMs = 0; ; waitedMs += DEVICE_POLL_MS) {
    const device = await deviceOfMac(mac);
    if (device.ok && device.value !== undefined) return device.value;
    if (waitedMs >= DEVICE_WAIT_MS) return undefined;
    await sleep(DEVICE_POLL_MS);
  }
}

/** Sets `rp_filter`; the kernel uses the larger of this and `all` (Documentation/networking/ip-sysctl). */
async function setRpFilter(device: string, mode: number): Promise<string | undefined> {
  const path = `/proc/sys/net/ipv4/conf/${device}/rp_filter`;
  try {
    await writeFile(path, String(mode));
    const all = Number(await readFile('/proc/sys/net/ipv4/conf/all/rp_filter', 'utf8'));
    if (all <= mode) return undefined;
    return `net.ipv4.conf.all.rp_filter is ${all} and overrides ${mode} on ${device}: set it to ${mode} or less`;
  } catch (error) {
    return `cannot set ${path} to ${mode}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

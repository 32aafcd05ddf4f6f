/**
 * Machines of a world: they start when their instance runs, stop when it stops, and suffer what an
 * experiment does to them without EC2 knowing. Internet hosts are machines that always run.
 */
import { parseAddress, parsePrefix } from '../../controller/base/ip.ts';
import { err, must, ok, type Result, unreachable } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import type { GuestChange } from '../../controller/event.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import { wordOf } from '../vpc/cidr.ts';
import { boot, type Guest, type GuestProfile, type GuestTunnel, setGuest, setOwn } from '../vpc/guest.ts';
import { changeGuest as changeKernel } from '../vpc/guest-change.ts';
import { formatMac } from '../vpc/header.ts';
import type { Change, Instance, VpcEndpoint } from '../vpc/model.ts';
import { addGuest, addHost as addToNetwork, applyToNetwork, type End, removeGuest } from '../vpc/network.ts';
import {
  createEndpoint,
  type Endpoint,
  freeze,
  hang,
  powerOff,
  powerOn,
  programTimer,
  resume,
} from './endpoint.ts';
import { after, record } from './kernel.ts';
import { mirror } from './records.ts';
import { HOST_SERVICES, type Service, startServices, takesPortOf } from './services.ts';
import type { Machine, Profile, ProfileTunnel, World } from './state.ts';
import { networkOf } from './wire.ts';

export type { Profile };

export const GUEST_VERBS = ['start', 'kill', 'hang', 'freeze', 'resume', 'drop', 'nodrop', 'reboot'] as const;
export type GuestVerb = (typeof GUEST_VERBS)[number];

const HOST: Profile = { role: 'host', services: [] };

function tunnelOf({ kind = 'gre', remote, inside, device = 0 }: ProfileTunnel): GuestTunnel {
  const own = inside.map((text) => {
    const [address = ''] = text.split('/');
    return { address: must(parseAddress(address)), prefix: must(parsePrefix(text, 'clear')) };
  });
  return { link: { kind, remote: wordOf(remote) }, device, inside: own };
}

const kernelProfile = ({ role, translates, tunnels, overlay }: Profile): GuestProfile => ({
  ipForward: role !== 'host',
  masquerade: role === 'nat' ? [0] : [],
  ...(translates !== undefined && { masqueraded: translates.map((one) => must(parsePrefix(one))) }),
  geneve: role === 'geneve',
  ...(tunnels !== undefined && { tunnels: tunnels.map(tunnelOf) }),
  ...(overlay !== undefined && { overlay: overlay.map((one) => must(parseAddress(one))) }),
});

/** The sockets of a machine: an instance id or an Internet host's address. */
export const endpointOf = (world: World, name: string): Endpoint | undefined =>
  world.guests.get(name)?.endpoint ?? world.hosts.get(name);

/**
 * A change takes effect in the data plane: in the fabric, in the guests' devices, and in the power of
 * machines.
 */
export function applyChange(world: World, change: Change): void {
  const before = world.records.instance.get(change.id)?.state;
  if (change.kind === 'network-interface') {
    for (const eni of [world.records[change.kind].get(change.id), change.value]) {
      if (eni?.attachment !== undefined) world.unsaved.guests.add(eni.attachment.instance);
    }
  }
  applyToNetwork(world.network, change, world.now);
  mirror(world.records, change);
  if (change.kind === 'vpc-endpoint' && change.value !== undefined) addServiceHost(world, change.value);
  if (change.kind === 'instance') followState(world, change.id, before, change.value);
}

/** The host of a service is there once an endpoint leads to it. */
function addServiceHost(world: World, { address }: VpcEndpoint): void {
  if (address === undefined || address === API_ADDRESS || world.hosts.has(address)) return;
  must(addHost(world, address));
}

function followState(
  world: World,
  id: string,
  before: Instance['state'] | undefined,
  value: Instance | undefined,
): void {
  const state = value?.state ?? 'terminated';
  if (state === before) return;
  switch (state) {
    case 'pending':
      break;
    case 'running':
      startMachine(world, id, 'EC2 has started it');
      break;
    case 'stopping':
    case 'stopped':
    case 'shutting-down':
    case 'terminated':
      stopMachine(world, id, `EC2 says ${state}`);
      break;
    default:
      unreachable(state);
  }
}

/** Starts the machine of an instance with a fresh kernel and the services of its profile. */
export function startMachine(world: World, id: string, reason: string): Machine {
  const machine = world.guests.get(id) ?? addMachine(world, id);
  const profile = world.profiles.get(id) ?? HOST;
  const { fabric } = world.network;
  powerOn(machine.endpoint);
  setGuest(machine.kernel, { profile: kernelProfile(profile) });
  boot(machine.kernel, fabric.instances.get(id)?.ports ?? [], fabric.settings);
  startServices(machine.endpoint, profile.services);
  world.unsaved.guests.add(id);
  record(world, { kind: 'power', instance: id, power: 'running', reason });
  return machine;
}

/** Stops a machine that no instance is behind, and forgets it. */
export function removeMachine(world: World, id: string, reason: string): void {
  stopMachine(world, id, reason);
  world.guests.delete(id);
  removeGuest(world.network, id);
}

function addMachine(world: World, id: string): Machine {
  const kernel = addGuest(world.network, id);
  const endpoint = createEndpoint(world, networkOf(world, kernel), 'guest', id);
  const machine = { endpoint, kernel };
  world.guests.set(id, machine);
  return machine;
}

/** The machine of an instance that has run and does not run now. */
export function addDeadMachine(world: World, id: string): void {
  powerOff(addMachine(world, id).endpoint);
}

function stopMachine(world: World, id: string, reason: string): void {
  const machine = world.guests.get(id);
  if (machine === undefined || machine.endpoint.power === 'dead') return;
  setGuest(machine.kernel, { power: 'dead' });
  powerOff(machine.endpoint);
  world.unsaved.guests.add(id);
  record(world, { kind: 'power', instance: id, power: 'dead', reason });
}

/** The machine is dead for a while, then boots, unless it has been started or stopped otherwise by then. */
function reboot(world: World, id: string, { endpoint }: Machine): void {
  stopMachine(world, id, 'it reboots');
  const { boot: current } = endpoint;
  const up = (): void => {
    if (endpoint.boot === current && world.records.instance.get(id)?.state === 'running')
      startMachine(world, id, 'it has rebooted');
  };
  const { rebootMs } = world.api.knobs;
  if (rebootMs === 0) up();
  else after(world, rebootMs, up);
}

/** Ends all machines, so that what lives in them ends too. */
export function powerOffAll(world: World): void {
  for (const id of world.guests.keys()) stopMachine(world, id, 'the world was reset');
}

/** Does one thing to an instance's machine; EC2 does not notice. Says why where it cannot be done. */
export function controlGuest(world: World, id: string, verb: GuestVerb): Result<void> {
  const machine = world.guests.get(id);
  if (machine === undefined) return err(`there is no machine '${id}': no such instance has run here`);
  const { endpoint, kernel } = machine;
  const state = world.records.instance.get(id)?.state;
  if (verb === 'start' && endpoint.power !== 'dead') return ok(undefined);
  if (verb === 'start' || verb === 'reboot') {
    if (state !== 'running') return err(`EC2 says that ${id} is ${state ?? 'gone'}; use StartInstances`);
    if (verb === 'start') startMachine(world, id, 'started by the experiment');
    else reboot(world, id, machine);
    return ok(undefined);
  }
  if (endpoint.power === 'dead') return err(`${id} is dead; start it first`);
  world.unsaved.guests.add(id);
  switch (verb) {
    case 'kill':
      stopMachine(world, id, 'killed by the experiment');
      break;
    case 'hang':
      setGuest(kernel, { hung: true });
      hang(endpoint);
      record(world, { kind: 'guest', instance: id, what: 'hangs: its programs do not run, its kernel does' });
      break;
    case 'freeze':
      setGuest(kernel, { power: 'frozen' });
      freeze(endpoint);
      record(world, { kind: 'power', instance: id, power: 'frozen', reason: 'frozen by the experiment' });
      break;
    case 'resume':
      setGuest(kernel, { power: 'running', hung: false });
      resume(endpoint);
      record(world, { kind: 'power', instance: id, power: 'running', reason: 'resumed by the experiment' });
      break;
    case 'drop':
    case 'nodrop':
      setGuest(kernel, { drop: verb === 'drop' });
      record(world, {
        kind: 'guest',
        instance: id,
        what: verb === 'drop' ? 'forwards nothing' : 'forwards again',
      });
      break;
    default:
      unreachable(verb);
  }
  return ok(undefined);
}

/** Fills the connection table of a machine that runs, or makes room in it; a boot does that as well. */
export function setFull(world: World, id: string, full: boolean): void {
  const machine = world.guests.get(id);
  if (machine === undefined || machine.kernel.full === full) return;
  setGuest(machine.kernel, { full });
  record(world, {
    kind: 'guest',
    instance: id,
    what: full ? 'its connection table is full' : 'its connection table has room again',
  });
}

/** Sets what an instance's image does: now where it runs, and at each later start. */
export function setProfile(world: World, id: string, profile: Profile): Result<void> {
  if (!/^i-[0-9a-f]+$/.test(id)) return err(`'${id}' is not an instance id`);
  world.profiles.set(id, profile);
  world.unsaved.guests.add(id);
  const machine = world.guests.get(id);
  if (machine !== undefined && machine.endpoint.power !== 'dead') {
    const next = kernelProfile(profile);
    setOwn(machine.kernel, next);
    setGuest(machine.kernel, { profile: next });
    startServices(machine.endpoint, profile.services);
  }
  record(world, {
    kind: 'guest',
    instance: id,
    what: `profile ${profile.role}, ${profile.services.length} services`,
  });
  return ok(undefined);
}

/** A device appears some time after EC2 says `attached`; a program in the guest waits for it so long. */
const DEVICE_WAIT_MS = 15_000;
const DEVICE_POLL_MS = 20;

/**
 * Changes the network settings inside a guest, once the devices named are there; `done` is told what failed.
 */
export function changeGuest(
  world: World,
  id: string,
  changes: readonly GuestChange[],
  done: (failure: string | undefined) => void,
  waitedMs: Millis = 0,
): void {
  const machine = world.guests.get(id);
  if (machine === undefined) {
    done(`there is no machine '${id}'`);
    return;
  }
  if (waitedMs < DEVICE_WAIT_MS && changes.some((change) => awaitsDevice(machine.kernel, change))) {
    const again = (): void => changeGuest(world, id, changes, done, waitedMs + DEVICE_POLL_MS);
    programTimer(machine.endpoint, DEVICE_POLL_MS, again);
    return;
  }
  world.unsaved.guests.add(id);
  for (const change of changes) {
    const failure = changeKernel(machine.kernel, change);
    if (failure !== undefined) {
      done(failure);
      return;
    }
  }
  if (changes.length > 0)
    record(world, { kind: 'guest', instance: id, what: changes.map(describeChange).join('; ') });
  done(undefined);
}

const awaitsDevice = (guest: Guest, change: GuestChange): boolean =>
  'mac' in change &&
  change.kind !== 'address-remove' &&
  change.kind !== 'route-remove' &&
  !guest.devices.some(({ mac }) => formatMac(mac) === change.mac);

const describeChange = ({ kind, ...rest }: GuestChange): string => `${kind} ${Object.values(rest).join(' ')}`;

/**
 * Adds a host to the simulated Internet, or to the site behind a customer gateway; or services to one that is
 * there.
 */
export function addHost(
  world: World,
  address: string,
  services: readonly Service[] = HOST_SERVICES,
  behind?: string,
): Result<void> {
  const parsed = parseAddress(address);
  if (!parsed.ok) return parsed;
  let host = world.hosts.get(address);
  if (host !== undefined && behind !== undefined) {
    return err(`there is a host ${address} already; a world has one host of each address`);
  }
  if (host === undefined) {
    const end: End = addToNetwork(world.network, parsed.value, behind);
    world.ends.set(end.id, end);
    host = createEndpoint(world, networkOf(world, end), 'host', end.id);
    world.hosts.set(end.id, host);
  }
  startServices(host, services);
  const known = world.placed.get(host.name) ?? {
    address: host.name,
    services: [],
    ...(behind && { behind }),
  };
  const fresh = services.filter((each) => !known.services.some((other) => takesPortOf(each, other)));
  world.placed.set(host.name, { ...known, services: [...known.services, ...fresh] });
  world.unsaved.hosts.add(host.name);
  return ok(undefined);
}

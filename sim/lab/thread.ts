/**
 * The thread of the fabric: reads frames from the TAPs of all machines, lets the switch decide, writes
 * them to others. It never waits for anything but the TAPs and the main thread's bell.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { formatAddress, parseAddress } from '../../controller/base/ip.ts';
import { must, present, unreachable } from '../../controller/base/result.ts';
import { createFrame, type Frame } from '../frame/frame.ts';
import { HEADROOM } from '../frame/made.ts';
import { announce, createSwitch, type End, plug, switchFrame, unplug } from '../frame/switch.ts';
import { applyChange } from '../vpc/apply-change.ts';
import { CODE } from '../vpc/dispositions.ts';
import { instanceOf, portOf } from '../vpc/fabric.ts';
import type { Crossing } from '../vpc/forward.ts';
import type { Change } from '../vpc/model.ts';
import { addHost, createNetwork, removeHost } from '../vpc/network.ts';
import type { Port } from '../vpc/nodes.ts';
import { createKernel } from '../world/kernel.ts';
import { type Cut, type LinkState, lossOf } from '../world/links.ts';
import { nameOf } from '../world/wire.ts';
import { beyondDevice, servicesDevice } from './beyond.ts';
import { deviceOf, makeMachine, plugDevice } from './devices.ts';
import { close, forgetNamespace, openPoll, readNow, runFirst, writeNow } from './linux.ts';
import { type FromThread, NAMESPACES, OUTSIDE, SERVICES, type ThreadData, type ToThread } from './message.ts';
import { createWatch } from './watch.ts';

const data = workerData as ThreadData;
const port = present(parentPort, 'the port of the main thread');
const say = (message: FromThread): void => port.postMessage(message);
const clock = (): number => performance.timeOrigin + performance.now();

const network = createNetwork(data.settings);
const { fabric } = network;
const mtuBytes = fabric.settings.mtu.vpcBytes;
const poll = openPoll();
/** Number of the bell in the poll; taps count from 0. */
const BELL = -1;

const fds: (number | undefined)[] = [];
const buffer = Buffer.alloc(65_536 + 512);
const frame: Frame = {
  ...createFrame(),
  view: new DataView(buffer.buffer, buffer.byteOffset),
  start: HEADROOM,
};
let refused = 0;

/** The shared frame as it stands in the buffer, or one that was made and has its headroom in front. */
function send(tap: number, out: Frame): void {
  const fd = fds[tap];
  if (fd === undefined) return;
  const bytes = out === frame ? buffer : new Uint8Array(out.view.buffer);
  watch.captured(tap, false, bytes, out.end);
  if (writeNow(fd, bytes, out.end) < 0) refused++;
}

const sw = createSwitch(network, send, (word, { id }) =>
  say({ kind: 'asker', alias: formatAddress({ family: 4, words: [0, 0, 0, word] }), eni: id }),
);
const watch = createWatch(sw, say, clock);

function addTap(fd: number, end: End): number {
  const free = fds.indexOf(undefined);
  const tap = free < 0 ? fds.length : free;
  fds[tap] = fd;
  plug(sw, tap, end);
  poll.add(fd, tap);
  return tap;
}

function removeTap(tap: number): void {
  const fd = fds[tap];
  if (fd === undefined) return;
  poll.remove(fd);
  unplug(sw, tap);
  fds[tap] = undefined;
  say({ kind: 'close', fd });
}

/** A machine with a network: the namespace, and its devices by ENI. */
interface Machine {
  readonly name: string;
  readonly namespace: number;
  readonly taps: Map<Port, { readonly tap: number; readonly index: number }>;
  running: boolean;
}

const machines = new Map<string, Machine>();
/** ENIs whose device has yet to be plugged in, since its name is still taken. */
const waiting = new Set<Port>();

function boot(id: string): void {
  const machine = { name: id, namespace: makeMachine(id), taps: new Map(), running: true };
  machines.set(id, machine);
  for (const each of instanceOf(fabric, id).ports) plugIn(machine, each, true);
}

function plugIn(machine: Machine, own: Port, atBoot: boolean): void {
  try {
    const fd = plugDevice(machine.namespace, deviceOf(own, mtuBytes, atBoot));
    const tap = addTap(fd, { kind: 'eni', port: own, running: machine.running });
    machine.taps.set(own, { tap, index: own.deviceIndex });
    waiting.delete(own);
  } catch (error) {
    if (!String(error).includes('EBUSY')) throw error;
    waiting.add(own);
  }
}

function halt(id: string): void {
  const machine = machines.get(id);
  if (machine === undefined) return;
  machines.delete(id);
  for (const { tap } of machine.taps.values()) removeTap(tap);
  forgetNamespace(`${NAMESPACES}/${id}`);
  close(machine.namespace);
}

/** The device of an ENI follows its attachment: in the new machine first, then out of the old one. */
function follow(own: Port): void {
  const wanted = own.instance && machines.get(own.instance.id);
  const had = [...machines.values()].filter(({ taps }) => taps.has(own));
  for (const machine of had) {
    const device = present(machine.taps.get(own), 'a device');
    if (machine === wanted && device.index === own.deviceIndex) return;
    machine.taps.delete(own);
    if (wanted !== undefined && wanted !== machine) plugIn(wanted, own, false);
    removeTap(device.tap);
    if (wanted === machine) plugIn(wanted, own, false);
    return;
  }
  if (wanted !== undefined) plugIn(wanted, own, false);
}

function take(change: Change): void {
  for (const { address, port: to } of applyChange(fabric, change)) {
    if (fabric.settings.fabricGarp) announce(sw, address, to);
  }
  if (change.kind === 'network-interface') follow(portOf(fabric, change.id));
}

function setRunning(id: string, running: boolean): void {
  const machine = machines.get(id);
  if (machine === undefined) return;
  machine.running = running;
  for (const { tap } of machine.taps.values()) {
    const end = sw.ends[tap];
    if (end?.kind === 'eni') end.running = running;
  }
}

const hosts = new Set<string>();
function setHosts(addresses: readonly string[]): void {
  for (const text of addresses) if (!hosts.has(text)) addHost(network, must(parseAddress(text)));
  const gone = [...hosts].filter((text) => !addresses.includes(text));
  for (const text of gone) removeHost(network, { address: must(parseAddress(text)), site: 0 });
  hosts.clear();
  for (const text of addresses) hosts.add(text);
  outside.give(addresses);
}

const links: LinkState = {
  ...createKernel(data.seed, 0),
  links: { withinZoneMs: 0, acrossZonesMs: 0, internetMs: 0, loss: 0 },
  cuts: new Map(),
};
const crossing: Crossing = (from, to, h) => {
  const loss = lossOf(links, nameOf(from, h, 'source'), nameOf(to, h, 'destination'));
  return loss === undefined ? 0 : CODE[loss];
};

function setCuts(cuts: readonly Cut[]): void {
  links.cuts.clear();
  for (const cut of cuts) links.cuts.set(cut.id, cut);
  sw.crossing = cuts.length === 0 ? undefined : crossing;
}

function obey(message: ToThread): void {
  switch (message.kind) {
    case 'changes':
      for (const change of message.changes) take(change);
      break;
    case 'hosts':
      setHosts(message.addresses);
      break;
    case 'power':
      if (message.power === 'dead') halt(message.instance);
      else if (!machines.has(message.instance)) boot(message.instance);
      setRunning(message.instance, message.power === 'running');
      break;
    case 'cuts':
      setCuts(message.cuts);
      break;
    case 'watch':
      watch.packets(message.on);
      break;
    case 'capture':
      watch.capture(message.eni);
      break;
    case 'closed':
      for (const each of waiting) follow(each);
      break;
    case 'ask': {
      const counts = { ...sw.counts, refused, taps: fds.filter((fd) => fd !== undefined).length };
      say({ kind: 'done', request: message.request, counts });
      break;
    }
    default:
      unreachable(message);
  }
}

const rung = Buffer.alloc(8);
function hear(): void {
  readNow(data.bell, rung);
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    try {
      obey(next.message);
    } catch (error) {
      say({ kind: 'fault', text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
}

/** Frames that are read from one TAP before the next has its turn. */
const BURST = 64;
const NEEDS_CHECKSUM = 1;

function drain(tap: number, now: number): void {
  for (let count = 0; count < BURST; count++) {
    const fd = fds[tap];
    const length = fd === undefined ? -1 : readNow(fd, buffer);
    if (length <= HEADROOM) return;
    frame.end = length;
    frame.partial = (buffer.readUInt8(0) & NEEDS_CHECKSUM) !== 0;
    frame.segmentBytes = buffer.readUInt8(1) === 0 ? 0 : buffer.readUInt16LE(4);
    watch.captured(tap, true, buffer, length);
    switchFrame(sw, tap, frame, now);
  }
}

const outside = beyondDevice(makeMachine(OUTSIDE));
addTap(outside.fd, { kind: 'outside' });
addTap(servicesDevice(makeMachine(SERVICES)), { kind: 'services' });
poll.add(data.bell, BELL);
runFirst();
say({ kind: 'ready' });
const ready: number[] = [];
for (;;) {
  const count = poll.wait(ready);
  const now = clock();
  for (let index = 0; index < count; index++) {
    const tap = ready[index] ?? BELL;
    if (tap === BELL) hear();
    else drain(tap, now);
  }
  watch.flush();
}

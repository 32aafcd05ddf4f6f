/** Does a fault to a world, and undoes it. */
import { assert, present, unreachable } from '../../controller/base/result.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import { inject, request, setKnobs } from '../world/api.ts';
import { controlGuest, type GuestVerb } from '../world/guests.ts';
import { after } from '../world/kernel.ts';
import { addCut, removeCut } from '../world/links.ts';
import type { Knobs } from '../world/settings.ts';
import type { World } from '../world/state.ts';
import { type Cast, hold, release } from './cast.ts';
import type { Fault, Trouble } from './fault.ts';
import type { OwnedGroup, Scene } from './scenario.ts';
import { PLACE } from './scenes/network.ts';

export interface Theatre {
  readonly world: World;
  readonly scene: Scene;
  readonly cast: Cast;
  /** What the API is like when nothing is wrong with it. */
  readonly knobs: Knobs;
}

/** An operator tries again so often until his call succeeds, ms. */
const AGAIN_MS = 2000;

/** Plans a fault of a run whose faults begin now. */
export function planFault(
  theatre: Theatre,
  fault: Fault,
  told: (fault: Fault, begins: boolean) => void,
): void {
  const { world } = theatre;
  after(world, fault.at, () => {
    told(fault, true);
    const undo = inflict(theatre, fault);
    after(world, fault.forMs, () => {
      undo();
      told(fault, false);
    });
  });
}

function inflict(theatre: Theatre, fault: Trouble): () => void {
  const { world, scene, cast } = theatre;
  switch (fault.kind) {
    case 'machine':
      return troubleMachine(theatre, fault);
    case 'zone': {
      const lost = Object.entries(scene.machines).filter(([, { zone }]) => zone === fault.zone);
      const undo = lost.map(([machine]) =>
        troubleMachine(theatre, { kind: 'machine', how: 'kill', machine }),
      );
      return () => {
        for (const one of undo) one();
      };
    }
    case 'daemon': {
      const actor = present(cast.get(fault.machine), 'a daemon');
      hold(actor);
      return () => release(world, actor);
    }
    case 'link':
      return troubleLink(theatre, fault);
    case 'calls':
      inject(world.api, { fault: requestFault(fault), times: fault.times, action: fault.action });
      return () => undefined;
    case 'api':
      setKnobs(world.api, knobsOf(fault));
      return () => setKnobs(world.api, theatre.knobs);
    case 'operator': {
      const group = present(
        scene.groups.find(({ name }) => name === fault.group),
        'a group',
      );
      operate(theatre, group, fault.to);
      return () => undefined;
    }
    case 'store':
      setKnobs(world.api, { dynamodb: fault.how });
      return () => setKnobs(world.api, { dynamodb: theatre.knobs.dynamodb });
    default:
      return unreachable(fault);
  }
}

const instanceOf = ({ scene }: Theatre, machine: string): string =>
  present(scene.machines[machine], `machine ${machine}`).instance;

const UNDO = { kill: 'start', hang: 'resume', freeze: 'resume', drop: 'nodrop' } as const;

function troubleMachine(
  theatre: Theatre,
  { how, machine }: Extract<Trouble, { kind: 'machine' }>,
): () => void {
  const { world } = theatre;
  const instance = instanceOf(theatre, machine);
  // Two faults may meet in one machine: what cannot be done to a dead one is not done.
  const verb = (name: GuestVerb): unknown => controlGuest(world, instance, name);
  switch (how) {
    case 'stop':
      persist(
        world,
        'StopInstances',
        { InstanceIds: [instance] },
        () => stateOf(world, instance) === 'running',
      );
      return () => wake(world, instance);
    case 'reboot':
      verb('reboot');
      return () => undefined;
    case 'kill':
    case 'hang':
    case 'freeze':
    case 'drop':
      verb(how);
      return () => verb(UNDO[how]);
    default:
      return unreachable(how);
  }
}

const stateOf = (world: World, instance: string): string | undefined =>
  world.records.instance.get(instance)?.state;

/** Sees to it that an instance runs, whatever has been done to it. */
export function wake(world: World, instance: string): void {
  const machine = world.guests.get(instance);
  if (stateOf(world, instance) === 'running') {
    controlGuest(world, instance, 'start');
    controlGuest(world, instance, 'resume');
    controlGuest(world, instance, 'nodrop');
    return;
  }
  assert(machine !== undefined, 'an instance of the scene has run');
  persist(world, 'StartInstances', { InstanceIds: [instance] }, () => stateOf(world, instance) !== 'running');
}

/** Makes a call again and again while it is still wanted: the API may be in trouble as well. */
function persist(world: World, action: string, input: object, wanted: () => boolean): void {
  if (!wanted()) return;
  request(world.api, { ...PLACE, service: 'ec2', action, input }, () => undefined);
  after(world, AGAIN_MS, () => persist(world, action, input, wanted));
}

function troubleLink(theatre: Theatre, fault: Extract<Trouble, { kind: 'link' }>): () => void {
  const { world } = theatre;
  const elsewhere = new Map([
    ['*', '*'],
    ['internet', 'internet'],
    ['api', API_ADDRESS],
    ['host', present(theatre.scene.flows[0], 'a flow').to],
  ]);
  const nameOf = (name: string): string => elsewhere.get(name) ?? instanceOf(theatre, name);
  const { direction, loss } = fault;
  const cut = addCut(world, { from: nameOf(fault.from), to: nameOf(fault.to), direction, loss });
  return () => {
    if (cut.ok) removeCut(world, cut.value.id);
  };
}

function requestFault({ what, lateMs }: Extract<Trouble, { kind: 'calls' }>) {
  switch (what) {
    case 'late':
      return { kind: 'late' as const, delayMs: lateMs };
    case 'error':
      return {
        kind: 'error' as const,
        code: 'InternalError',
        message: 'An internal error has occurred',
        status: 500,
      };
    case 'throttle':
    case 'applied-no-answer':
    case 'lost':
      return { kind: what };
    default:
      return unreachable(what);
  }
}

function knobsOf({ how, much }: Extract<Trouble, { kind: 'api' }>): Partial<Knobs> {
  switch (how) {
    case 'slow':
      return { latency: { medianMs: much, spread: 0.5 } };
    case 'late-effect':
      return { propagation: { medianMs: much, spread: 0.5 } };
    case 'stale':
      return { staleReadsMs: much };
    case 'errors':
      return { errors: { rate: much, code: 'InternalError', status: 500 } };
    case 'forbidden':
      return { errors: { rate: much, code: 'UnauthorizedOperation', status: 403 } };
    case 'unanswered':
      return { appliedButTimedOut: much };
    default:
      return unreachable(how);
  }
}

/** Somebody who does not know the daemons leads a group to a member, or takes it from all. */
function operate({ world, scene }: Theatre, { resource }: OwnedGroup, to: string | undefined): void {
  const ec2 = (action: string, input: object): void =>
    request(world.api, { ...PLACE, service: 'ec2', action, input }, () => undefined);
  if (resource.kind === 'routes') {
    for (const { table: RouteTableId, destination: DestinationCidrBlock } of resource.routes) {
      const route = { RouteTableId, DestinationCidrBlock };
      if (to === undefined) ec2('DeleteRoute', route);
      else ec2('ReplaceRoute', { ...route, NetworkInterfaceId: present(scene.machines[to], to).eni });
    }
    return;
  }
  const { eni: NetworkInterfaceId } = resource;
  const filter = { NetworkInterfaceIds: [NetworkInterfaceId] };
  request(
    world.api,
    { ...PLACE, service: 'ec2', action: 'DescribeNetworkInterfaces', input: filter },
    (reply) => {
      if (reply.kind === 'error') return;
      const { NetworkInterfaces: [found] = [] } = reply.output as {
        NetworkInterfaces?: { Attachment?: { AttachmentId: string } }[];
      };
      const AttachmentId = found?.Attachment?.AttachmentId;
      if (AttachmentId !== undefined) ec2('DetachNetworkInterface', { AttachmentId, Force: true });
    },
  );
  if (to === undefined) return;
  const InstanceId = present(scene.machines[to], to).instance;
  after(world, 2 * AGAIN_MS, () =>
    ec2('AttachNetworkInterface', { NetworkInterfaceId, InstanceId, DeviceIndex: 1 }),
  );
}

/** Does a fault to a world, and undoes it. */
import { assert, present, unreachable } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import { inject, request, setKnobs } from '../world/api.ts';
import { clockOf, TRUE_CLOCK } from '../world/clock.ts';
import { controlGuest, type GuestVerb, setFull } from '../world/guests.ts';
import { after } from '../world/kernel.ts';
import { addCut, type Trouble as PathTrouble, removeCut } from '../world/links.ts';
import { pause, unpause } from '../world/node.ts';
import type { Knobs } from '../world/settings.ts';
import type { World } from '../world/state.ts';
import { type Actor, type Cast, hold, release, restart, upgrade } from './cast.ts';
import type { Fault, Trouble } from './fault.ts';
import { AGAIN_MS, operate, pulumiUp } from './operate.ts';
import type { OwnedGroup, Scene } from './scenario.ts';
import { PLACE } from './scenes/network.ts';
import { shutDown } from './shut-down.ts';

export interface Theatre {
  readonly world: World;
  readonly scene: Scene;
  readonly cast: Cast;
  /** The actions by which groups are moved. */
  readonly writes: readonly string[];
  /** What the API is like when nothing is wrong with it. */
  readonly knobs: Knobs;
}

/** Plans a fault of a run whose faults begin now. */
export function planFault(
  theatre: Theatre,
  fault: Fault,
  told: (fault: Fault, begins: boolean) => void,
): void {
  const { world } = theatre;
  after(world, fault.at, () => {
    told(fault, true);
    const undo = inflict(theatre, fault, fault.forMs);
    after(world, fault.forMs, () => {
      undo();
      told(fault, false);
    });
  });
}

function inflict(theatre: Theatre, fault: Trouble, forMs: Millis): () => void {
  const { world, scene, cast } = theatre;
  switch (fault.kind) {
    case 'machine':
      return troubleMachine(theatre, fault, forMs);
    case 'zone': {
      const lost = Object.entries(scene.machines).filter(([, { zone }]) => zone === fault.zone);
      const undo = lost.map(([machine]) =>
        troubleMachine(theatre, { kind: 'machine', how: 'kill', machine }, forMs),
      );
      return () => {
        for (const one of undo) one();
      };
    }
    case 'daemon':
      return troubleDaemon(world, present(cast.get(fault.machine), 'a daemon'), fault);
    case 'link':
      return cut(theatre, fault, fault.loss);
    case 'calls':
      inject(world.api, { fault: requestFault(fault), times: fault.times, action: fault.action });
      return () => undefined;
    case 'api':
      return troubleApi(theatre, fault);
    case 'operator':
      operate(theatre, groupOf(theatre, fault.group), fault.to);
      return () => undefined;
    case 'store':
      setKnobs(world.api, { dynamodb: fault.how });
      return () => setKnobs(world.api, { dynamodb: theatre.knobs.dynamodb });
    case 'path': {
      const { delayMs, jitterMs, twice } = fault;
      return cut(theatre, fault, 0, { delayMs, jitterMs, twice });
    }
    case 'upgrade':
      upgrade(world, cast, fault.from);
      return () => undefined;
    case 'leave':
      return shutDown(
        world,
        present(cast.get(fault.machine), 'a daemon'),
        instanceOf(theatre, fault.machine),
      );
    case 'pulumi':
      return pulumiUp(theatre, groupOf(theatre, fault.group), fault.lateMs);
    default:
      return unreachable(fault);
  }
}

const instanceOf = ({ scene }: Theatre, machine: string): string =>
  present(scene.machines[machine], `machine ${machine}`).instance;

const UNDO = { kill: 'start', hang: 'resume', freeze: 'resume', drop: 'nodrop' } as const;

const groupOf = ({ scene }: Theatre, name: string): OwnedGroup =>
  present(
    scene.groups.find((group) => group.name === name),
    'a group',
  );

function troubleDaemon(
  world: World,
  actor: Actor,
  { how, aheadMs, drift, writes = 0 }: Extract<Trouble, { kind: 'daemon' }>,
): () => void {
  switch (how) {
    case 'kill':
      hold(actor);
      return () => release(world, actor);
    case 'crash':
      actor.doomed = writes;
      return () => {
        actor.doomed = undefined;
      };
    case 'pause': {
      const { daemon } = actor;
      pause(daemon);
      return () => unpause(daemon);
    }
    case 'clock':
      restart(world, actor, { clock: clockOf(aheadMs, drift) });
      return () => restart(world, actor, { clock: TRUE_CLOCK });
    default:
      return unreachable(how);
  }
}

function troubleMachine(
  theatre: Theatre,
  { how, machine }: Extract<Trouble, { kind: 'machine' }>,
  forMs: Millis,
): () => void {
  const { world } = theatre;
  const instance = instanceOf(theatre, machine);
  // Two faults may meet in one machine: what cannot be done to a dead one is not done.
  const verb = (name: GuestVerb): unknown => controlGuest(world, instance, name);
  // A call that the API does not take is given up with the fault, and not made when all is well again.
  let lasts = true;
  const end = (action: string): void =>
    persist(
      world,
      action,
      { InstanceIds: [instance] },
      () => lasts && stateOf(world, instance) === 'running',
    );
  const over = (): void => {
    lasts = false;
  };
  switch (how) {
    case 'stop':
      end('StopInstances');
      return () => {
        over();
        wake(world, instance);
      };
    case 'stuck':
      setKnobs(world.api, { stopMs: forMs });
      end('StopInstances');
      return () => {
        over();
        setKnobs(world.api, { stopMs: theatre.knobs.stopMs });
        wake(world, instance);
      };
    case 'terminate':
      end('TerminateInstances');
      return over;
    case 'full':
      setFull(world, instance, true);
      return () => setFull(world, instance, false);
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

const isGone = (world: World, instance: string): boolean =>
  ['shutting-down', 'terminated', undefined].includes(stateOf(world, instance));

/** Sees to it that an instance runs, whatever has been done to it. */
export function wake(world: World, instance: string): void {
  const machine = world.guests.get(instance);
  if (stateOf(world, instance) === 'running') {
    controlGuest(world, instance, 'start');
    controlGuest(world, instance, 'resume');
    controlGuest(world, instance, 'nodrop');
    setFull(world, instance, false);
    return;
  }
  assert(machine !== undefined, 'an instance of the scene has run');
  if (isGone(world, instance)) return;
  persist(
    world,
    'StartInstances',
    { InstanceIds: [instance] },
    () => stateOf(world, instance) !== 'running' && !isGone(world, instance),
  );
}

/** Makes a call again and again while it is still wanted: the API may be in trouble as well. */
function persist(world: World, action: string, input: object, wanted: () => boolean): void {
  if (!wanted()) return;
  request(world.api, { ...PLACE, service: 'ec2', action, input }, () => undefined);
  after(world, AGAIN_MS, () => persist(world, action, input, wanted));
}

function cut(
  theatre: Theatre,
  { from, to, direction }: Extract<Trouble, { kind: 'link' | 'path' }>,
  loss: number,
  trouble?: PathTrouble,
): () => void {
  const { world } = theatre;
  const elsewhere = new Map([
    ['*', '*'],
    ['internet', 'internet'],
    ['api', API_ADDRESS],
    ['host', present(theatre.scene.flows[0], 'a flow').to],
  ]);
  const nameOf = (name: string): string => elsewhere.get(name) ?? instanceOf(theatre, name);
  const between = { from: nameOf(from), to: nameOf(to), direction };
  const made = addCut(world, { ...between, loss, ...(trouble && { trouble }) });
  return () => {
    if (made.ok) removeCut(world, made.value.id);
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

function troubleApi(theatre: Theatre, fault: ApiTrouble): () => void {
  const { world, knobs } = theatre;
  if (fault.how === 'outage') {
    const everybody = { kind: 'link', from: '*', to: 'api', direction: 'both', loss: 1 } as const;
    return cut(theatre, everybody, 1);
  }
  if (fault.how === 'emptied') return emptyBuckets(theatre);
  if (fault.how === 'revoked') return revoke(theatre);
  setKnobs(world.api, knobsOf(fault.how, fault.much));
  return () => setKnobs(world.api, knobs);
}

/** Another tool of the account makes more requests than are refilled, of the actions that move groups. */
function emptyBuckets({ world, writes }: Theatre): () => void {
  let goesOn = true;
  const ask = (): void => {
    if (!goesOn) return;
    for (const action of writes)
      for (let index = 0; index < 5; index++)
        request(world.api, { ...PLACE, service: 'ec2', action, input: {} }, () => undefined);
    after(world, 400, ask);
  };
  ask();
  return () => {
    goesOn = false;
  };
}

/** Refuses the actions that move groups, as where a permission was taken away long before it is needed. */
function revoke({ world, writes }: Theatre): () => void {
  const message = 'You are not authorized to perform this operation.';
  const fault = { kind: 'error', code: 'UnauthorizedOperation', message, status: 403 } as const;
  for (const action of writes) inject(world.api, { fault, times: Number.POSITIVE_INFINITY, action });
  return () => {
    world.api.injections = world.api.injections.filter((one) => one.fault !== fault);
  };
}

type ApiTrouble = Extract<Trouble, { kind: 'api' }>;

function knobsOf(
  how: Exclude<ApiTrouble['how'], 'outage' | 'emptied' | 'revoked'>,
  much: number,
): Partial<Knobs> {
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
    case 'expired':
      return { errors: { rate: 1, code: 'RequestExpired', status: 400 } };
    case 'ipv6-refused':
      return {
        errors: {
          rate: 1,
          code: 'UnauthorizedOperation',
          status: 403,
          having: 'DestinationIpv6CidrBlock',
        },
      };
    case 'detach-hangs':
      return { detachMs: much };
    case 'no-credentials':
      return { credentials: 'down' };
    default:
      return unreachable(how);
  }
}

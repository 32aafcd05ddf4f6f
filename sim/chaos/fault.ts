/**
 * What can go wrong in a run, as data: each fault has its time and its end, so that a plan can be printed,
 * replayed and shrunk. Machines go by their names in the scenario.
 */
import { z } from 'zod';
import { unreachable } from '../../controller/base/result.ts';

const millis = z.number().min(0);
const share = z.number().min(0).max(1);

const troubles = [
  /**
   * `kill`: no power. `hang`: programs stop, the kernel forwards. `freeze`: nothing runs, memory stays.
   * `drop`: forwards nothing, all else lives. `reboot`, `stop`: by itself; by EC2, as a spot instance.
   * `stuck`: by EC2, and it stays `stopping` to the end. `terminate`: gone for good, with its ENI. `full`: it
   * takes no new flow.
   */
  z.strictObject({
    kind: z.literal('machine'),
    how: z.enum(['kill', 'hang', 'freeze', 'drop', 'reboot', 'stop', 'stuck', 'terminate', 'full']),
    machine: z.string(),
  }),
  /** All machines of a zone lose their power. */
  z.strictObject({ kind: z.literal('zone'), zone: z.string() }),
  /**
   * `kill`: the daemon's process is killed, and started again at the end. `crash`: it dies in the next step
   * that writes, when `writes` of its writes have left, and is started again. `pause`: it is held up, its
   * kernel and its BFD are not. `clock`: it is started anew with a clock that is ahead and gains, and at the
   * end with the true one.
   */
  z.strictObject({
    kind: z.literal('daemon'),
    how: z.enum(['kill', 'crash', 'pause', 'clock']),
    machine: z.string(),
    writes: z.int().min(0).optional(),
    aheadMs: millis,
    drift: z.number(),
  }),
  /**
   * Packets between two machines are lost: all (1) or a share. `*` is everybody, `internet` every host
   * there, `api` the API's, `host` the one that flows go to.
   */
  z.strictObject({
    kind: z.literal('link'),
    from: z.string(),
    to: z.string(),
    direction: z.enum(['both', 'one-way']),
    loss: share,
  }),
  /** The next requests of an action, or of any. `late`: applied after `lateMs`, never answered. */
  z.strictObject({
    kind: z.literal('calls'),
    what: z.enum(['throttle', 'error', 'applied-no-answer', 'lost', 'late']),
    action: z.string().optional(),
    times: z.int().min(1),
    lateMs: millis,
  }),
  /**
   * How the API behaves meanwhile. `much`: ms where it is slow, stale or late in effect, or detaching
   * takes so long; else a share. `outage`: nobody reaches the region's endpoints. `emptied`: another tool
   * takes the account's requests. `revoked`: nobody may move groups, all else works. `ipv6-refused`: nobody
   * may change IPv6 routes. `no-credentials`: neither STS nor instance metadata gives any.
   */
  z.strictObject({
    kind: z.literal('api'),
    how: z.enum([
      'slow',
      'stale',
      'errors',
      'unanswered',
      'forbidden',
      'late-effect',
      'outage',
      'expired',
      'emptied',
      'detach-hangs',
      'revoked',
      'ipv6-refused',
      'no-credentials',
    ]),
    much: z.number().min(0),
  }),
  /** Somebody else rewrites what a group owns: to another member, or (absent) takes it from all. */
  z.strictObject({ kind: z.literal('operator'), group: z.string(), to: z.string().optional() }),
  /** What requests about leases meet: they are lost, take 3 s, or are applied and never answered. */
  z.strictObject({ kind: z.literal('store'), how: z.enum(['silent', 'slow', 'unanswered']) }),
  /** Packets between two machines, as for `link`, take longer, overtake each other, or arrive twice. */
  z.strictObject({
    kind: z.literal('path'),
    from: z.string(),
    to: z.string(),
    direction: z.enum(['both', 'one-way']),
    delayMs: millis,
    jitterMs: millis,
    twice: share,
  }),
  /**
   * All daemons are started anew, one after the other, with their memory or with that of an older
   * version.
   */
  z.strictObject({ kind: z.literal('upgrade'), from: z.enum(['same', 'older']) }),
  /** An appliance shuts down, as its daemon is told before, and boots at the end. */
  z.strictObject({ kind: z.literal('leave'), machine: z.string() }),
  /** As soon as a daemon moves the group, `pulumi up` writes what the program says: the first member. */
  z.strictObject({ kind: z.literal('pulumi'), group: z.string(), lateMs: millis }),
] as const;

/** When it begins, from the start of the run's faults, and after how long it is undone; ms. */
const timed = { at: millis, forMs: millis };

export const faultSchema = z.discriminatedUnion('kind', [
  troubles[0].extend(timed),
  troubles[1].extend(timed),
  troubles[2].extend(timed),
  troubles[3].extend(timed),
  troubles[4].extend(timed),
  troubles[5].extend(timed),
  troubles[6].extend(timed),
  troubles[7].extend(timed),
  troubles[8].extend(timed),
  troubles[9].extend(timed),
  troubles[10].extend(timed),
  troubles[11].extend(timed),
]);

const troubleSchema = z.discriminatedUnion('kind', troubles);
export type Trouble = z.infer<typeof troubleSchema>;
export type Fault = z.infer<typeof faultSchema>;

const spanOf = ({ at, forMs }: Fault): string =>
  `${(at / 1000).toFixed(3)}-${((at + forMs) / 1000).toFixed(3)} s`;

function wordsOf(fault: Trouble): string {
  switch (fault.kind) {
    case 'machine':
      return `${fault.how} ${fault.machine}`;
    case 'zone':
      return `zone ${fault.zone} without power`;
    case 'daemon':
      return `daemon of ${fault.machine}: ${daemonWords(fault)}`;
    case 'link':
      return `${fault.loss === 1 ? 'cut' : `loss of ${Math.round(fault.loss * 100)} %`} ${betweenWords(fault)}`;
    case 'path':
      return `${fault.delayMs} ms more, up to ${fault.jitterMs} ms by chance, ${Math.round(fault.twice * 100)} % twice: ${betweenWords(fault)}`;
    case 'upgrade':
      return `daemons upgraded one by one from ${fault.from === 'older' ? 'an older version' : 'the same version'}`;
    case 'leave':
      return `${fault.machine} shuts down`;
    case 'pulumi':
      return `pulumi up ${fault.lateMs} ms after a move of ${fault.group} begins`;
    case 'calls':
      return `${fault.what}${fault.what === 'late' ? ` by ${fault.lateMs} ms` : ''} for the next ${fault.times} of ${fault.action ?? 'any action'}`;
    case 'api':
      return `API ${fault.how} (${fault.much})`;
    case 'operator':
      return `operator ${fault.to === undefined ? 'deletes what it owns' : `moves it to ${fault.to}`}: ${fault.group}`;
    case 'store':
      return `store of leases ${fault.how}`;
    default:
      return unreachable(fault);
  }
}

function daemonWords({ how, aheadMs, drift, writes = 0 }: Extract<Trouble, { kind: 'daemon' }>): string {
  if (how === 'clock') return `clock ${aheadMs} ms ahead, gains ${drift * 1e6} ppm`;
  return how === 'crash' ? `crash when ${writes} writes of a step have left` : how;
}

/** What is told apart where faults are counted: `machine kill`, `link cut one-way`. */
export function nameOfFault(fault: Trouble): string {
  switch (fault.kind) {
    case 'machine':
    case 'daemon':
    case 'api':
    case 'store':
      return `${fault.kind} ${fault.how}`;
    case 'calls':
      return `calls ${fault.what}`;
    case 'link':
      return `link ${fault.loss === 1 ? `cut ${fault.direction}` : 'loss'}`;
    case 'path':
      return `path ${fault.twice > 0 ? 'twice' : fault.jitterMs > fault.delayMs ? 'reordering' : 'delay'}`;
    case 'upgrade':
      return `upgrade ${fault.from}`;
    case 'operator':
      return `operator ${fault.to === undefined ? 'deletes' : 'moves'}`;
    case 'zone':
    case 'leave':
    case 'pulumi':
      return fault.kind;
    default:
      return unreachable(fault);
  }
}

const betweenWords = ({ from, to, direction }: Extract<Trouble, { kind: 'link' | 'path' }>): string =>
  `${from} ${direction === 'both' ? '<->' : '->'} ${to}`;

/** One line for people: when, what. */
export const describeFault = (fault: Fault): string => `${spanOf(fault)} ${wordsOf(fault)}`;

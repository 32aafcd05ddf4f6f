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
   */
  z.strictObject({
    kind: z.literal('machine'),
    how: z.enum(['kill', 'hang', 'freeze', 'drop', 'reboot', 'stop']),
    machine: z.string(),
  }),
  /** All machines of a zone lose their power. */
  z.strictObject({ kind: z.literal('zone'), zone: z.string() }),
  /** The daemon's process is killed, and started again at the end. */
  z.strictObject({ kind: z.literal('daemon'), machine: z.string() }),
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
  /** How the API behaves meanwhile. `much`: ms where it is slow, stale or late in effect; else a share. */
  z.strictObject({
    kind: z.literal('api'),
    how: z.enum(['slow', 'stale', 'errors', 'unanswered', 'forbidden', 'late-effect']),
    much: z.number().min(0),
  }),
  /** Somebody else rewrites what a group owns: to another member, or (absent) takes it from all. */
  z.strictObject({ kind: z.literal('operator'), group: z.string(), to: z.string().optional() }),
  /** What requests about leases meet: they are lost, take 3 s, or are applied and never answered. */
  z.strictObject({ kind: z.literal('store'), how: z.enum(['silent', 'slow', 'unanswered']) }),
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
      return `daemon of ${fault.machine} killed`;
    case 'link':
      return `${fault.loss === 1 ? 'cut' : `loss of ${Math.round(fault.loss * 100)} %`} ${fault.from} ${fault.direction === 'both' ? '<->' : '->'} ${fault.to}`;
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

/** One line for people: when, what. */
export const describeFault = (fault: Fault): string => `${spanOf(fault)} ${wordsOf(fault)}`;

/**
 * The finite state machine of RFC 4271 8.2.2, as a table: for each state what each event does, and where it
 * leads. One machine runs for each connection (8.2.1). It decides nothing else: who acts is `session.ts`.
 * Beyond RFC 4271: SendHoldTimer_Expires (RFC 9687), and what docs/RFC.md calls a deviation.
 */

/** RFC 4271 8.2.2. */
export const STATES = ['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established'] as const;
export type FsmState = (typeof STATES)[number];

/** RFC 4271 8.1, by number from 1; 29 is that of RFC 9687. */
export const EVENTS = [
  'ManualStart',
  'ManualStop',
  'AutomaticStart',
  'ManualStart_with_PassiveTcpEstablishment',
  'AutomaticStart_with_PassiveTcpEstablishment',
  'AutomaticStart_with_DampPeerOscillations',
  'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment',
  'AutomaticStop',
  'ConnectRetryTimer_Expires',
  'HoldTimer_Expires',
  'KeepaliveTimer_Expires',
  'DelayOpenTimer_Expires',
  'IdleHoldTimer_Expires',
  'TcpConnection_Valid',
  'Tcp_CR_Invalid',
  'Tcp_CR_Acked',
  'TcpConnectionConfirmed',
  'TcpConnectionFails',
  'BGPOpen',
  'BGPOpen with DelayOpenTimer running',
  'BGPHeaderErr',
  'BGPOpenMsgErr',
  'OpenCollisionDump',
  'NotifMsgVerErr',
  'NotifMsg',
  'KeepAliveMsg',
  'UpdateMsg',
  'UpdateMsgErr',
  'SendHoldTimer_Expires',
] as const;
export type FsmEvent = (typeof EVENTS)[number];

/** What a transition asks for, in order. */
export type FsmAction =
  | 'zero ConnectRetryCounter'
  /** With peer oscillation damping: the next start waits longer. RFC 4271 8.1.1, 8.2.1.3. */
  | 'count and damp'
  | 'start ConnectRetryTimer'
  | 'stop ConnectRetryTimer'
  | 'start DelayOpenTimer'
  | 'stop DelayOpenTimer'
  | 'initiate TCP'
  /** Close, after what was sent has left. */
  | 'drop TCP'
  | 'send OPEN'
  | 'set large HoldTimer'
  | 'send KEEPALIVE'
  /** Both to negotiated values; neither where the Hold Time is 0. */
  | 'start HoldTimer and KeepaliveTimer'
  | 'restart HoldTimer'
  | 'restart KeepaliveTimer'
  | 'send NOTIFICATION'
  | 'send Cease'
  | 'send Hold Timer Expired'
  | 'send Send Hold Timer Expired'
  | 'send FSM Error'
  /** The session is up: addition to the RIB, and the first UPDATEs. */
  | 'begin exchange'
  | 'process UPDATE'
  /** Delete all routes of the connection, or keep them as stale. RFC 4271 8.2.2, RFC 4724 4.2. */
  | 'delete routes';

/** What the table asks of the connection. */
export interface FsmFacts {
  /** The DelayOpen attribute. RFC 4271 8.1.1. */
  readonly delayOpen: boolean;
  readonly delayOpenTimerRunning: boolean;
}

export interface Row {
  readonly when?: keyof FsmFacts;
  readonly to: FsmState;
  readonly act: readonly FsmAction[];
}

/** Rows of an event in order: the first whose condition holds counts. */
type Rows = Partial<Readonly<Record<FsmEvent, readonly Row[]>>>;

const row = (to: FsmState, ...act: readonly FsmAction[]): readonly Row[] => [{ to, act }];

/** Events that a state takes no notice of. */
const ignore = (state: FsmState, events: readonly FsmEvent[]): Rows =>
  Object.fromEntries(events.map((event) => [event, row(state)]));

const STARTS = EVENTS.filter((event) => event.includes('Start'));
/** A second connection has a machine of its own, until 6.8 says which one stays. */
const OTHER_CONNECTION = ['TcpConnection_Valid', 'Tcp_CR_Invalid'] as const;

/** How a connection ends: what is said, then the end of all, counted as a fault or not. */
const ends = (...said: readonly FsmAction[]): readonly Row[] =>
  row('Idle', ...said, 'stop ConnectRetryTimer', 'drop TCP', 'count and damp');
const endsUncounted = (...said: readonly FsmAction[]): readonly Row[] =>
  row('Idle', ...said, 'stop ConnectRetryTimer', 'drop TCP');
const stops = (...said: readonly FsmAction[]): readonly Row[] =>
  row('Idle', ...said, 'stop ConnectRetryTimer', 'drop TCP', 'zero ConnectRetryCounter');

/** Idle refuses connections, and waits for a start. */
const IDLE: Rows = {
  ManualStart: row('Connect', 'zero ConnectRetryCounter', 'start ConnectRetryTimer', 'initiate TCP'),
  AutomaticStart: row('Connect', 'zero ConnectRetryCounter', 'start ConnectRetryTimer', 'initiate TCP'),
  ManualStart_with_PassiveTcpEstablishment: row(
    'Active',
    'zero ConnectRetryCounter',
    'start ConnectRetryTimer',
  ),
  AutomaticStart_with_PassiveTcpEstablishment: row(
    'Active',
    'zero ConnectRetryCounter',
    'start ConnectRetryTimer',
  ),
  AutomaticStart_with_DampPeerOscillations: row('Connect', 'start ConnectRetryTimer', 'initiate TCP'),
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: row(
    'Active',
    'start ConnectRetryTimer',
  ),
};

const opensAtOnce: Row = {
  to: 'OpenSent',
  act: ['stop ConnectRetryTimer', 'send OPEN', 'set large HoldTimer'],
};

/** The neighbor's OPEN came first, which DelayOpen is for. */
const opensInAnswer = row(
  'OpenConfirm',
  'stop ConnectRetryTimer',
  'stop DelayOpenTimer',
  'send OPEN',
  'send KEEPALIVE',
  'start HoldTimer and KeepaliveTimer',
);

const versionDisliked: readonly Row[] = [
  {
    when: 'delayOpenTimerRunning',
    to: 'Idle',
    act: ['stop ConnectRetryTimer', 'stop DelayOpenTimer', 'drop TCP'],
  },
  ...ends(),
];

const delayedOpens = (state: FsmState): readonly Row[] => [
  { when: 'delayOpen', to: state, act: ['stop ConnectRetryTimer', 'start DelayOpenTimer'] },
  opensAtOnce,
];

/** A connection is being made. */
const CONNECT: Rows = {
  ...ignore('Connect', [...STARTS, ...OTHER_CONNECTION]),
  ManualStop: row('Idle', 'drop TCP', 'zero ConnectRetryCounter', 'stop ConnectRetryTimer'),
  ConnectRetryTimer_Expires: row(
    'Connect',
    'drop TCP',
    'start ConnectRetryTimer',
    'stop DelayOpenTimer',
    'initiate TCP',
  ),
  DelayOpenTimer_Expires: row('OpenSent', 'stop DelayOpenTimer', 'send OPEN', 'set large HoldTimer'),
  Tcp_CR_Acked: delayedOpens('Connect'),
  TcpConnectionConfirmed: delayedOpens('Connect'),
  TcpConnectionFails: [
    {
      when: 'delayOpenTimerRunning',
      to: 'Active',
      act: ['start ConnectRetryTimer', 'stop DelayOpenTimer', 'drop TCP'],
    },
    { to: 'Idle', act: ['stop ConnectRetryTimer', 'drop TCP'] },
  ],
  'BGPOpen with DelayOpenTimer running': opensInAnswer,
  BGPHeaderErr: ends('send NOTIFICATION'),
  BGPOpenMsgErr: ends('send NOTIFICATION'),
  NotifMsgVerErr: versionDisliked,
};

/** Nothing is being made; we listen. */
const ACTIVE: Rows = {
  ...ignore('Active', [...STARTS, ...OTHER_CONNECTION]),
  ManualStop: [
    {
      when: 'delayOpenTimerRunning',
      to: 'Idle',
      act: [
        'send Cease',
        'stop DelayOpenTimer',
        'drop TCP',
        'zero ConnectRetryCounter',
        'stop ConnectRetryTimer',
      ],
    },
    ...stops(),
  ],
  ConnectRetryTimer_Expires: row('Connect', 'start ConnectRetryTimer', 'initiate TCP'),
  DelayOpenTimer_Expires: row(
    'OpenSent',
    'stop ConnectRetryTimer',
    'stop DelayOpenTimer',
    'send OPEN',
    'set large HoldTimer',
  ),
  Tcp_CR_Acked: delayedOpens('Active'),
  TcpConnectionConfirmed: delayedOpens('Active'),
  TcpConnectionFails: row(
    'Idle',
    'start ConnectRetryTimer',
    'stop DelayOpenTimer',
    'drop TCP',
    'count and damp',
  ),
  'BGPOpen with DelayOpenTimer running': opensInAnswer,
  BGPHeaderErr: ends('send NOTIFICATION'),
  BGPOpenMsgErr: ends('send NOTIFICATION'),
  NotifMsgVerErr: versionDisliked,
};

/** Our OPEN is sent, the neighbor's awaited. */
const OPEN_SENT: Rows = {
  ...ignore('OpenSent', [...STARTS, ...OTHER_CONNECTION, 'Tcp_CR_Acked', 'TcpConnectionConfirmed']),
  ManualStop: stops('send Cease'),
  AutomaticStop: ends('send Cease'),
  HoldTimer_Expires: ends('send Hold Timer Expired'),
  TcpConnectionFails: row('Active', 'drop TCP', 'start ConnectRetryTimer'),
  BGPOpen: row(
    'OpenConfirm',
    'stop DelayOpenTimer',
    'stop ConnectRetryTimer',
    'send KEEPALIVE',
    'start HoldTimer and KeepaliveTimer',
  ),
  BGPHeaderErr: ends('send NOTIFICATION'),
  BGPOpenMsgErr: ends('send NOTIFICATION'),
  OpenCollisionDump: ends('send Cease'),
  NotifMsgVerErr: endsUncounted(),
  NotifMsg: ends(),
};

/** Both OPENs are exchanged, the neighbor's KEEPALIVE awaited. */
const OPEN_CONFIRM: Rows = {
  ...ignore('OpenConfirm', [...STARTS, ...OTHER_CONNECTION, 'Tcp_CR_Acked', 'TcpConnectionConfirmed']),
  ManualStop: stops('send Cease'),
  AutomaticStop: ends('send Cease'),
  HoldTimer_Expires: ends('send Hold Timer Expired'),
  KeepaliveTimer_Expires: row('OpenConfirm', 'send KEEPALIVE', 'restart KeepaliveTimer'),
  TcpConnectionFails: ends(),
  NotifMsg: ends(),
  NotifMsgVerErr: endsUncounted(),
  BGPHeaderErr: ends('send NOTIFICATION'),
  BGPOpenMsgErr: ends('send NOTIFICATION'),
  OpenCollisionDump: ends('send Cease'),
  KeepAliveMsg: row('Established', 'restart HoldTimer', 'begin exchange'),
};

/** UPDATEs are exchanged. */
const ESTABLISHED: Rows = {
  ...ignore('Established', [...STARTS, ...OTHER_CONNECTION, 'Tcp_CR_Acked', 'TcpConnectionConfirmed']),
  ManualStop: stops('send Cease', 'delete routes'),
  AutomaticStop: ends('send Cease', 'delete routes'),
  HoldTimer_Expires: ends('send Hold Timer Expired', 'delete routes'),
  SendHoldTimer_Expires: ends('send Send Hold Timer Expired', 'delete routes'),
  KeepaliveTimer_Expires: row('Established', 'send KEEPALIVE', 'restart KeepaliveTimer'),
  OpenCollisionDump: ends('send Cease', 'delete routes'),
  TcpConnectionFails: ends('delete routes'),
  NotifMsgVerErr: ends('delete routes'),
  NotifMsg: ends('delete routes'),
  KeepAliveMsg: row('Established', 'restart HoldTimer'),
  UpdateMsg: row('Established', 'process UPDATE', 'restart HoldTimer'),
  UpdateMsgErr: ends('send NOTIFICATION', 'delete routes'),
  BGPHeaderErr: ends('send NOTIFICATION', 'delete routes'),
};

/** The table: rows by state, and what any other event does. */
export const FSM: Readonly<Record<FsmState, { readonly rows: Rows; readonly otherwise: readonly Row[] }>> = {
  Idle: { rows: IDLE, otherwise: row('Idle') },
  Connect: { rows: CONNECT, otherwise: ends('stop DelayOpenTimer') },
  Active: { rows: ACTIVE, otherwise: ends('stop DelayOpenTimer') },
  OpenSent: { rows: OPEN_SENT, otherwise: ends('send FSM Error') },
  OpenConfirm: { rows: OPEN_CONFIRM, otherwise: ends('send FSM Error') },
  Established: { rows: ESTABLISHED, otherwise: ends('send FSM Error', 'delete routes') },
};

const NOTHING: Row = { to: 'Idle', act: [] };

/** The row of the table for an event. RFC 4271 8.2.2. */
export function transition(state: FsmState, event: FsmEvent, facts: FsmFacts): Row {
  const { rows, otherwise } = FSM[state];
  const candidates = rows[event] ?? otherwise;
  return candidates.find(({ when }) => when === undefined || facts[when]) ?? NOTHING;
}

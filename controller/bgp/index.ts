/**
 * `byoa/bgp`: a BGP speaker and a BFD machine without I/O, for programs of your own. Each takes an event
 * and the time, and gives effects; whoever uses them owns sockets and the clock.
 *
 *     const b = { ...DEFAULT_PEER, name: 'b', address: '10.0.0.2', as: 65002, shutdown: false };
 *     const options = { ...DEFAULT_SPEAKER, as: 65001, routerId: '10.0.0.1', neighbors: [b] };
 *     const speaker = createSpeaker(options, { seed: 1 }, now);
 *     for (const effect of stepSpeaker(speaker, { kind: 'start' }, now)) perform(effect);
 *     nextSpeakerDeadline(speaker)     when it wants `{ kind: 'deadline' }`, at the latest
 *
 * The codecs read and write messages alone. What is done of each RFC stands in docs/RFC.md.
 */

export type {
  BfdChange,
  BfdDiagnostic,
  BfdEffect,
  BfdEvent,
  BfdState,
  BfdStatus,
} from '../bfd/event.ts';
export { type Bfd, bfdStatus, createBfd, nextBfdDeadline, stepBfd } from '../bfd/machine.ts';
export type { BfdAuthentication, BfdOptions } from '../bfd/options.ts';
export { NO_ATTRIBUTES, type PathAttributes } from '../wire/attribute.ts';
export { type ControlPacket, decodeControl, encodeControl } from '../wire/bfd.ts';
export {
  decodeNotification,
  decodeRouteRefresh,
  encodeKeepalive,
  encodeNotification,
  encodeRouteRefresh,
  type Frame,
  frame,
} from '../wire/message.ts';
export { describeNotification, type Notification } from '../wire/notification.ts';
export { type Capability, decodeOpen, encodeOpen, isNotification, type Open } from '../wire/open.ts';
export { visitPrefixes, writePrefix } from '../wire/prefix.ts';
export { type AttributesRead, readAttributes } from '../wire/read-attributes.ts';
export {
  encodeEndOfRib,
  mpReachHead,
  mpUnreachHead,
  type Split,
  splitUpdate,
  updateMessage,
} from '../wire/update.ts';
export { writeAttributes } from '../wire/write-attributes.ts';
export type {
  RouteChange,
  SessionChange,
  SocketSecurity,
  SpeakerEffect,
  SpeakerEvent,
  SpeakerInput,
} from './event.ts';
export type * from './options.ts';
export { DEFAULT_PEER, DEFAULT_SPEAKER } from './options.ts';
export { type Agreed, type Neighbor, neighbor, type PeerSummary, type Summary, summary } from './query.ts';
export {
  type Explanation,
  explain,
  listRoutes,
  type RoutePage,
  type RouteQuery,
  type RouteView,
} from './rib-query.ts';
export { createSpeaker, nextSpeakerDeadline, type Speaker, stepSpeaker } from './speaker.ts';

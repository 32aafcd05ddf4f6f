/**
 * OPEN: what we offer, whether what the neighbor offers is acceptable, and what both come to. RFC 4271 4.2
 * and 6.2, RFC 5492, 4760, 6793, 6286, 7911, 8654, 8950, 4724 with 8538, 2918, 7313, 9234, and BFD strict
 * mode (74).
 */

import { ERROR, type Notification, notification, OPEN_ERROR } from '../wire/notification.ts';
import { AS_TRANS, type Capability, codeOf, type Open } from '../wire/open.ts';
import { AFI, familyOf, SAFI_UNICAST } from '../wire/prefix.ts';
import type { Family, PeerOptions, Role } from './options.ts';
import { negotiatedHoldTimeS } from './timers.ts';

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
const ROLES: readonly Role[] = ['provider', 'route-server', 'route-server-client', 'customer', 'peer'];

/** RFC 9234 4.2: the pairs of ours and theirs that fit. */
const ROLE_OF_NEIGHBOR: Readonly<Record<Role, Role>> = {
  provider: 'customer',
  customer: 'provider',
  peer: 'peer',
  'route-server': 'route-server-client',
  'route-server-client': 'route-server',
};

/** What the speaker and the state of the peer add to its options. */
export interface OfferFacts {
  readonly localAs: number;
  readonly bgpId: number;
  /** The R bit: we have restarted, and wait for End-of-RIB. RFC 4724 4.1. */
  readonly restarting: boolean;
  /** The F bit: what we forwarded we still forward. RFC 4724 3. */
  readonly forwarding: boolean;
  /** Codes that the neighbor refused with Unsupported Capability, and which are left out. RFC 5492 5. */
  readonly refused: ReadonlySet<number>;
}

export type Offer = Pick<Open, 'as' | 'holdTimeS' | 'bgpId' | 'capabilities'>;

const family = (name: Family) => ({ afi: AFI[name], safi: SAFI_UNICAST });

/** The OPEN that we send. */
export function offer(options: PeerOptions, facts: OfferFacts): Offer {
  const all: Capability[] = options.families.map((name) => ({ kind: 'multiprotocol', ...family(name) }));
  all.push({ kind: 'route-refresh' }, { kind: 'enhanced-route-refresh' });
  all.push({ kind: 'four-octet-as', as: facts.localAs });
  if (options.extendedMessages) all.push({ kind: 'extended-message' });
  if (options.extendedNextHop && options.families.includes('ipv4')) {
    all.push({ kind: 'extended-next-hop', items: [{ ...family('ipv4'), nextHopAfi: AFI.ipv6 }] });
  }
  const { receive, send } = options.addPath;
  if (receive || send > 0) {
    const items = options.families.map((name) => ({ ...family(name), receive, send: send > 0 }));
    all.push({ kind: 'add-path', items });
  }
  if (options.role !== undefined) all.push({ kind: 'role', role: ROLES.indexOf(options.role) });
  const restart = options.gracefulRestart;
  if (restart !== undefined) {
    const forwarding = facts.forwarding && restart.forwardingKept;
    all.push({
      kind: 'graceful-restart',
      restarting: facts.restarting,
      notification: restart.notification,
      timeS: Math.min(4095, restart.restartTimeS),
      // Without a family of ours in it, the capability says that we only help. RFC 4724 3.
      families:
        restart.restartTimeS === 0 ? [] : options.families.map((name) => ({ ...family(name), forwarding })),
    });
  }
  if (options.bfd?.strict) all.push({ kind: 'bfd-strict' });
  const capabilities = all.filter((one) => !facts.refused.has(codeOf(one)));
  return { as: facts.localAs, holdTimeS: options.holdTimeS, bgpId: facts.bgpId, capabilities };
}

/** What the neighbor promised about graceful restart. */
export interface NeighborRestart {
  readonly restarting: boolean;
  readonly notification: boolean;
  readonly timeS: number;
  /** Families whose routes survive its restart, and whether it kept forwarding them. */
  readonly families: Partial<Readonly<Record<Family, { readonly forwarding: boolean }>>>;
}

/** What a session came to. */
export interface Negotiated {
  readonly as: number;
  readonly ibgp: boolean;
  readonly bgpId: number;
  readonly holdTimeS: number;
  readonly families: readonly Family[];
  readonly as4: boolean;
  /** Ours may have up to 65535 octets: both announced it. RFC 8654 4. */
  readonly extendedMessages: boolean;
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** Whether prefixes come with path identifiers, and whether we send them. RFC 7911 4. */
  readonly addPathIn: Readonly<Record<Family, boolean>>;
  readonly addPathOut: Readonly<Record<Family, boolean>>;
  readonly extendedNextHop: boolean;
  /** Present where both announced the capability. */
  readonly gracefulRestart?: NeighborRestart;
  /** RFC 8538 2: both set the N bit. */
  readonly gracefulNotification: boolean;
  readonly role?: Role;
  readonly bfdStrict: boolean;
}

export type Negotiation =
  | { readonly kind: 'accepted'; readonly session: Negotiated }
  | { readonly kind: 'refused'; readonly notification: Notification; readonly why: string };

const refuse = (subcode: number, why: string, data?: Uint8Array): Negotiation => ({
  kind: 'refused',
  notification: notification(ERROR.open, subcode, data),
  why,
});

/** Whom we expect: an AS, or ranges for a dynamic neighbor. */
export type ExpectedAs = number | readonly { readonly from: number; readonly to: number }[];

/** Judges the neighbor's OPEN against what we offered. */
export function negotiate(
  options: PeerOptions,
  offered: Offer,
  open: Open,
  expected: ExpectedAs,
): Negotiation {
  return (
    checkIdentity(offered, open, expected) ??
    checkRole(options, offered, open) ??
    agree(options, offered, open)
  );
}

/** RFC 4271 6.2 with RFC 6286 2.2, RFC 6793 and RFC 7607 2. */
function checkIdentity(offered: Offer, open: Open, expected: ExpectedAs): Negotiation | undefined {
  const wanted =
    typeof expected === 'number'
      ? open.as === expected
      : expected.some(({ from, to }) => open.as >= from && open.as <= to);
  if (!wanted || open.as === 0 || open.as === AS_TRANS) {
    const ours =
      typeof expected === 'number'
        ? `AS ${expected}`
        : expected.map(({ from, to }) => `${from}-${to}`).join(', ');
    return refuse(OPEN_ERROR.badPeerAs, `the neighbor says AS ${open.as}, expected is ${ours}`);
  }
  // With a four-octet AS the old field holds the AS itself, or AS_TRANS. RFC 6793 4.2.1.
  const field = open.as > 0xffff ? AS_TRANS : open.as;
  if (open.as2 !== field && open.as2 !== AS_TRANS)
    return refuse(
      OPEN_ERROR.badPeerAs,
      `the neighbor says AS ${open.as2} and, as a capability, AS ${open.as}`,
    );
  if (open.bgpId === 0) return refuse(OPEN_ERROR.badBgpId, 'the BGP Identifier is 0');
  if (open.bgpId === offered.bgpId && open.as === offered.as)
    return refuse(OPEN_ERROR.badBgpId, 'the BGP Identifier is our own, in the same AS');
  if (open.holdTimeS === 1 || open.holdTimeS === 2)
    return refuse(OPEN_ERROR.holdTime, `a Hold Time of ${open.holdTimeS} s; it is 0 or at least 3 s`);
  return undefined;
}

/** RFC 9234 4.2. */
function checkRole(options: PeerOptions, offered: Offer, open: Open): Negotiation | undefined {
  const theirs = new Set(open.capabilities.flatMap((one) => (one.kind === 'role' ? [one.role] : [])));
  const isIbgp = open.as === offered.as;
  if (options.role === undefined || isIbgp) return undefined;
  if (theirs.size > 1) return refuse(OPEN_ERROR.roleMismatch, 'the neighbor sends more than one role');
  const [number] = theirs;
  if (number === undefined) {
    if (!options.strictRole) return undefined;
    return refuse(OPEN_ERROR.roleMismatch, 'the neighbor sends no role, and strictRole wants one');
  }
  const role = ROLES[number];
  if (role === ROLE_OF_NEIGHBOR[options.role]) return undefined;
  const said = role ?? `role ${number}`;
  return refuse(OPEN_ERROR.roleMismatch, `we are ${options.role}, and the neighbor says that it is ${said}`);
}

function agree(options: PeerOptions, offered: Offer, open: Open): Negotiation {
  const theirs = familiesOf(open.capabilities);
  const ours = familiesOf(offered.capabilities);
  const families = ours.filter((name) => theirs.includes(name));
  if (families.length === 0) {
    const [missing] = ours;
    const data = missing === undefined ? [] : [1, 4, 0, AFI[missing], 0, SAFI_UNICAST];
    return refuse(
      OPEN_ERROR.capability,
      `no family in common: we want ${ours.join(', ') || 'none'}, the neighbor ${theirs.join(', ') || 'none'}`,
      Uint8Array.from(data),
    );
  }
  const both = (kind: Capability['kind']): boolean => has(open, kind) && has(offered, kind);
  const graceful = restartOf(open.capabilities);
  const session: Negotiated = {
    as: open.as,
    ibgp: open.as === offered.as,
    bgpId: open.bgpId,
    holdTimeS: negotiatedHoldTimeS(offered.holdTimeS, open.holdTimeS),
    families,
    as4: both('four-octet-as'),
    extendedMessages: both('extended-message'),
    routeRefresh: both('route-refresh'),
    enhancedRouteRefresh: both('enhanced-route-refresh'),
    addPathIn: addPath(offered, open, families, 'receive', 'send'),
    addPathOut: addPath(offered, open, families, 'send', 'receive'),
    extendedNextHop: speaksNextHop(offered) && speaksNextHop(open),
    ...(graceful !== undefined && has(offered, 'graceful-restart') ? { gracefulRestart: graceful } : {}),
    gracefulNotification: graceful?.notification === true && options.gracefulRestart?.notification === true,
    ...roleOf(options, offered, open),
    bfdStrict: both('bfd-strict'),
  };
  return { kind: 'accepted', session };
}

type Capable = Pick<Open, 'capabilities'>;

const has = ({ capabilities }: Capable, kind: Capability['kind']): boolean =>
  capabilities.some((one) => one.kind === kind);

/** RFC 4760 8: who announces no family speaks IPv4 unicast alone. */
function familiesOf(capabilities: readonly Capability[]): readonly Family[] {
  const announced = capabilities.filter((one) => one.kind === 'multiprotocol');
  if (announced.length === 0) return ['ipv4'];
  return FAMILIES.filter((name) => announced.some(({ afi, safi }) => familyOf(afi, safi) === name));
}

/** RFC 7911 4: one side sends and the other receives. */
function addPath(
  offered: Capable,
  open: Capable,
  families: readonly Family[],
  ours: 'send' | 'receive',
  theirs: 'send' | 'receive',
): Record<Family, boolean> {
  const says = ({ capabilities }: Capable, name: Family, what: 'send' | 'receive'): boolean => {
    // RFC 7911 4: of a family that is there twice the last counts.
    const items = capabilities.flatMap((one) => (one.kind === 'add-path' ? one.items : []));
    return items.findLast(({ afi, safi }) => familyOf(afi, safi) === name)?.[what] === true;
  };
  const agreed = (name: Family): boolean =>
    families.includes(name) && says(offered, name, ours) && says(open, name, theirs);
  return { ipv4: agreed('ipv4'), ipv6: agreed('ipv6') };
}

/** RFC 8950 4: IPv4 unicast over IPv6. */
const speaksNextHop = ({ capabilities }: Capable): boolean =>
  capabilities.some(
    (one) =>
      one.kind === 'extended-next-hop' &&
      one.items.some(
        ({ afi, safi, nextHopAfi }) => familyOf(afi, safi) === 'ipv4' && nextHopAfi === AFI.ipv6,
      ),
  );

/** RFC 4724 3: the last instance counts; families that we do not carry are left out. */
function restartOf(capabilities: readonly Capability[]): NeighborRestart | undefined {
  const one = capabilities.findLast((capability) => capability.kind === 'graceful-restart');
  if (one?.kind !== 'graceful-restart') return undefined;
  const families: Partial<Record<Family, { readonly forwarding: boolean }>> = {};
  for (const { afi, safi, forwarding } of one.families) {
    const name = familyOf(afi, safi);
    if (name !== undefined) families[name] = { forwarding };
  }
  const { restarting, notification: afterNotification, timeS } = one;
  return { restarting, notification: afterNotification, timeS, families };
}

/** RFC 9234 4.2: our role counts on eBGP, whether or not the neighbor sent its own. */
function roleOf(options: PeerOptions, offered: Offer, open: Open): { readonly role?: Role } {
  return options.role === undefined || open.as === offered.as ? {} : { role: options.role };
}

/** The codes that a NOTIFICATION 2/7 complains about. RFC 5492 5. */
export function unsupportedCapabilities(data: Uint8Array): readonly number[] {
  const codes: number[] = [];
  for (let at = 0; at + 2 <= data.length; at += 2 + (data[at + 1] ?? 0)) codes.push(data[at] ?? 0);
  return codes;
}

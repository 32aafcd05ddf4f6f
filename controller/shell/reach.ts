/**
 * What the speaker has to know of this machine's links: its interfaces, and whether there is a way to next
 * hops that are on none of them. Looked at once a second, and told when it changes. RFC 4271 6.3, 9.1.2.1.
 */
import { networkInterfaces } from 'node:os';
import { parseAddress } from '../base/ip.ts';
import type { SpeakerInput } from '../bgp/event.ts';
import { decodeAnswers, encodeLookup } from '../wire/rtnetlink.ts';
import { closeSocket, openNetlink, receiveNow, sendNow } from './libc.ts';

const INTERVAL_MS = 1000;

export interface ReachWatch {
  /** Tells of the interfaces; from then on it goes on by itself. */
  start(): void;
  /** The next hops to look after; answered at once where there is no way to one of them. */
  follow(addresses: readonly string[]): void;
  close(): void;
}

/** Addresses of the interfaces that are up, as `10.0.1.10/24`, by interface. */
const interfaceAddresses = (): readonly (readonly string[])[] =>
  Object.values(networkInterfaces()).map((list) =>
    (list ?? []).flatMap(({ cidr }) => (cidr === null ? [] : [cidr])),
  );

/** `onLink`: a way by a gateway is none, as the kernel takes no such next hop for a route. */
export function watchReach(post: (input: SpeakerInput) => void, onLink: () => boolean): ReachWatch {
  let addresses: readonly (readonly string[])[] = [];
  let followed: readonly string[] = [];
  let unreachable: readonly string[] = [];
  let timer: NodeJS.Timeout | undefined;
  const ways = createWays();

  function look(): void {
    const next = interfaceAddresses();
    if (JSON.stringify(next) !== JSON.stringify(addresses)) {
      addresses = next;
      post({ kind: 'interfaces', addresses });
    }
    judge();
  }

  function judge(): void {
    const next = followed.filter((one) => !ways.has(one, onLink()));
    if (next.join() === unreachable.join()) return;
    unreachable = next;
    post({ kind: 'unreachable', addresses: next });
  }

  return {
    start() {
      look();
      timer ??= setInterval(look, INTERVAL_MS);
    },
    follow(hops) {
      followed = hops;
      judge();
    },
    close() {
      clearInterval(timer);
      ways.close();
    },
  };
}

/** Asks the kernel, one address at a time; where it cannot be asked, there is a way. */
function createWays(): { has(address: string, onLink: boolean): boolean; close(): void } {
  let fd: number | undefined;
  let sequence = 0;

  return {
    has(text, onLink) {
      const address = parseAddress(text);
      if (!address.ok) return true;
      if (fd === undefined) {
        const opened = openNetlink();
        if (!opened.ok) return true;
        fd = opened.value;
      }
      const number = ++sequence;
      if (!sendNow(fd, encodeLookup(number, address.value)).ok) return true;
      const answer = receiveNow(fd);
      if (!answer.ok) return true;
      const said = decodeAnswers(answer.value).find((one) => one.sequence === number);
      if (said?.kind === 'ack') return said.errno === 0;
      return said?.kind !== 'route' || !onLink || said.route.hops.length === 0;
    },
    close() {
      if (fd !== undefined) closeSocket(fd);
      fd = undefined;
    },
  };
}

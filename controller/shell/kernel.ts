/**
 * The daemon's routes in the kernel, over one netlink socket. Everything is done before `applyKernel`
 * returns: a batch of routes takes well under a millisecond. Needs CAP_NET_ADMIN. A route that is not ours is
 * never touched.
 */
import { constants } from 'node:os';
import { parseAddress, parsePrefix } from '../base/ip.ts';
import { err, must, ok, type Result } from '../base/result.ts';
import type { KernelConfig } from '../config.ts';
import type { Event, KernelChange } from '../event.ts';
import {
  decodeAnswers,
  encodeDump,
  encodeRemoval,
  encodeRoute,
  type ListedRoute,
  type NetlinkAnswer,
} from '../wire/rtnetlink.ts';
import { closeSocket, openNetlink, receiveNow, sendNow } from './libc.ts';

export interface KernelRoutes {
  /** Does it, and tells what is installed (`list`), which prefixes were refused, or that nothing is known. */
  apply(change: KernelChange): Omit<Extract<Event, { kind: 'kernel-outcome' }>, 'kind' | 'request'>;
  close(): void;
}

const ERRNO = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
/** Routes of one message to the kernel. */
const BATCH = 64;
const { ESRCH, ENOENT, EEXIST, EPERM } = constants.errno;

interface Netlink {
  /** Our routes in the kernel. */
  list(): Result<readonly ListedRoute[]>;
  /** Sends requests in batches; gives the errno of each. */
  ask(make: readonly ((number: number) => Buffer)[]): Result<readonly number[]>;
}

/** Requests and their answers over a netlink socket. */
function createNetlink(fd: number, config: KernelConfig): Netlink {
  let sequence = 0;

  function exchange(requests: readonly Buffer[], isOver: (answers: readonly NetlinkAnswer[]) => boolean) {
    const answers: NetlinkAnswer[] = [];
    const sent = sendNow(fd, Buffer.concat(requests));
    if (!sent.ok) return err(`the kernel did not take the request (${sent.error})`);
    while (!isOver(answers)) {
      const bytes = receiveNow(fd);
      if (!bytes.ok) return err(`the kernel did not answer (${bytes.error})`);
      answers.push(...decodeAnswers(bytes.value));
    }
    return ok(answers);
  }

  function list(): Result<readonly ListedRoute[]> {
    const all: ListedRoute[] = [];
    for (const family of [4, 6] as const) {
      const number = ++sequence;
      const answered = exchange([encodeDump(number, family)], (answers) =>
        answers.some(({ kind, sequence: of }) => of === number && kind !== 'route'),
      );
      if (!answered.ok) return answered;
      all.push(...answered.value.flatMap((one) => (one.kind === 'route' ? [one.route] : [])));
    }
    return ok(all.filter(({ table, protocol }) => table === config.table && protocol === config.protocol));
  }

  function ask(make: readonly ((number: number) => Buffer)[]): Result<readonly number[]> {
    const results: number[] = [];
    for (let from = 0; from < make.length; from += BATCH) {
      const first = sequence + 1;
      const requests = make.slice(from, from + BATCH).map((one) => one(++sequence));
      const answered = exchange(requests, (answers) => answers.length >= requests.length);
      if (!answered.ok) return answered;
      const byNumber = new Map(
        answered.value.map((one) => [one.sequence, one.kind === 'ack' ? one.errno : 0]),
      );
      requests.forEach((_, index) => void results.push(byNumber.get(first + index) ?? 0));
    }
    return ok(results);
  }

  return { list, ask };
}

/** Opens the way to the kernel's tables; the error is a sentence. */
export function openKernelRoutes(config: KernelConfig): Result<KernelRoutes> {
  const opened = openNetlink();
  if (!opened.ok) return err(`cannot open a netlink socket (${opened.error}); kernel routes need Linux`);
  const fd = opened.value;
  const { list, ask } = createNetlink(fd, config);
  /** Prefixes that are ours in the kernel, for all that we know. */
  const ours = new Set<string>();

  function change({
    set,
    remove,
  }: Extract<KernelChange, { kind: 'apply' }>): Result<Readonly<Record<string, string>>> {
    const added = ask(
      set.map(({ prefix, nextHops }) => (number) => {
        const hops = nextHops.map(({ address, weight }) => ({
          address: must(parseAddress(address)),
          weight,
        }));
        return encodeRoute(number, must(parsePrefix(prefix)), hops, config, ours.has(prefix));
      }),
    );
    if (!added.ok) return added;
    const removed = ask(
      remove.map((prefix) => (number) => encodeRemoval(number, must(parsePrefix(prefix)), config)),
    );
    if (!removed.ok) return removed;
    const refused: Record<string, string> = {};
    added.value.forEach((errno, index) => {
      const prefix = set[index]?.prefix ?? '';
      if (errno === 0) ours.add(prefix);
      else refused[prefix] = explain('set', prefix, errno, config);
    });
    removed.value.forEach((errno, index) => {
      const prefix = remove[index] ?? '';
      // What is not there need not be removed.
      if (errno === 0 || errno === ESRCH || errno === ENOENT) ours.delete(prefix);
      else refused[prefix] = explain('remove', prefix, errno, config);
    });
    return ok(refused);
  }

  return ok({
    apply(wanted) {
      if (wanted.kind === 'apply') {
        const done = change(wanted);
        if (!done.ok) return { failure: done.error };
        return Object.keys(done.value).length === 0 ? {} : { refused: done.value };
      }
      const listed = list();
      if (!listed.ok) return { failure: listed.error };
      ours.clear();
      for (const { prefix } of listed.value) ours.add(prefix);
      return { installed: listed.value.map(({ prefix, hops }) => ({ prefix, nextHops: hops })) };
    },
    close: () => closeSocket(fd),
  });
}

function explain(what: string, prefix: string, errno: number, { metric, table }: KernelConfig): string {
  const name = ERRNO.get(errno) ?? `errno ${errno}`;
  if (errno === EPERM) return `cannot ${what} the route to ${prefix} (EPERM): byoa needs CAP_NET_ADMIN`;
  if (errno === EEXIST)
    return `a route to ${prefix} with metric ${metric} in table ${table} is not ours: choose another kernel.metric`;
  return `cannot ${what} the route to ${prefix} (${name})`;
}

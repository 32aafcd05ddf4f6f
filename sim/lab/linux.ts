/**
 * The calls to Linux that the lab needs and Node does not offer: namespaces, TAPs, epoll, netlink. Through
 * koffi; each fails with what was called and the name of the errno.
 */
import koffi from 'koffi';

const CLONE_NEWNET = 0x40000000;
const CLONE_NEWPID = 0x20000000;
const MS_BIND = 4096;
const MNT_DETACH = 2;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const SIOCGIFINDEX = 0x8933;
/** IFF_TAP, IFF_NO_PI, IFF_VNET_HDR. */
const TAP_FLAGS = 0x2 | 0x1000 | 0x4000;
/** CSUM, TSO4, TSO6, USO4, USO6. */
const OFFLOADS = 1 | 2 | 4 | 0x20 | 0x40;
const AF_INET = 2;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = O_NONBLOCK;
const SOCK_CLOEXEC = O_CLOEXEC;
const EPOLLIN = 1;
const [EPOLL_CTL_ADD, EPOLL_CTL_DEL] = [1, 2];
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;

const library = koffi.load('libc.so.6');
const open = library.func('int open(const char *path, int flags)');
const closeFd = library.func('int close(int fd)');
const setns = library.func('int setns(int fd, int kind)');
const unshare = library.func('int unshare(int flags)');
const mount = library.func(
  'int mount(const char *source, const char *target, const char *type, ulong flags, const void *data)',
);
const umount2 = library.func('int umount2(const char *target, int flags)');
const ioctl = library.func('int ioctl(int fd, ulong request, void *argument)');
const ioctlNumber = library.func('ioctl', 'int', ['int', 'ulong', 'long']);
const socket = library.func('int socket(int domain, int type, int protocol)');
const bind = library.func('int bind(int fd, const void *address, uint32_t length)');
const listen = library.func('int listen(int fd, int backlog)');
const setsockopt = library.func(
  'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
);
const send = library.func('int64_t send(int fd, const void *data, size_t length, int flags)');
const recv = library.func('int64_t recv(int fd, void *data, size_t length, int flags)');
const readFd = library.func('int64_t read(int fd, void *data, size_t length)');
const writeFd = library.func('int64_t write(int fd, const void *data, size_t length)');
const eventfd = library.func('int eventfd(uint32_t initial, int flags)');
const epollCreate = library.func('int epoll_create1(int flags)');
const epollCtl = library.func('int epoll_ctl(int epoll, int operation, int fd, void *event)');
const epollWait = library.func('int epoll_wait(int epoll, void *events, int most, int timeout)');
const setScheduler = library.func('int sched_setscheduler(int pid, int policy, const void *parameters)');

function checked(result: number, what: string): number {
  if (result >= 0) return result;
  const number = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  throw new Error(`${what} failed: ${name}`);
}

/** Reads into the buffer; the number of bytes, or -1 where there is none now. */
export const readNow = (fd: number, into: Buffer): number => Number(readFd(fd, into, into.length));

/** Writes as one frame; below 0 where the kernel did not take it. */
export const writeNow = (fd: number, bytes: Uint8Array, length: number): number =>
  Number(writeFd(fd, bytes, length));

export const close = (fd: number): void => void closeFd(fd);

/** Closes on another thread: closing a TAP takes the kernel some 20 ms. */
export const closeLater = (fd: number, done: () => void): void => void closeFd.async(fd, () => done());

export const openEventFd = (): number => checked(eventfd(0, O_CLOEXEC), 'eventfd');
const ONE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
export const ring = (fd: number): void => void writeFd(fd, ONE, 8);

/** Waits for descriptors to become readable, by the numbers that they were given. */
export interface Poll {
  readonly add: (fd: number, number: number) => void;
  readonly remove: (fd: number) => void;
  /** Waits until something can be read; fills `ready` with numbers and says how many. */
  readonly wait: (ready: number[]) => number;
}

export function openPoll(): Poll {
  const fd = checked(epollCreate(O_CLOEXEC), 'epoll_create1');
  const most = 64;
  const event = Buffer.alloc(12);
  const events = Buffer.alloc(12 * most);
  return {
    add: (watched, number) => {
      event.writeUInt32LE(EPOLLIN);
      event.writeInt32LE(number, 4);
      checked(epollCtl(fd, EPOLL_CTL_ADD, watched, event), 'epoll_ctl');
    },
    remove: (watched) => void checked(epollCtl(fd, EPOLL_CTL_DEL, watched, event), 'epoll_ctl'),
    wait: (ready) => {
      const count = epollWait(fd, events, most, -1);
      for (let index = 0; index < count; index++) ready[index] = events.readInt32LE(12 * index + 4);
      return count;
    },
  };
}

/** The network namespace of this thread, as a descriptor. */
const ownNamespace = (): number =>
  checked(open('/proc/thread-self/ns/net', O_CLOEXEC), 'open of the namespace');

/** Makes a network namespace and mounts it at `path`, an empty file; this thread stays where it is. */
export function makeNamespace(path: string): number {
  const own = ownNamespace();
  try {
    checked(unshare(CLONE_NEWNET), 'unshare');
    const made = ownNamespace();
    checked(mount('/proc/thread-self/ns/net', path, null, MS_BIND, null), `mount of ${path}`);
    return made;
  } finally {
    checked(setns(own, CLONE_NEWNET), 'setns');
    close(own);
  }
}

/** Takes the name of a namespace away; it ends with the last process and descriptor in it. */
export const forgetNamespace = (path: string): void => void umount2(path, MNT_DETACH);

export const openNamespace = (path: string): number => checked(open(path, O_CLOEXEC), `open of ${path}`);

/** From now on the programs that this thread starts are processes of another process namespace. */
export function startIn(pid: number): void {
  const namespace = openNamespace(`/proc/${pid}/ns/pid`);
  checked(setns(namespace, CLONE_NEWPID), 'setns');
  close(namespace);
}

/** Runs something that does not wait, on this thread, in another network namespace. */
export function inNamespace<T>(namespace: number, run: () => T): T {
  const own = ownNamespace();
  try {
    checked(setns(namespace, CLONE_NEWNET), 'setns');
    return run();
  } finally {
    checked(setns(own, CLONE_NEWNET), 'setns');
    close(own);
  }
}

/** Makes a TAP in the present namespace: its descriptor, and the index of its device. */
export function openTap(name: string): { readonly fd: number; readonly index: number } {
  const fd = checked(open('/dev/net/tun', O_RDWR | O_NONBLOCK | O_CLOEXEC), 'open of /dev/net/tun');
  const request = Buffer.alloc(40);
  request.write(name);
  request.writeUInt16LE(TAP_FLAGS, 16);
  checked(ioctl(fd, TUNSETIFF, request), `making of the TAP ${name}`);
  checked(ioctlNumber(fd, TUNSETOFFLOAD, OFFLOADS), 'TUNSETOFFLOAD');
  const asked = checked(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket');
  checked(ioctl(asked, SIOCGIFINDEX, request), 'SIOCGIFINDEX');
  close(asked);
  return { fd, index: request.readInt32LE(16) };
}

const answer = Buffer.alloc(65536);

/** Sends netlink requests in the present namespace; `read` gives the errnos of an answer. */
export function askKernel(requests: readonly Buffer[], read: (bytes: Buffer) => readonly number[]): void {
  const fd = checked(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), 'socket of netlink');
  try {
    const whole = Buffer.concat(requests);
    checked(Number(send(fd, whole, whole.length, 0)), 'send to netlink');
    for (let heard = 0; heard < requests.length; ) {
      const length = checked(Number(recv(fd, answer, answer.length, 0)), 'receive from netlink');
      const errnos = read(answer.subarray(0, length));
      const wrong = errnos.find((errno) => errno !== 0);
      if (wrong !== undefined) throw new Error(`the kernel refused a setting of the network: errno ${wrong}`);
      heard += errnos.length;
    }
  } finally {
    close(fd);
  }
}

/** A socket of the present namespace at an IPv4 address, which may not be there yet; TCP listens. */
export function openServer(type: 'tcp' | 'udp', address: Uint8Array, port: number): number {
  const kind = type === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
  const fd = checked(socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'socket');
  const yes = Buffer.from([1, 0, 0, 0]);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, yes, 4);
  const name = Buffer.alloc(16);
  name.writeUInt16LE(AF_INET);
  name.writeUInt16BE(port, 2);
  name.set(address, 4);
  checked(bind(fd, name, name.length), `bind to port ${port}`);
  if (type === 'tcp') checked(listen(fd, 511), 'listen');
  return fd;
}

/** Runs this thread before all that are not real-time, where the kernel allows it. */
export function runFirst(): boolean {
  return setScheduler(0, 1, Buffer.from([1, 0, 0, 0])) >= 0;
}

/** Sockets for ICMP, and sockets whose packets carry a mark. Linux. Errors are names of errno: `EACCES`. */
import type { Result } from '../../base/result.ts';
import { closeSocket, LEVEL, openSocket, setSocketOption } from '../libc.ts';

const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const SO_MARK = 36;

/** With `mark`, the socket's packets carry it (SO_MARK, socket(7)), from the first on. */
function open(
  family: 4 | 6,
  type: 'stream' | 'datagram' | 'raw',
  protocol: number,
  mark: number | undefined,
): Result<number> {
  const fd = openSocket(family, type, protocol);
  if (!fd.ok || mark === undefined) return fd;
  const marked = setSocketOption(fd.value, LEVEL.socket, SO_MARK, mark);
  if (marked.ok) return fd;
  closeSocket(fd.value);
  return marked;
}

const icmp = (family: 4 | 6): number => (family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);

/** An ICMP echo socket (icmp(7), `ping_group_range`): the kernel fills in identifier and checksum. */
export const icmpSocket = (family: 4 | 6, mark?: number): Result<number> =>
  open(family, 'datagram', icmp(family), mark);

/** A raw socket for ICMP (raw(7), CAP_NET_RAW): it is given all ICMP packets that the machine gets. */
export const rawIcmpSocket = (family: 4 | 6, mark?: number): Result<number> =>
  open(family, 'raw', icmp(family), mark);

/** A TCP socket that is not connected yet. */
export const tcpSocket = (family: 4 | 6, mark: number): Result<number> => open(family, 'stream', 0, mark);

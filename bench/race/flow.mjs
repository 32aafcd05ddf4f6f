// A datagram each millisecond to ADDRESS, port 7, which sends them back. Every silence of 60 ms or more is a line of
// JSON once it is over: when it began and ended, Unix ms, and how many datagrams were never answered. For each line
// on standard input, a line with how many have been answered so far, and how many of those before the last answer
// have not.
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

const [address = ''] = process.argv.slice(2);
const LEAST_MS = 60;
const socket = createSocket('udp4');
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const clock = () => performance.timeOrigin + performance.now();
const began = performance.now();
let sent = 0;
let answered = 0;
let last;
socket.on('message', (bytes) => {
  const at = clock();
  const number = bytes.readUInt32LE();
  answered++;
  if (last !== undefined && at - last.at >= LEAST_MS && number > last.number)
    say({ from: last.at, to: at, lost: number - last.number - 1 });
  if (last === undefined || number > last.number) last = { at, number };
});
setInterval(() => {
  for (const due = performance.now() - began; sent < due; sent++) {
    const bytes = Buffer.alloc(22);
    bytes.writeUInt32LE(sent);
    socket.send(bytes, 7, address);
  }
}, 1);
createInterface({ input: process.stdin })
  .on('line', () => say({ answered, missing: (last?.number ?? -1) + 1 - answered }))
  .on('close', () => process.exit());

// A flow of the lab's tests: a datagram each millisecond to HOST, port 7, until standard input ends; then what was
// lost, and the longest time without an answer, as JSON. A line "works" when the first answer has come, "back" when
// answers come again after 100 ms without one.
import { createSocket } from 'node:dgram';

const [host = ''] = process.argv.slice(2);
const socket = createSocket('udp4');
const began = performance.now();
let sent = 0;
let received = 0;
let lastAt = 0;
let gap = { ms: 0, from: 0, to: 0 };
socket.on('message', () => {
  const at = performance.now();
  if (++received === 1) console.log('works');
  else if (at - lastAt > gap.ms)
    gap = { ms: at - lastAt, from: performance.timeOrigin + lastAt, to: performance.timeOrigin + at };
  if (received > 1 && at - lastAt > 100) console.log('back');
  lastAt = at;
});
const timer = setInterval(() => {
  for (const due = performance.now() - began; sent < due; sent++) socket.send('x', 7, host);
}, 1);
process.stdin.on('end', () => {
  clearInterval(timer);
  setTimeout(() => {
    console.log(JSON.stringify({ sent, lost: sent - received, gap }));
    process.exit();
  }, 200);
});
process.stdin.resume();

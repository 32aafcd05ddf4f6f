// The hosts outside of the lab's tests: UDP and TCP on port 7, which answer with the sender's address, and TCP on
// port 9, which answers with the SHA-256 of all that it was sent.
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const udp = createSocket('udp4');
udp.on('message', (_, { address, port }) => udp.send(address, port, address));
udp.bind(7, () => {
  createServer((socket) => socket.end(socket.remoteAddress?.replace('::ffff:', ''))).listen(7, () => {
    createServer({ allowHalfOpen: true }, (socket) => {
      const hash = createHash('sha256');
      socket.on('data', (bytes) => hash.update(bytes));
      socket.on('end', () => socket.end(hash.digest('hex')));
    }).listen(9, () => console.log('ready'));
  });
});

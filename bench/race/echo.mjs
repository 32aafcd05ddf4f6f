// Sends datagrams to ADDRESS, port 7, back; says `ready` when it does.
import { createSocket } from 'node:dgram';

const [address] = process.argv.slice(2);
const socket = createSocket('udp4');
socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
socket.bind(7, address, () => console.log('ready'));

/**
 * What the lab's machines find by network: the metadata of instances and the resolver in the namespace of the
 * services, the EC2 API in that of the hosts outside.
 */
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { parseAddress } from '../../controller/base/ip.ts';
import { must } from '../../controller/base/result.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import { addressBytes } from '../frame/netlink.ts';
import type { Simulator } from '../server/server.ts';
import { API_PORT } from '../world/settings.ts';
import { close, inNamespace, openNamespace, openServer } from './linux.ts';
import { NAMESPACES, OUTSIDE, SERVICES } from './message.ts';
import { addressesOf, answerName } from './names.ts';

const METADATA = '169.254.169.254';
const RESOLVER = '169.254.169.253';
const HTTP_PORT = 80;
const DNS_PORT = 53;

function serverIn(machine: string, type: 'tcp' | 'udp', address: string, port: number): number {
  const namespace = openNamespace(`${NAMESPACES}/${machine}`);
  try {
    return inNamespace(namespace, () => openServer(type, addressBytes(must(parseAddress(address))), port));
  } finally {
    close(namespace);
  }
}

/** Serves until the process ends. `eniAt` knows which ENI an address among the services stands for. */
export function openServices(simulator: Simulator, eniAt: (alias: string) => string | undefined): void {
  const instanceAt = (socket: Socket): string | undefined => {
    const eni = eniAt(socket.remoteAddress ?? '');
    return simulator.world().records['network-interface'].get(eni ?? '')?.attachment?.instance;
  };
  const metadata = createHttpServer((incoming, outgoing) => {
    const instance = instanceAt(incoming.socket);
    if (instance === undefined) incoming.socket.destroy();
    else simulator.imds?.answer(instance, incoming, outgoing);
  });
  metadata.listen({ fd: serverIn(SERVICES, 'tcp', METADATA, HTTP_PORT) });
  const resolver = createSocket('udp4');
  resolver.on('message', (message, from) => {
    const answer = answerName(message, (name) => addressesOf(simulator.world().records, name));
    if (answer !== undefined) resolver.send(answer, from.port, from.address, () => undefined);
  });
  resolver.bind({ fd: serverIn(SERVICES, 'udp', RESOLVER, DNS_PORT) });
  const api = createServer((socket) => simulator.accept(socket));
  api.listen({ fd: serverIn(OUTSIDE, 'tcp', API_ADDRESS, API_PORT) });
}

/** Serves one file at an address outside, by HTTP, under every path. */
export function serveFile(address: string, content: string): void {
  const server = createHttpServer((_, outgoing) => outgoing.end(content));
  server.listen({ fd: serverIn(OUTSIDE, 'tcp', address, HTTP_PORT) });
}

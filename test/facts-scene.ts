/** What the tests of the facts share: machines, a pair of appliances, frames, the path of a packet. */
import { expect } from 'vitest';
import { must, present } from '../controller/base/result.ts';
import { dispositionOf } from '../sim/vpc/dispositions.ts';
import type { Fabric } from '../sim/vpc/fabric.ts';
import { createHeader, fill, type Packet, parseMac } from '../sim/vpc/header.ts';
import type { Port } from '../sim/vpc/nodes.ts';
import { transit } from '../sim/vpc/transit.ts';
import { createLab, type Lab, machine, route, subnet, table, type udp } from './vpc/lab.ts';

/** The fabric's node of an ENI. */
export const port = (lab: Lab, id: string): Port => present(lab.network.fabric.ports.get(id), id);

/** The ENIs and route tables that a packet passed, in order. */
export const path = (trace: ReturnType<typeof udp>): readonly string[] => [
  ...new Set(trace.hops.filter((hop) => hop.place === 'eni' || hop.place === 'router').map((hop) => hop.id)),
];

/** One frame from an ENI into the fabric. */
export function frame(
  fabric: Fabric,
  from: Port,
  macs: { source?: string; destination: string },
  packet: Packet,
) {
  const h = must(fill(createHeader(), packet));
  h.from = from;
  h.sourceMac = macs.source === undefined ? from.mac : must(parseMac(macs.source));
  h.destinationMac = must(parseMac(macs.destination));
  const disposition = dispositionOf(transit(fabric, h));
  return { disposition, to: h.to?.id };
}

export const UDP_TO = (destination: string, source: string): Packet => ({
  protocol: 'udp',
  source,
  destination,
});

export const done = (failure: string | undefined): void => expect(failure).toBeUndefined();

/** Three machines: a and b in subnet 1, c in subnet 2. */
export function three(lab = createLab()) {
  subnet(lab, 1);
  subnet(lab, 2, 'eu-central-1b');
  const a = machine(lab, 'a', 1, 10);
  const b = machine(lab, 'b', 1, 11);
  const c = machine(lab, 'c', 2, 12);
  return { lab, a, b, c, fabric: lab.network.fabric };
}

/** A workload in subnet 2 whose default route is appliance a, with a standby b; both masquerade. */
export function pair(lab = createLab()) {
  subnet(lab, 1);
  subnet(lab, 2);
  table(lab, 'rtb-public', { subnets: ['subnet-1'], routes: [route('0.0.0.0/0', 'igw-1')] });
  table(lab, 'rtb-private', { subnets: ['subnet-2'], routes: [route('0.0.0.0/0', 'eni-a')] });
  const profile = { ipForward: true, masquerade: [0] };
  const a = machine(lab, 'a', 1, 10, { publicAddress: '198.51.100.1', sourceDestCheck: false, profile });
  const b = machine(lab, 'b', 1, 11, { publicAddress: '198.51.100.2', sourceDestCheck: false, profile });
  const w = machine(lab, 'w', 2, 20);
  return { lab, a, b, w };
}

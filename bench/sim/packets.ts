/**
 * A network of many ENIs and the cost of a packet in it: UDP between two subnets of a VPC, guest to guest,
 * past security groups that track 10,000 live flows, network ACLs and a table of 1,000 routes. Costs are CPU
 * time, for the machine may have other work. As a program: `packets.ts ENIS` prints a line of JSON.
 */
import { pathToFileURL } from 'node:url';
import { present } from '../../controller/base/result.ts';
import { CODE } from '../../sim/vpc/dispositions.ts';
import { send } from '../../sim/vpc/forward.ts';
import { boot, type Guest } from '../../sim/vpc/guest.ts';
import { createHeader, type Header, UDP } from '../../sim/vpc/header.ts';
import type { Recorder, Step } from '../../sim/vpc/hop.ts';
import type { Change, NetworkAcl, Route, SecurityGroupRule } from '../../sim/vpc/model.ts';
import { addGuest, applyToNetwork, createNetwork, type Network } from '../../sim/vpc/network.ts';

export const FLOWS = 10_000;
export const ROUTES = 1000;
/** A subnet is half of a /16: it has room for so many ENIs. */
const PER_SUBNET = 25_000;
const ENIS_AT_FIRST = 100;

const put = (network: Network, change: Change): void => applyToNetwork(network, change, 0);

const route = (destination: string, gateway: string): Route => ({
  destination,
  target: { kind: 'internet-gateway', gateway },
  origin: 'CreateRoute',
});

/** The local route, and as many others as make a thousand. */
function routesOf(vpc: number): readonly Route[] {
  const others = Array.from({ length: ROUTES - 2 }, (_, i) =>
    route(`${172 + (i >> 9)}.${16 + ((i >> 6) & 7)}.${i & 63}.0/24`, `igw-${vpc}`),
  );
  const local: Route = {
    destination: `10.${vpc}.0.0/16`,
    target: { kind: 'local' },
    origin: 'CreateRouteTable',
  };
  return [local, route('0.0.0.0/0', `igw-${vpc}`), ...others];
}

/** Ports above 1023 between private addresses; nothing that would let packets pass untracked. */
const RULE: SecurityGroupRule = {
  protocol: UDP,
  fromPort: 1024,
  toPort: 65_535,
  peer: { kind: 'cidr', cidr: '10.0.0.0/8' },
};

const ACL_ENTRIES: NetworkAcl['entries'] = [false, true].flatMap((egress) => {
  const all = { egress, fromPort: 0, toPort: 1023, protocol: UDP };
  return [
    { ...all, number: 90, action: 'deny', cidr: '192.168.0.0/16' },
    { ...all, number: 100, action: 'deny', cidr: '10.0.0.0/8' },
    { ...all, number: 110, action: 'allow', cidr: '10.0.0.0/8', fromPort: 1024, toPort: 65_535 },
  ] as const;
});

function putVpc(network: Network, vpc: number): void {
  const id = `vpc-${vpc}`;
  const cidrs = [`10.${vpc}.0.0/16`];
  put(network, { kind: 'vpc', id, value: { id, account: '1', region: 'eu-central-1', cidrs } });
  put(network, { kind: 'internet-gateway', id: `igw-${vpc}`, value: { id: `igw-${vpc}`, vpc: id } });
  const subnets = [0, 1].map((half) => `subnet-${vpc}-${half}`);
  for (const [half, subnet] of subnets.entries()) {
    const value = { id: subnet, vpc: id, zone: 'eu-central-1a', cidrs: [`10.${vpc}.${128 * half}.0/17`] };
    put(network, { kind: 'subnet', id: subnet, value });
  }
  const table = { id: `rtb-${vpc}`, vpc: id, main: true, subnets: [], gateways: [], routes: routesOf(vpc) };
  put(network, { kind: 'route-table', id: table.id, value: table });
  const acl = { id: `acl-${vpc}`, vpc: id, entries: ACL_ENTRIES, subnets };
  put(network, { kind: 'network-acl', id: acl.id, value: acl });
  const group = { id: `sg-${vpc}`, vpc: id, ingress: [RULE], egress: [RULE] };
  put(network, { kind: 'security-group', id: group.id, value: group });
}

/** Where an ENI stands: its VPC, the half of it, and the place in its subnet. */
const placeOf = (eni: number) => ({
  vpc: Math.floor(eni / (2 * PER_SUBNET)),
  half: eni % 2,
  host: 10 + ((eni % (2 * PER_SUBNET)) >> 1),
});

function putEni(network: Network, eni: number): void {
  const { vpc, half, host } = placeOf(eni);
  const instance = `i-${eni}`;
  const own = `10.${vpc}.${128 * half + (host >> 8)}.${host & 255}`;
  const hex = eni.toString(16).padStart(8, '0').match(/../g) ?? [];
  put(network, {
    kind: 'instance',
    id: instance,
    value: { id: instance, vpc: `vpc-${vpc}`, state: 'running' },
  });
  const value = {
    id: `eni-${eni}`,
    vpc: `vpc-${vpc}`,
    subnet: `subnet-${vpc}-${half}`,
    mac: `02:00:${hex.join(':')}`,
    addresses: [own],
    publicAddresses: [],
    sourceDestCheck: true,
    securityGroups: [`sg-${vpc}`],
    attachment: { instance, deviceIndex: 0 },
  };
  put(network, { kind: 'network-interface', id: value.id, value });
  const guest = addGuest(network, instance);
  boot(guest, present(network.fabric.instances.get(instance), instance).ports, network.fabric.settings);
}

/** A network with so many ENIs, each of a running instance. */
export function buildNetwork(enis: number): Network {
  const network = createNetwork();
  for (let vpc = 0; vpc <= placeOf(enis - 1).vpc; vpc++) putVpc(network, vpc);
  for (let eni = 0; eni < enis; eni++) putEni(network, eni);
  return network;
}

interface Flow {
  readonly guest: Guest;
  readonly source: number;
  readonly destination: number;
  readonly port: number;
}

/** Flows between the subnets of a VPC, among `enis` ENIs, in a fixed order that looks random. */
export function drawFlows(network: Network, enis: number): readonly Flow[] {
  let state = 12_345;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
  const guestOf = (eni: number): Guest => present(network.guests.get(`i-${eni}`), `guest ${eni}`);
  const wordOf = (eni: number): number => present(guestOf(eni).devices[0]?.addresses[0], 'an address').w3;
  return Array.from({ length: FLOWS }, (_, i) => {
    const from = draw(enis);
    const { vpc, half } = placeOf(from);
    const first = vpc * 2 * PER_SUBNET;
    const pairs = Math.min(PER_SUBNET, (enis - first) >> 1);
    const to = first + 2 * draw(pairs) + (1 - half);
    const port = 1024 + (i % 60_000);
    return { guest: guestOf(from), source: wordOf(from), destination: wordOf(to), port };
  });
}

function sendOne(network: Network, flow: Flow, h: Header, recorder?: Recorder): void {
  h.s3 = flow.source;
  h.d3 = flow.destination;
  h.protocol = UDP;
  h.sourcePort = flow.port;
  h.destinationPort = 5000;
  h.ttl = 64;
  const { code } = send(network, flow.guest, h, {}, recorder);
  if (code !== CODE.DELIVERED) throw new Error(`a packet ended with code ${code}`);
}

/** Unrecorded; so, but with nothing remembered of the flows before each run; or with all hops recorded. */
type How = 'plain' | 'walked' | 'recorded';

/** CPU time of a packet, ns: the median of `runs` runs over all flows. */
export function costOf(network: Network, flows: readonly Flow[], runs: number, how: How): number {
  const recorded = how === 'recorded';
  const h = createHeader();
  let steps: Step[] = [];
  const recorder = recorded ? (step: Step) => steps.push(step) : undefined;
  const costs: number[] = [];
  for (let run = 0; run < runs; run++) {
    if (how === 'walked') network.fabric.epoch.number++;
    const { user, system } = process.cpuUsage();
    for (const flow of flows) {
      sendOne(network, flow, h, recorder);
      if (recorded) steps = [];
    }
    const after = process.cpuUsage();
    costs.push(((after.user + after.system - user - system) * 1000) / flows.length);
  }
  return costs.sort((a, b) => a - b)[runs >> 1] ?? Number.NaN;
}

export interface PacketCosts {
  readonly enis: number;
  readonly buildMs: number;
  /** Resident memory with the network built, bytes. */
  readonly rss: number;
  /** CPU time of a packet, ns: flows among the first 100 ENIs, unrecorded and recorded, and among all. */
  readonly same: number;
  readonly recorded: number;
  readonly spread: number;
  /** The same as `same` and `spread`, with nothing remembered of the flows. */
  readonly sameWalked: number;
  readonly spreadWalked: number;
}

const RUNS = 60;

function measure(enis: number): PacketCosts {
  const begun = performance.now();
  let network = buildNetwork(enis);
  const buildMs = performance.now() - begun;
  const rss = process.memoryUsage.rss();
  const few = drawFlows(network, ENIS_AT_FIRST);
  costOf(network, few, RUNS, 'plain');
  const same = costOf(network, few, RUNS, 'plain');
  const sameWalked = costOf(network, few, RUNS, 'walked');
  costOf(network, few, RUNS >> 2, 'recorded');
  const recorded = costOf(network, few, RUNS, 'recorded');
  // Anew, for these 10,000 flows to be the only live ones.
  network = buildNetwork(enis);
  const many = drawFlows(network, enis);
  costOf(network, many, 2, 'plain');
  const spread = costOf(network, many, RUNS, 'plain');
  const spreadWalked = costOf(network, many, RUNS, 'walked');
  return { enis, buildMs, rss, same, recorded, spread, sameWalked, spreadWalked };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${JSON.stringify(measure(Number(process.argv[2])))}\n`);
}

/** What a drill does to a stage: every single thing that can fail, and pairs of them. */
import { must, present, unreachable } from '../../controller/base/result.ts';
import type { Millis } from '../../controller/base/time.ts';
import { type Cast, hold, release } from '../chaos/cast.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';
import { setTunnel } from '../world/gateways.ts';
import { controlGuest } from '../world/guests.ts';
import { after } from '../world/kernel.ts';
import { addCut } from '../world/links.ts';
import type { Stage } from './subject.ts';

export type Failure =
  /**
   * `kill`: without power. `freeze`: nothing runs, memory stays. `hang`: programs stop, the kernel forwards.
   * `drop`: forwards nothing, all else lives.
   */
  | { readonly kind: 'machine'; readonly how: 'kill' | 'freeze' | 'hang' | 'drop'; readonly machine: string }
  /** All machines of a zone lose their power. */
  | { readonly kind: 'zone'; readonly zone: string }
  /** A daemon's process is killed; its supervisor starts it again. */
  | { readonly kind: 'daemon'; readonly machine: string }
  /** Nothing passes between two machines, or between one (`*`: all) and EC2's API. */
  | { readonly kind: 'cut'; readonly from: string; readonly to: string }
  /** IPsec of one tunnel of a VPN connection that ends at a machine; nobody is told. */
  | {
      readonly kind: 'tunnel';
      readonly connection: string;
      readonly outside: string;
      readonly machine: string;
      /** As `tunnel 1 of a to 10.1.0.0/16`. */
      readonly name: string;
    };

/** As a supervisor sees it: at once it notices, and a second later it starts the process. */
const NOTICED_MS: Millis = 1;

/** As `a killed`, `zone eu-central-1a`, `API cut from a`. */
export function nameOf(failure: Failure): string {
  switch (failure.kind) {
    case 'machine':
      return `${failure.machine} ${WORDS[failure.how]}`;
    case 'zone':
      return `zone ${failure.zone} lost`;
    case 'daemon':
      return `daemon of ${failure.machine} killed`;
    case 'cut':
      if (failure.to !== 'api') return `${failure.from} and ${failure.to} cut off from each other`;
      return failure.from === '*' ? 'API down' : `API unreachable from ${failure.from}`;
    case 'tunnel':
      return `${failure.name} down`;
    default:
      return unreachable(failure);
  }
}

const WORDS = {
  kill: 'killed',
  freeze: 'frozen',
  hang: 'hangs, forwards on',
  drop: 'forwards nothing',
} as const;

/** All single failures of a stage. */
export function failuresOf(stage: Stage): readonly Failure[] {
  const { appliances, daemons, machines } = stage;
  const nodes = Object.keys(daemons);
  const watched = [...new Set([...appliances, ...nodes])];
  const zones = [...new Set(watched.map((name) => present(machines[name], name).zone))];
  const hows = ['kill', 'freeze', 'hang', 'drop'] as const;
  const cuts = watched.flatMap((from, index) => watched.slice(index + 1).map((to) => ({ from, to })));
  return [
    ...appliances.flatMap((machine) => hows.map((how): Failure => ({ kind: 'machine', how, machine }))),
    ...nodes
      .filter((node) => !appliances.includes(node))
      .map((machine): Failure => ({ kind: 'machine', how: 'kill', machine })),
    ...zones.map((zone): Failure => ({ kind: 'zone', zone })),
    ...nodes.map((machine): Failure => ({ kind: 'daemon', machine })),
    ...cuts.map((cut): Failure => ({ kind: 'cut', ...cut })),
    ...nodes.map((from): Failure => ({ kind: 'cut', from, to: 'api' })),
    { kind: 'cut', from: '*', to: 'api' },
    ...tunnelsOf(stage),
  ];
}

/** The tunnels that end at appliances, by what they lead to. */
function tunnelsOf({ world: { records }, appliances, machines }: Stage): readonly Failure[] {
  const publicOf = (name: string): string | undefined =>
    records['network-interface'].get(machines[name]?.eni ?? '')?.publicAddresses[0]?.public;
  return [...records['vpn-connection'].values()].flatMap(({ id, gateway, customerGateway, tunnels }) => {
    const site = records['customer-gateway'].get(customerGateway)?.address;
    const machine = appliances.find((name) => publicOf(name) === site);
    if (site === undefined || machine === undefined) return [];
    const { vpc = '' } = records['vpn-gateway'].get(gateway) ?? {};
    const to = records.vpc.get(vpc)?.cidrs[0] ?? gateway;
    return tunnels.map(({ outside }, index): Failure => {
      const name = `tunnel ${index + 1} of ${machine} to ${to}`;
      return { kind: 'tunnel', connection: id, outside, machine, name };
    });
  });
}

/** Pairs that say more than their parts: not two of one machine, nor of a machine and its zone. */
export function pairsOf(stage: Stage, failures: readonly Failure[]): readonly (readonly Failure[])[] {
  const about = failures.map((failure) => subjectsOf(stage, failure));
  return failures.flatMap((one, index) =>
    failures.slice(index + 1).flatMap((other, offset) => {
      const [mine = [], its = []] = [about[index], about[index + 1 + offset]];
      return mine.some((name) => its.includes(name)) ? [] : [[one, other]];
    }),
  );
}

/** What a failure takes away, by name. */
function subjectsOf({ machines }: Stage, failure: Failure): readonly string[] {
  switch (failure.kind) {
    case 'machine':
    case 'daemon':
      return [failure.machine];
    case 'zone':
      return Object.keys(machines).filter((name) => machines[name]?.zone === failure.zone);
    case 'tunnel':
      return [failure.machine, failure.outside];
    case 'cut':
      return failure.to === 'api' ? ['api'] : [`${failure.from} ${failure.to}`];
    default:
      return unreachable(failure);
  }
}

/** Lets it happen, for good; a daemon's supervisor does its work. */
export function strike(stage: Stage, cast: Cast, failure: Failure): void {
  const { world, machines } = stage;
  const instanceOf = (name: string): string => present(machines[name], name).instance;
  switch (failure.kind) {
    case 'machine':
      must(controlGuest(world, instanceOf(failure.machine), failure.how));
      break;
    case 'zone':
      for (const { instance, zone } of Object.values(machines))
        if (zone === failure.zone) must(controlGuest(world, instance, 'kill'));
      break;
    case 'daemon': {
      const actor = present(cast.get(failure.machine), `the daemon of ${failure.machine}`);
      hold(actor);
      after(world, NOTICED_MS, () => release(world, actor));
      break;
    }
    case 'cut': {
      const from = failure.from === '*' ? '*' : instanceOf(failure.from);
      const to = failure.to === 'api' ? API_ADDRESS : instanceOf(failure.to);
      must(addCut(world, { from, to, direction: 'both', loss: 1 }));
      break;
    }
    case 'tunnel':
      must(setTunnel(world, failure.connection, failure.outside, 'down'));
      break;
    default:
      unreachable(failure);
  }
}

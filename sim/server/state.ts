/** The whole world as JSON, for `GET /_byoa/state`. */
import { flowStats } from '../world/flows.ts';
import type { World } from '../world/state.ts';

/** What there is and how it does: resources as the data plane knows them, machines, flows, cuts, knobs. */
export function stateOf(world: World) {
  const { records } = world;
  return {
    now: world.now,
    seed: world.seed,
    trace: world.traceHash,
    instances: [...records.instance.values()].map((instance) => {
      const guest = world.guests.get(instance.id);
      const enis = [...records['network-interface'].values()].filter(
        (eni) => eni.attachment?.instance === instance.id,
      );
      const primary = enis.find((eni) => eni.attachment?.deviceIndex === 0);
      return {
        id: instance.id,
        state: instance.state,
        vpc: instance.vpc,
        zone: records.subnet.get(primary?.subnet ?? '')?.zone,
        power: guest?.endpoint.power ?? 'dead',
        hung: guest?.endpoint.hung ?? false,
        drops: guest?.kernel.drop ?? false,
        attached: (guest?.endpoint.powerListeners.size ?? 0) > 0,
        profile: world.profiles.get(instance.id),
        interfaces: enis.map(({ id, mac, addresses, publicAddresses, sourceDestCheck, attachment }) => ({
          id,
          mac,
          deviceIndex: attachment?.deviceIndex,
          addresses,
          publicAddresses,
          sourceDestCheck,
        })),
      };
    }),
    vpcs: [...records.vpc.values()],
    subnets: [...records.subnet.values()],
    routeTables: [...records['route-table'].values()],
    networkInterfaces: [...records['network-interface'].values()],
    internetGateways: [...records['internet-gateway'].values()],
    peeringConnections: [...records['vpc-peering-connection'].values()],
    transitGatewayAttachments: [...records['transit-gateway-attachment'].values()],
    transitGatewayRouteTables: [...records['transit-gateway-route-table'].values()],
    vpnGateways: [...records['vpn-gateway'].values()],
    vpnConnections: [...records['vpn-connection'].values()],
    gatewaySpeakers: [...records['gateway-speaker'].values()],
    siteRouters: [...world.routers].map(([customerGateway, router]) => ({
      customerGateway,
      power: router.endpoint.power,
      ...router.options,
      sessions: router.sessions(),
    })),
    hosts: [...world.hosts.keys()],
    flows: [...world.flows.values()].map(flowStats),
    cuts: [...world.cuts.values()],
    knobs: world.api.knobs,
    links: world.links,
    lastEvent: world.nextLogSeq - 1,
  };
}

export type State = ReturnType<typeof stateOf>;

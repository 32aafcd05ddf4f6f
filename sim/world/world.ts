/**
 * A world: virtual time, a cloud behind its API, the fabric of its VPCs, guests and Internet hosts that run
 * programs, flows and faults. The same world runs by virtual time in tests and by the real clock in the
 * server. No I/O.
 */
import { must } from '../../controller/base/result.ts';
import { createTables } from '../dynamodb/service.ts';
import { createCloud, type Request } from '../ec2/service.ts';
import { createNetwork } from '../vpc/network.ts';
import { type Api, cloudKnobs } from './api.ts';
import { followSpeaker } from './gateways.ts';
import { addHost, applyChange, controlGuest } from './guests.ts';
import { createKernel } from './kernel.ts';
import { followBalancing } from './load-balancers.ts';
import { createRecords } from './records.ts';
import { type Settings, settingsOf, type WorldOptions } from './settings.ts';
import type { World } from './state.ts';

/**
 * A world in which nothing has happened yet. The same options and the same inputs give the same trace hash.
 */
export function createWorld(options: WorldOptions = {}): World {
  const settings = settingsOf(options);
  const kernel = createKernel(settings.seed, settings.startAt);
  const api: Api = {
    kernel,
    cloud: createCloud({ seed: cloudSeed(settings), ...cloudKnobs(settings.knobs) }),
    tables: createTables(),
    knobs: settings.knobs,
    injections: [],
    settleAt: undefined,
    made: new Map(),
    applied: new Map(),
    apply: (change) => {
      applyChange(world, change);
      if (change.kind === 'gateway-speaker') followSpeaker(world, change.id, change.value);
      followBalancing(world, change);
    },
    called: (request) => afterCall(world, request),
  };
  const world: World = Object.assign(kernel, {
    settings,
    api,
    records: createRecords(),
    network: createNetwork(settings.vpc),
    guests: new Map(),
    profiles: new Map(),
    hosts: new Map(),
    ends: new Map(),
    placed: new Map(),
    flows: new Map(),
    gateways: new Map(),
    routers: new Map(),
    balancerNodes: new Map(),
    healthChecks: new Set<string>(),
    cuts: new Map(),
    unsaved: { guests: new Set<string>(), hosts: new Set<string>(), routers: new Set<string>() },
    links: { ...settings.links },
  });
  for (const address of settings.hosts) must(addHost(world, address));
  return world;
}

const cloudSeed = ({ seed, run }: Settings): number | string => (run === 0 ? seed : `${seed}/run ${run}`);

/** RebootInstances changes no resource, but the machines. */
function afterCall(world: World, { action, input }: Request): void {
  if (action !== 'RebootInstances') return;
  const { InstanceIds: ids = [] } = input as { readonly InstanceIds?: readonly string[] };
  for (const id of ids) controlGuest(world, id, 'reboot');
}

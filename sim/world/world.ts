/**
 * A world: virtual time, a cloud behind its API, the fabric of its VPCs, guests and Internet hosts that run programs, flows
 * and faults. The same world runs by virtual time in tests and by the real clock in the server. No I/O.
 */
import { createCloud, type Request } from '../ec2/service.ts';
import type { Change } from '../vpc/model.ts';
import { type Api, cloudKnobs } from './api.ts';
import { createKernel, type Kernel } from './kernel.ts';
import { createRecords, mirror, type Records } from './records.ts';
import { type Settings, settingsOf, type WorldOptions } from './settings.ts';

export interface World extends Kernel {
  readonly settings: Settings;
  readonly api: Api;
  readonly records: Records;
}

/** A world in which nothing has happened yet. The same options and the same inputs give the same trace hash. */
export function createWorld(options: WorldOptions = {}): World {
  const settings = settingsOf(options);
  const kernel = createKernel(settings.seed, settings.startAt);
  const records = createRecords();
  const api: Api = {
    kernel,
    cloud: createCloud({ seed: settings.seed, ...cloudKnobs(settings.knobs) }),
    knobs: settings.knobs,
    injections: [],
    settleAt: undefined,
    made: new Map(),
    applied: new Map(),
    apply: (change: Change) => mirror(records, change),
    called: (_request: Request) => {},
  };
  return Object.assign(kernel, { settings, api, records });
}

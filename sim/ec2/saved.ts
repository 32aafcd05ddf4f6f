/** A cloud as the changes that make it from an empty one, and back. */
import { unreachable } from '../../controller/base/result.ts';
import type { CloudChange } from './cloud-change.ts';
import { changeOf } from './record/projection.ts';
import { type Cloud, schedule } from './service.ts';
import { readAll, tableIn, write } from './store.ts';

/** All that a cloud holds; records of a kind in the order of their creation. */
export function* changesOf(cloud: Cloud): Generator<CloudChange> {
  for (const name of cloud.regions) yield { kind: 'region', name };
  for (const [name, quotas] of cloud.quotas) yield { kind: 'quotas', name, quotas };
  for (const [scope, tables] of cloud.store.scopes) {
    for (const [kind, table] of tables) {
      for (const record of readAll(table)) yield { kind: 'put', table: kind, scope, record };
    }
  }
  for (const step of cloud.scheduled) yield { kind: 'planned', step };
  for (const [key, { input, output }] of cloud.tokens) yield { kind: 'token', key, input, output };
}

/** Does to a cloud what a saved change says; the data plane hears of it by `announce`. */
export function replay(cloud: Cloud, change: CloudChange): void {
  switch (change.kind) {
    case 'put':
      write(
        cloud.store,
        tableIn(cloud.store, change.table, change.scope),
        change.record.id,
        change.record,
        0,
      );
      break;
    case 'remove':
      write(cloud.store, tableIn(cloud.store, change.table, change.scope), change.id, undefined, 0);
      break;
    case 'region':
      cloud.regions.add(change.name);
      break;
    case 'planned':
      schedule(cloud.scheduled, change.step);
      cloud.seq = Math.max(cloud.seq, change.step.seq + 1);
      break;
    case 'done': {
      const at = cloud.scheduled.findIndex(({ seq }) => seq === change.seq);
      if (at >= 0) cloud.scheduled.splice(at, 1);
      break;
    }
    case 'quotas':
      cloud.quotas.set(change.name, change.quotas);
      break;
    case 'token':
      cloud.tokens.set(change.key, { input: change.input, output: change.output });
      break;
    default:
      unreachable(change);
  }
}

/** Kinds that start something, which needs the rest. */
const STARTING: readonly string[] = ['instance', 'gateway-speaker'];

/** Makes every record a change for the data plane: last what starts machines and speakers. */
export function announce(cloud: Cloud): void {
  for (const starting of [false, true]) {
    for (const tables of cloud.store.scopes.values()) {
      for (const [kind, table] of tables) {
        if (STARTING.includes(kind) !== starting) continue;
        for (const record of readAll(table)) {
          const change = changeOf(kind, record.id, undefined, record);
          if (change) cloud.changes.push(change);
        }
      }
    }
  }
}

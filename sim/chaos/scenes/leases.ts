/** The store of leases, as an operator creates it. */
import { handle } from '../../dynamodb/service.ts';
import type { World } from '../../world/state.ts';
import { PLACE } from './network.ts';

export function createLeases(world: World, table: string): void {
  const input = { TableName: table, KeySchema: [{ AttributeName: 'group', KeyType: 'HASH' }] };
  const made = handle(world.api.tables, { ...PLACE, action: 'CreateTable', input });
  if (made.kind === 'error') throw new Error(made.message);
}

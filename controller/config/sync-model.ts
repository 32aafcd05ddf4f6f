/** Route sync as the daemon uses it: which best paths are kept in which route tables. */
import type { PrefixRange } from '../bgp/options.ts';

export interface SyncConfig {
  /** Of a table, or of all tables with a tag. */
  readonly tables: readonly {
    readonly table?: string;
    readonly tag?: { readonly key: string; readonly value: string };
  }[];
  /** All best paths where absent. */
  readonly prefixes?: readonly PrefixRange[];
  /** Most routes of ours per table and IP version; absent: the quota less the routes of others. */
  readonly limit?: number;
  readonly aggregate: 'auto' | 'always' | 'never';
  /** How long routes stay when all sessions are gone; absent: until one is back. */
  readonly persistMs?: number;
  readonly holdMs: number;
  readonly adopt: readonly PrefixRange[];
}

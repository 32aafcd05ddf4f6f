/** Leases: what groups have of their own, over what is common to all. */
import type { Finding, Note } from './finding.ts';
import type { GroupLease, LeaseStore } from './model.ts';
import type { ParsedFile } from './schema.ts';

const TERM_MS = 4000;

/** Where the leases are; absent where there are none. */
export function resolveLeaseStore({ lease, aws }: ParsedFile): LeaseStore | undefined {
  if (lease === 'none') return undefined;
  const { kind, table, region = aws.region, endpoint } = lease;
  return { kind, table, region, ...(endpoint === undefined ? {} : { endpoint }) };
}

/** The lease of a group; absent where it has none. */
export function resolveLease(
  { lease: common }: ParsedFile,
  own: ParsedFile['groups'][number]['lease'],
  path: Finding['path'],
  note: Note,
): GroupLease | undefined {
  if (common === 'none') {
    if (own !== undefined && own !== 'none')
      note(
        [...path, 'lease'],
        'there is no store for it',
        'configure lease: { kind: dynamodb, table: NAME }',
      );
    return undefined;
  }
  if (own === 'none') return undefined;
  return {
    termMs: own?.term ?? common.term ?? TERM_MS,
    lost: own?.lost ?? common.lost ?? 'freeze',
  };
}

/**
 * Pages of lists. A token names the place of the last row that was shown, not a number of rows: what is made
 * or deleted between two pages makes the next one neither skip nor repeat what stays.
 */
import { invalidValue } from './refusal.ts';

/** Where a row stands in its list; compared part by part. */
export type Place = readonly (number | string)[];

interface Asked {
  /** Rows on the page; all where absent. */
  readonly limit: number | undefined;
  readonly token: string | undefined;
}

/** The rows after the token in ascending order of their places; undefined where the token is none of ours. */
export function pageAfter<R>(
  rows: readonly R[],
  { limit, token }: Asked,
  place: (row: R) => Place,
): { readonly rows: readonly R[]; readonly token?: string } | undefined {
  const after = token === undefined ? undefined : readToken(token);
  if (after === undefined && token !== undefined) return undefined;
  if (after === undefined && limit === undefined) return { rows };
  const places = rows.map((row) => ({ row, at: place(row) }));
  places.sort((a, b) => compare(a.at, b.at));
  const start = after === undefined ? 0 : places.findIndex(({ at }) => compare(at, after) > 0);
  const rest = start < 0 ? [] : places.slice(start);
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  const more = last !== undefined && shown.length < rest.length;
  return { rows: shown.map(({ row }) => row), ...(more && { token: writeToken(last.at) }) };
}

function compare(a: Place, b: Place): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? '';
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

const writeToken = (place: Place): string => btoa(`after ${encodeURIComponent(JSON.stringify(place))}`);

function readToken(token: string): Place | undefined {
  try {
    const text = /^after (.{1,4000})$/.exec(atob(token))?.[1];
    const place: unknown = text === undefined ? undefined : JSON.parse(decodeURIComponent(text));
    const parts = Array.isArray(place) ? place : [];
    return parts.length > 0 && parts.every((part) => ['number', 'string'].includes(typeof part))
      ? parts
      : undefined;
  } catch {
    return undefined;
  }
}

/** The smallest and largest MaxResults of an operation. Constraints of the EC2 API reference. */
const BOUNDS: Readonly<Record<string, readonly [number, number]>> = {
  DescribeAddressesAttribute: [1, 1000],
  DescribeEgressOnlyInternetGateways: [5, 255],
  DescribeInstanceTypes: [5, 100],
  DescribeLaunchTemplates: [1, 200],
  DescribeLaunchTemplateVersions: [1, 200],
  DescribeManagedPrefixLists: [1, 100],
  DescribeRouteTables: [5, 100],
  GetManagedPrefixListAssociations: [5, 255],
  GetManagedPrefixListEntries: [1, 100],
};

/** Refuses a MaxResults that is out of the operation's bounds. */
export function checkPageSize(action: string, limit: number | undefined): void {
  const [least, most] = (Object.hasOwn(BOUNDS, action) ? BOUNDS[action] : undefined) ?? [5, 1000];
  if (limit === undefined || (limit >= least && limit <= most)) return;
  const bound = limit < least ? `greater than or equal to ${least}` : `less than or equal to ${most}`;
  invalidValue('maxResults', limit, `Expecting a value ${bound}.`);
}

/**
 * EC2's request throttling: a token bucket per account, region and action. EC2 API request throttling page.
 */
import type { Instant } from '../../controller/base/time.ts';

export interface Bucket {
  readonly tokens: number;
  readonly at: Instant;
}

interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

const reads: Rate = { burst: 100, perSecond: 20 };
const unfilteredReads: Rate = { burst: 50, perSecond: 10 };
const mutating: Rate = { burst: 50, perSecond: 5 };
const interfaces: Rate = { burst: 100, perSecond: 5 };
const tagging: Rate = { burst: 100, perSecond: 10 };
const launches: Rate = { burst: 5, perSecond: 2 };

const unfilteredActions = new Set([
  'DescribeInstances',
  'DescribeInstanceStatus',
  'DescribeNetworkInterfaces',
  'DescribeSecurityGroups',
  'DescribeSnapshots',
  'DescribeSpotInstanceRequests',
  'DescribeVolumes',
]);

const ownRates: Readonly<Record<string, Rate>> = {
  AssignPrivateIpAddresses: interfaces,
  UnassignPrivateIpAddresses: interfaces,
  CreateNetworkInterface: interfaces,
  DeleteNetworkInterface: interfaces,
  ModifyNetworkInterfaceAttribute: interfaces,
  CreateTags: tagging,
  DeleteTags: tagging,
  CreateNatGateway: { burst: 10, perSecond: 1 },
  DeleteNatGateway: { burst: 10, perSecond: 1 },
  CreateVpcEndpoint: { burst: 4, perSecond: 0.3 },
  DeleteVpcEndpoints: { burst: 4, perSecond: 0.3 },
  RunInstances: launches,
  StartInstances: launches,
};

interface Asked {
  readonly account: string;
  readonly region: string;
  readonly action: string;
  readonly input: object;
}

/** Takes a token for the request, or says that there is none. */
export function admit(
  buckets: Map<string, Bucket>,
  { account, region, action, input }: Asked,
  now: Instant,
): boolean {
  const { burst, perSecond } = rateOf(action, input);
  const key = `${account}/${region}/${action}/${burst}`;
  const bucket = buckets.get(key) ?? { tokens: burst, at: now };
  const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
  buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
  return tokens >= 1;
}

function rateOf(action: string, input: object): Rate {
  const own = Object.hasOwn(ownRates, action) ? ownRates[action] : undefined;
  if (own) return own;
  if (!/^(Describe|Get|List|Search)/.test(action)) return mutating;
  return unfilteredActions.has(action) && Object.values(input).every((value) => value === undefined)
    ? unfilteredReads
    : reads;
}

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

/** Tokens for instances, beside those for requests. */
const launched: Rate = { burst: 1000, perSecond: 2 };
const ended: Rate = { burst: 1000, perSecond: 20 };

interface Asked {
  readonly account: string;
  readonly region: string;
  readonly action: string;
  readonly input: object;
}

interface Demand {
  readonly bucket: string;
  readonly rate: Rate;
  readonly tokens: number;
}

/** What a request takes: a token of its action, and one for each instance that it starts or ends. */
function demandsOf(action: string, input: object): readonly Demand[] {
  const rate = rateOf(action, input);
  const request: Demand = { bucket: `${action}/${rate.burst}`, rate, tokens: 1 };
  const { MaxCount: count = 1, InstanceIds: ids = [] } = input as {
    readonly MaxCount?: number;
    readonly InstanceIds?: readonly string[];
  };
  switch (action) {
    case 'RunInstances':
      return [
        request,
        {
          bucket: 'instances launched',
          rate: launched,
          tokens: Math.min(launched.burst, Math.max(1, count)),
        },
      ];
    case 'StartInstances':
      return [request, { bucket: 'instances launched', rate: launched, tokens: ids.length }];
    case 'StopInstances':
    case 'TerminateInstances':
      return [request, { bucket: 'instances ended', rate: ended, tokens: ids.length }];
    default:
      return [request];
  }
}

/** Takes the tokens for the request, or says that there are not enough. */
export function admit(
  buckets: Map<string, Bucket>,
  { account, region, action, input }: Asked,
  now: Instant,
): boolean {
  const found = demandsOf(action, input).map(({ bucket: name, rate, tokens: wanted }) => {
    const key = `${account}/${region}/${name}`;
    const bucket = buckets.get(key) ?? { tokens: rate.burst, at: now };
    const there = Math.min(rate.burst, bucket.tokens + ((now - bucket.at) / 1000) * rate.perSecond);
    return { key, there, wanted };
  });
  const enough = found.every(({ there, wanted }) => there >= wanted);
  for (const { key, there, wanted } of found) {
    buckets.set(key, { tokens: enough ? there - wanted : there, at: now });
  }
  return enough;
}

/** Parameters that neither filter nor page. */
const NEUTRAL = ['DryRun', 'IncludeAllInstances', 'IncludeManagedResources'];

function rateOf(action: string, input: object): Rate {
  const own = Object.hasOwn(ownRates, action) ? ownRates[action] : undefined;
  if (own) return own;
  if (!/^(Describe|Get|List|Search)/.test(action)) return mutating;
  const given = Object.entries(input).filter(
    ([name, value]) =>
      value !== undefined && !(Array.isArray(value) && value.length === 0) && !NEUTRAL.includes(name),
  );
  return unfilteredActions.has(action) && given.length === 0 ? unfilteredReads : reads;
}

/**
 * The services of AWS that VPC endpoints lead to, by region. Which exist and of which types are AWS's; their
 * addresses are the simulator's: of the reserved 240.0.0.0/4 (RFC 1112), so that they collide with nobody's.
 */

/** Where the simulated APIs live on the simulated Internet (TEST-NET-1, RFC 5737). */
export const API_ADDRESS = '192.0.2.10';

/** The owner of AWS's own prefix lists. */
export const AWS_OWNER = 'AWS';

export type EndpointType = 'Gateway' | 'Interface' | 'GatewayLoadBalancer';

/** What an endpoint leads to. */
export interface Service {
  readonly name: string;
  readonly types: readonly EndpointType[];
  /** The host that answers for it, where one is simulated. */
  readonly address?: string;
  /** AWS's prefix list of the service's addresses. */
  readonly list?: { readonly id: string; readonly cidrs: readonly string[] };
  /** Of a service that an account offers. */
  readonly own?: { readonly id: string; readonly loadBalancer: string; readonly acceptanceRequired: boolean };
}

/** Services whose API is simulated, and others that have interface endpoints and no host. */
const apis = ['ec2', 'elasticloadbalancing', 'ssm', 'sts'];
const others = ['ec2messages', 'ecr.api', 'ecr.dkr', 'kms', 'logs', 'monitoring', 'secretsmanager'];

/** FNV-1a. */
function hash(text: string): number {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619) >>> 0;
  return h;
}

/** A service that is reached by its public addresses, or by a gateway endpoint. */
function storage(region: string, short: string, first: number): Service {
  const name = `com.amazonaws.${region}.${short}`;
  const place = hash(region) & 0xffff;
  const net = `${first}.${place >>> 8}.${place & 0xff}`;
  const id = `pl-${hash(name).toString(16).padStart(8, '0')}`;
  return { name, types: ['Gateway', 'Interface'], address: `${net}.1`, list: { id, cidrs: [`${net}.0/24`] } };
}

/** The services of a region. */
export const servicesOf = (region: string): readonly Service[] => [
  storage(region, 's3', 240),
  storage(region, 'dynamodb', 241),
  ...apis.map(
    (short): Service => ({
      name: `com.amazonaws.${region}.${short}`,
      types: ['Interface'],
      address: API_ADDRESS,
    }),
  ),
  ...others.map((short): Service => ({ name: `com.amazonaws.${region}.${short}`, types: ['Interface'] })),
];

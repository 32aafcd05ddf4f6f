/** How a handler refuses: it throws a refusal, and the service answers it as EC2's error. */

export interface Refusal extends Error {
  readonly kind: 'refusal';
  /** EC2's error code, e.g. `InvalidVpcID.NotFound`. */
  readonly code: string;
  /** HTTP status: 4xx the caller's fault, 5xx ours. */
  readonly status: number;
}

/** Throws a refusal with EC2's code and words. Nothing that the handler did is kept. */
export function refuse(code: string, message: string, status = 400): never {
  throw Object.assign(new Error(message), { kind: 'refusal' as const, code, status });
}

/** Whether something thrown is a refusal, and not a fault of ours. */
export const isRefusal = (thrown: unknown): thrown is Refusal =>
  thrown instanceof Error && 'kind' in thrown && thrown.kind === 'refusal';

export const missing = (parameter: string): never =>
  refuse('MissingParameter', `The request must contain the parameter ${parameter}`);

export const invalidValue = (parameter: string, value: unknown, why = ''): never =>
  refuse('InvalidParameterValue', `Value (${value}) for parameter ${parameter} is invalid. ${why}`.trimEnd());

/**
 * EC2 codes that we spell from memory: neither AWS's list of error codes nor a client of EC2 has them.
 * docs/ec2-api.md says so too.
 */
export const FROM_MEMORY: readonly string[] = [
  'CidrConflict',
  'EgressOnlyInternetGatewayLimitExceeded',
  'InvalidCoreNetworkArn.NotFound',
  'InvalidLocalGatewayID.NotFound',
  'InvalidOdbNetworkArn.NotFound',
  'InvalidRouteServerEndpointId.Malformed',
  'InvalidRouteServerId.Malformed',
  'InvalidRouteServerPeerId.Malformed',
  'InvalidTransitGatewayConnectPeerID.Malformed',
  'InvalidTransitGatewayMulticastDomainId.Malformed',
  'NoSuchAssociation',
  'PrefixListLimitExceeded',
  'RouteServerEndpointLimitExceeded',
  'RouteServerLimitExceeded',
  'RouteServerPeerLimitExceeded',
  'SubnetIpv6CidrBlockAssociationLimitExceeded',
  'TransitGatewayAttachmentLimitExceeded',
  'TransitGatewayConnectPeerLimitExceeded',
  'TransitGatewayRouteTableLimitExceeded',
];

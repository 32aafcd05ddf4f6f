/** Where AWS's services are. */
import type { Config } from '../config.ts';

/** The regional endpoint of a service (AWS General Reference). */
export const regionalHost = (service: string, region: string): string =>
  `${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;

/** The endpoint of a service in a region. */
export function endpointOf(
  { region: own, endpoint }: Pick<Config['aws'], 'region' | 'endpoint'>,
  service: 'ec2' | 'sts' | 'ssm',
  region: string,
): string {
  if (endpoint === undefined) return `https://${regionalHost(service, region)}`;
  // One that names no region, such as a simulator's, is the door to all services of all regions.
  const { hostname, protocol } = new URL(endpoint);
  const isForAll = !hostname.includes(own);
  return isForAll || (service === 'ec2' && region === own)
    ? endpoint
    : `${protocol}//${regionalHost(service, region)}`;
}

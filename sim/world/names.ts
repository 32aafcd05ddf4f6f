/** The names that the simulated resolver knows: the APIs, and addresses that name themselves. */
import { parseAddress } from '../../controller/base/ip.ts';
import { API_ADDRESS } from '../ec2/catalog/services.ts';

const API_NAME = /^((ec2|sts|elasticloadbalancing)(\.[a-z0-9-]+)?|iam)\.amazonaws\.com$/;

/** The addresses of a name; none where it does not exist. */
export function resolveName(name: string): string[] {
  const lower = name.toLowerCase().replace(/\.$/, '');
  if (parseAddress(lower).ok) return [lower];
  return API_NAME.test(lower) ? [API_ADDRESS] : [];
}

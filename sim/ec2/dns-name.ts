/** The names that Amazon's DNS gives to addresses. */

const dashed = (ip: string): string => ip.replaceAll('.', '-');

/** `ip-10-0-0-1.eu-central-1.compute.internal`; us-east-1 is older and has `ec2.internal`. */
export const privateDnsName = (region: string, ip: string): string =>
  `ip-${dashed(ip)}.${region === 'us-east-1' ? 'ec2' : `${region}.compute`}.internal`;

/** `ec2-198-18-0-1.eu-central-1.compute.amazonaws.com`. */
export const publicDnsName = (region: string, ip: string): string =>
  `ec2-${dashed(ip)}.${region === 'us-east-1' ? 'compute-1' : `${region}.compute`}.amazonaws.com`;

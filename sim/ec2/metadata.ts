/**
 * What the instance metadata service knows of an instance, as a tree: `meta-data`, `dynamic` and `user-data`.
 * Names and values as the EC2 User Guide lists them ("Instance metadata categories"); of those that concern
 * networking all, of the others what programs on appliances ask for.
 */

import { INSTANCE_TYPES } from './catalog/instance-types.ts';
import { privateDnsName, publicDnsName } from './dns-name.ts';
import type { Tx } from './handler.ts';
import { hasDnsNames, interfacesOf } from './handlers/instance.ts';
import { instanceSession, roleOf } from './iam/principal.ts';
import type { InstanceRecord } from './record/compute.ts';
import type { NetworkInterfaceRecord } from './record/network.ts';
import { zoneNamed } from './zones.ts';

/** A value, or a folder; what is undefined is not there. */
export type Tree = string | Uint8Array | { readonly [name: string]: Tree | undefined };

/** How long the credentials of a role are valid from when they are asked for. */
const CREDENTIALS_S = 6 * 3600;

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));

const lines = (values: readonly (string | undefined)[]): string | undefined =>
  values.some((each) => each !== undefined)
    ? values.filter((each) => each !== undefined).join('\n')
    : undefined;

/** The tree of an instance, below `/latest`. */
export const metadataOf = (tx: Tx, instance: InstanceRecord): Tree => ({
  dynamic: { 'instance-identity': { document: identityDocument(tx, instance) } },
  'meta-data': metaData(tx, instance),
  'user-data': instance.userData === undefined ? undefined : bytesOf(instance.userData),
});

function metaData(tx: Tx, instance: InstanceRecord): Tree {
  const enis = interfacesOf(tx, instance.id).filter(({ attachment }) => attachment?.status === 'attached');
  const primary = enis.find((eni) => eni.attachment?.deviceIndex === 0);
  const [ip] = primary?.ipv4 ?? [];
  const name = ip && privateDnsName(tx.region, ip);
  const lent = primary?.publicAddresses.find((each) => each.private === ip)?.public;
  const tags = instance.metadata.instanceMetadataTags === 'enabled' ? { instance: instance.tags } : undefined;
  return {
    'ami-id': instance.image,
    'ami-launch-index': String(instance.launchIndex),
    hostname: name,
    iam: identity(tx, instance),
    'instance-action': 'none',
    'instance-id': instance.id,
    'instance-life-cycle': 'on-demand',
    'instance-type': instance.type,
    ipv6: primary?.ipv6[0],
    'local-hostname': name,
    'local-ipv4': ip,
    mac: primary?.mac,
    network: {
      interfaces: { macs: Object.fromEntries(enis.map((eni) => [eni.mac, interfaceTree(tx, eni)])) },
    },
    placement: {
      'availability-zone': instance.zone,
      'availability-zone-id': zoneNamed(tx, instance.zone).id,
      region: tx.region,
    },
    'public-hostname': lent && hasDnsNames(tx, instance.vpc) ? publicDnsName(tx.region, lent) : undefined,
    'public-ipv4': lent,
    'reservation-id': instance.reservation,
    'security-groups': primary && groupNames(tx, primary),
    services: { domain: 'amazonaws.com', partition: 'aws' },
    tags,
  };
}

const groupNames = (tx: Tx, eni: NetworkInterfaceRecord): string | undefined =>
  lines(eni.groups.map((id) => tx.get('security-group', id)?.name));

/** One network interface, below its MAC address. */
function interfaceTree(tx: Tx, eni: NetworkInterfaceRecord): Tree {
  const [vpc, subnet] = [tx.get('vpc', eni.vpc), tx.get('subnet', eni.subnet)];
  const publics = eni.publicAddresses.map((each) => [each.public, each.private] as const);
  const [ip] = eni.ipv4;
  return {
    'device-number': String(eni.attachment?.deviceIndex),
    'interface-id': eni.id,
    'ipv4-associations': publics.length > 0 ? Object.fromEntries(publics) : undefined,
    ipv6s: lines(eni.ipv6),
    'local-hostname': ip && privateDnsName(tx.region, ip),
    'local-ipv4s': lines(eni.ipv4),
    mac: eni.mac,
    'network-card-index': String(eni.attachment?.networkCardIndex),
    'owner-id': eni.account,
    'public-ipv4s': lines(publics.map(([address]) => address)),
    'security-group-ids': lines(eni.groups),
    'security-groups': groupNames(tx, eni),
    'subnet-id': eni.subnet,
    'subnet-ipv4-cidr-block': subnet?.cidr,
    'subnet-ipv6-cidr-blocks': subnet?.ipv6?.cidr,
    'vpc-id': eni.vpc,
    'vpc-ipv4-cidr-block': vpc?.ipv4[0]?.cidr,
    'vpc-ipv4-cidr-blocks': lines((vpc?.ipv4 ?? []).map(({ cidr }) => cidr)),
    'vpc-ipv6-cidr-blocks': lines((vpc?.ipv6 ?? []).map(({ cidr }) => cidr)),
  };
}

/**
 * The instance profile and its role's credentials; the access key is the account, as everywhere here, and the
 * token says which role.
 */
function identity(tx: Tx, instance: InstanceRecord): Tree | undefined {
  const { profile } = instance;
  if (profile === undefined) return undefined;
  const now = tx.date();
  const common = { Code: 'Success', LastUpdated: seconds(now) };
  const info = { ...common, InstanceProfileArn: profile.arn, InstanceProfileId: profile.id };
  const role = roleOf(tx, instance);
  const credentials = {
    ...common,
    Type: 'AWS-HMAC',
    AccessKeyId: tx.account,
    SecretAccessKey: 'simulated',
    Token: instanceSession(tx, instance),
    Expiration: seconds(new Date(now.getTime() + CREDENTIALS_S * 1000)),
  };
  return {
    info: json(info),
    'security-credentials': role === undefined ? undefined : { [role.id]: json(credentials) },
  };
}

function identityDocument(tx: Tx, instance: InstanceRecord): string {
  const primary = interfacesOf(tx, instance.id).find((eni) => eni.attachment?.deviceIndex === 0);
  return json({
    accountId: instance.account,
    architecture: INSTANCE_TYPES.get(instance.type)?.architecture ?? 'x86_64',
    availabilityZone: instance.zone,
    billingProducts: null,
    devpayProductCodes: null,
    imageId: instance.image,
    instanceId: instance.id,
    instanceType: instance.type,
    kernelId: null,
    marketplaceProductCodes: null,
    pendingTime: seconds(instance.launchTime),
    privateIp: primary?.ipv4[0],
    ramdiskId: null,
    region: tx.region,
    version: '2017-09-30',
  });
}

const json = (value: object): string => JSON.stringify(value, undefined, 2);

/** ISO 8601 without fractions, as the service writes it. */
const seconds = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

const isLeaf = (tree: Tree): tree is string | Uint8Array =>
  typeof tree === 'string' || tree instanceof Uint8Array;

/** What is at a path such as `meta-data/placement/`; of a folder the names in it. Undefined: nothing. */
export function textAt(tree: Tree, path: string): string | Uint8Array | undefined {
  let found: Tree | undefined = tree;
  for (const step of path.split('/').filter((each) => each !== '')) {
    if (found === undefined || isLeaf(found) || !Object.hasOwn(found, step)) return undefined;
    found = found[step];
  }
  if (found === undefined || isLeaf(found)) return found;
  return lines(
    Object.entries(found).map(([name, inner]) => {
      if (inner === undefined) return undefined;
      return isLeaf(inner) ? name : `${name}/`;
    }),
  );
}

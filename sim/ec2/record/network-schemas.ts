/** How the networking resources are written in a world file. */
import { z } from 'zod';
import type { Route, RouteTarget } from '../../vpc/model.ts';
import { AWS_OWNER } from '../catalog/services.ts';
import type {
  AddressRecord,
  CidrAssociation,
  DhcpOptionsRecord,
  EniAttachment,
  InternetGatewayRecord,
  NetworkAclEntry,
  NetworkAclRecord,
  NetworkInterfaceRecord,
  NetworkRecords,
  PrefixListRecord,
  PublicAddress,
  RouteTableAssociation,
  RouteTableRecord,
  SubnetRecord,
  TakenRecord,
  VpcRecord,
} from './network.ts';
import {
  account,
  address,
  byKind,
  cidr,
  date,
  exactly,
  flag,
  int,
  mac,
  region,
  type Schemas,
  stored,
  text,
  texts,
} from './schema.ts';

const block = exactly<CidrAssociation>({ association: text, cidr });

const target = byKind<RouteTarget>({
  local: {},
  eni: { eni: text },
  'internet-gateway': { gateway: text },
  'vpc-peering-connection': { connection: text },
  'transit-gateway': { gateway: text },
  'nat-gateway': { gateway: text },
  'egress-only-gateway': { gateway: text },
  'vpn-gateway': { gateway: text },
  'vpc-endpoint': { endpoint: text },
});

const route = exactly<Route>({
  destination: z.union([z.string().regex(/^pl-[0-9a-f]+$/), cidr]),
  target,
  origin: z.enum(['CreateRouteTable', 'CreateRoute', 'EnableVgwRoutePropagation', 'Advertisement']),
  propagatedFrom: z.enum(['direct-connect', 'vpn-static', 'vpn-bgp']).exactOptional(),
  advertised: z.strictObject({ server: text, nextHop: text }).exactOptional(),
});

const vpc = exactly<VpcRecord>({
  ...stored,
  account,
  region,
  isDefault: flag,
  dhcpOptions: text,
  tenancy: z.enum(['default', 'dedicated']),
  ipv4: z.array(block).min(1),
  ipv6: z.array(block),
  dnsSupport: flag,
  dnsHostnames: flag,
  networkAddressUsageMetrics: flag,
});

const subnet = exactly<SubnetRecord>({
  ...stored,
  account,
  region,
  vpc: text,
  zone: text,
  cidr,
  ipv6: block.exactOptional(),
  defaultForAz: flag,
  mapPublicIpOnLaunch: flag,
  assignIpv6AddressOnCreation: flag,
  enableDns64: flag,
  hostnameType: z.enum(['ip-name', 'resource-name']),
  resourceNameDnsA: flag,
  resourceNameDnsAaaa: flag,
});

const routeTable = exactly<RouteTableRecord>({
  ...stored,
  account,
  vpc: text,
  routes: z.array(route),
  associations: z.array(
    exactly<RouteTableAssociation>({
      association: text,
      subnet: text.exactOptional(),
      gateway: text.exactOptional(),
    }),
  ),
  propagating: texts.exactOptional(),
});

const networkInterface = exactly<NetworkInterfaceRecord>({
  ...stored,
  account,
  vpc: text,
  subnet: text,
  zone: text,
  mac,
  description: text,
  interfaceType: z.enum([
    'nat_gateway',
    'vpc_endpoint',
    'gateway_load_balancer',
    'gateway_load_balancer_endpoint',
    'interface',
    'efa',
    'branch',
    'trunk',
    'efa-only',
  ]),
  ipv4: z.array(address),
  ipv6: z.array(address),
  publicAddresses: z.array(
    exactly<PublicAddress>({
      private: address,
      public: address,
      allocation: text.exactOptional(),
      association: text.exactOptional(),
    }),
  ),
  groups: texts,
  sourceDestCheck: flag,
  manager: text.exactOptional(),
  machine: text.exactOptional(),
  attachment: exactly<EniAttachment>({
    id: text,
    instance: text,
    instanceOwner: text,
    deviceIndex: int,
    networkCardIndex: int,
    status: z.enum(['attaching', 'attached', 'detaching']),
    attachTime: date,
    deleteOnTermination: flag,
  }).exactOptional(),
});

const networkAcl = exactly<NetworkAclRecord>({
  ...stored,
  account,
  vpc: text,
  isDefault: flag,
  entries: z.array(
    exactly<NetworkAclEntry>({
      number: int,
      egress: flag,
      protocol: int,
      action: z.enum(['allow', 'deny']),
      cidr,
      ports: z.strictObject({ from: int, to: int }).exactOptional(),
      icmp: z.strictObject({ type: int, code: int }).exactOptional(),
    }),
  ),
  associations: z.array(z.strictObject({ association: text, subnet: text })),
});

const prefixList = exactly<PrefixListRecord>({
  ...stored,
  account: z.union([account, z.literal(AWS_OWNER)]),
  region,
  name: text,
  family: z.union([z.literal(4), z.literal(6)]),
  maxEntries: int,
  state: z.enum(['create', 'modify', 'delete', 'restore']),
  busy: flag,
  versions: z.array(z.array(z.strictObject({ cidr, description: text.exactOptional() }))),
});

export const networkSchemas: Schemas<keyof NetworkRecords> = {
  vpc,
  subnet,
  'route-table': routeTable,
  'internet-gateway': exactly<InternetGatewayRecord>({ ...stored, account, vpc: text.exactOptional() }),
  'network-interface': networkInterface,
  address: exactly<AddressRecord>({
    ...stored,
    account,
    publicIp: address,
    networkBorderGroup: text,
    association: z.strictObject({ id: text, eni: text, private: address }).exactOptional(),
    formerAssociation: text.exactOptional(),
  }),
  'network-acl': networkAcl,
  'prefix-list': prefixList,
  'dhcp-options': exactly<DhcpOptionsRecord>({
    ...stored,
    account,
    isDefault: flag,
    configurations: z.array(z.strictObject({ key: text, values: texts })),
  }),
  taken: exactly<TakenRecord>({ ...stored, holder: text }),
};

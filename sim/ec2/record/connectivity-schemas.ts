/** How what leads out of a VPC is written in a world file. */
import { z } from 'zod';
import type { GroupMembership, TransitGatewayRoute, TransitPath } from '../../vpc/model.ts';
import type {
  AttachmentLink,
  AttachmentRecord,
  ConnectivityRecords,
  ConnectPeerRecord,
  CustomerGatewayRecord,
  MulticastDomainRecord,
  PeeringRecord,
  TransitGatewayRecord,
  TransitRouteTableRecord,
  VpnConnectionRecord,
  VpnGatewayRecord,
  VpnTunnel,
} from './connectivity.ts';
import type { EgressOnlyGatewayRecord, EgressRecords, NatAddress, NatGatewayRecord } from './egress.ts';
import {
  account,
  address,
  byKind,
  cidr,
  date,
  exactly,
  flag,
  int,
  region,
  type Schemas,
  stored,
  text,
  texts,
} from './schema.ts';

const natGateway = exactly<NatGatewayRecord>({
  ...stored,
  account,
  vpc: text,
  subnet: text,
  connectivity: z.enum(['public', 'private']),
  state: z.enum(['pending', 'failed', 'available', 'deleting', 'deleted']),
  failure: z.strictObject({ code: text, message: text }).exactOptional(),
  address: exactly<NatAddress>({
    eni: text,
    private: address,
    allocation: text.exactOptional(),
    association: text.exactOptional(),
    public: address.exactOptional(),
  }),
  createdAt: date,
  deletedAt: date.exactOptional(),
});

const availability = z.enum(['available', 'deleted']);
const transitState = z.enum(['pending', 'available', 'deleting', 'deleted']);

const vpnConnection = exactly<VpnConnectionRecord>({
  ...stored,
  account,
  region,
  gateway: text,
  attachment: text.exactOptional(),
  customerGateway: text,
  state: availability,
  staticOnly: flag,
  routes: z.array(cidr),
  tunnels: z.array(
    exactly<VpnTunnel>({
      outside: address,
      inside: cidr,
      key: text,
      ikeVersions: z.array(z.enum(['ikev1', 'ikev2'])).exactOptional(),
      down: flag,
      changedAt: date,
      up: flag,
      learnt: z.array(cidr),
    }),
  ),
});

const transitGateway = exactly<TransitGatewayRecord>({
  ...stored,
  account,
  region,
  state: transitState,
  description: text,
  created: date,
  asn: int,
  autoAccept: flag,
  vpnEcmp: flag,
  dns: flag,
  groupReferences: flag,
  multicast: flag,
  cidrs: z.array(cidr),
  associationTable: text.exactOptional(),
  propagationTable: text.exactOptional(),
});

const link = byKind<AttachmentLink>({
  vpc: { vpc: text, subnets: texts, dns: flag, groupReferences: flag, ipv6: flag, applianceMode: flag },
  peering: { peer: text, peerGateway: text, role: z.enum(['requester', 'accepter']) },
  vpn: { connection: text },
  'direct-connect-gateway': { gateway: text },
  connect: { transport: text },
});

const attachment = exactly<AttachmentRecord>({
  ...stored,
  account,
  region,
  gateway: text,
  state: z.enum([
    ...transitState.options,
    'initiatingRequest',
    'pendingAcceptance',
    'modifying',
    'rejected',
    'failed',
  ]),
  created: date,
  link,
  association: text.exactOptional(),
  propagations: texts,
});

const connectPeer = exactly<ConnectPeerRecord>({
  ...stored,
  account,
  region,
  attachment: text,
  state: transitState,
  created: date,
  gatewayAddress: address,
  peerAddress: address,
  inside: cidr,
  asn: int,
});

const group = z.array(exactly<GroupMembership>({ group: address, eni: text }));

const multicastDomain = exactly<MulticastDomainRecord>({
  ...stored,
  account,
  region,
  gateway: text,
  state: transitState,
  created: date,
  staticSources: flag,
  autoAccept: flag,
  associations: z.array(z.strictObject({ attachment: text, subnet: text })),
  members: group,
  sources: group,
});

const peering = exactly<PeeringRecord>({
  ...stored,
  account,
  region,
  requesterVpc: text,
  accepterVpc: text,
  state: z.enum([
    'initiating-request',
    'pending-acceptance',
    'provisioning',
    'active',
    'rejected',
    'expired',
    'failed',
    'deleting',
    'deleted',
  ]),
  message: text,
  expiresAt: date,
  requesterDns: flag,
  accepterDns: flag,
});

export const connectivitySchemas: Schemas<keyof (ConnectivityRecords & EgressRecords)> = {
  'nat-gateway': natGateway,
  'egress-only-gateway': exactly<EgressOnlyGatewayRecord>({ ...stored, account, vpc: text }),
  'vpn-gateway': exactly<VpnGatewayRecord>({
    ...stored,
    account,
    state: availability,
    asn: int,
    zone: text.exactOptional(),
    vpc: text.exactOptional(),
  }),
  'customer-gateway': exactly<CustomerGatewayRecord>({
    ...stored,
    account,
    state: availability,
    address,
    asn: int,
    deviceName: text.exactOptional(),
  }),
  'vpn-connection': vpnConnection,
  'transit-gateway': transitGateway,
  'transit-gateway-attachment': attachment,
  'transit-gateway-connect-peer': connectPeer,
  'transit-gateway-multicast-domain': multicastDomain,
  'transit-gateway-route-table': exactly<TransitRouteTableRecord>({
    ...stored,
    gateway: text,
    state: transitState,
    created: date,
    statics: z.array(z.strictObject({ destination: cidr, attachment: text.exactOptional() })),
    propagated: z.array(
      exactly<TransitGatewayRoute>({
        destination: cidr,
        paths: z.array(
          exactly<TransitPath>({
            attachment: text,
            tunnel: address.exactOptional(),
            peer: text.exactOptional(),
          }),
        ),
      }),
    ),
  }),
  'vpc-peering-connection': peering,
};

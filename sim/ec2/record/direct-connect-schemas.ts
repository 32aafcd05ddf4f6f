/** How Direct Connect is written in a world file. */
import { z } from 'zod';
import type {
  DirectConnectConnectionRecord,
  DirectConnectGatewayRecord,
  DirectConnectRecords,
  GatewayAssociationRecord,
  VirtualInterfacePeer,
  VirtualInterfaceRecord,
} from './direct-connect.ts';
import { account, cidr, exactly, flag, int, region, type Schemas, stored, text } from './schema.ts';

const state = z.enum(['pending', 'available', 'deleting', 'deleted']);

export const directConnectSchemas: Schemas<keyof DirectConnectRecords> = {
  'direct-connect-connection': exactly<DirectConnectConnectionRecord>({
    ...stored,
    account,
    region,
    state: z.enum(['requested', 'available', 'deleting', 'deleted']),
    name: text,
    location: text,
    bandwidth: text,
    provider: text.exactOptional(),
  }),
  'direct-connect-gateway': exactly<DirectConnectGatewayRecord>({
    ...stored,
    account,
    state,
    name: text,
    asn: int,
  }),
  'direct-connect-association': exactly<GatewayAssociationRecord>({
    ...stored,
    account,
    directConnectGateway: text,
    state: z.enum(['associating', 'associated', 'updating', 'disassociating']),
    gateway: text,
    region,
    attachment: text.exactOptional(),
    prefixes: z.array(cidr).exactOptional(),
  }),
  'virtual-interface': exactly<VirtualInterfaceRecord>({
    ...stored,
    account,
    region,
    connection: text,
    type: z.enum(['private', 'transit']),
    state,
    name: text,
    vlan: int,
    mtuBytes: int,
    siteLink: flag,
    gateway: text,
    peers: z.array(
      exactly<VirtualInterfacePeer>({
        id: text,
        asn: int,
        authKey: text,
        family: z.enum(['ipv4', 'ipv6']),
        amazonAddress: text,
        customerAddress: text,
      }),
    ),
    site: text,
    down: flag,
    up: flag,
    routes: z.array(cidr),
  }),
};

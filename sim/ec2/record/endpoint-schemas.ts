/** How VPC endpoints are written in a world file. */
import { z } from 'zod';
import type { EndpointRecords, EndpointServiceRecord, VpcEndpointRecord } from './endpoint.ts';
import { account, address, date, exactly, flag, type Schemas, stored, text, texts } from './schema.ts';

export const endpointSchemas: Schemas<keyof EndpointRecords> = {
  'vpc-endpoint': exactly<VpcEndpointRecord>({
    ...stored,
    account,
    vpc: text,
    service: text,
    type: z.enum(['Gateway', 'Interface', 'GatewayLoadBalancer']),
    state: z.enum(['pendingAcceptance', 'pending', 'available', 'rejected', 'deleting']),
    policy: text,
    createdAt: date,
    address: address.exactOptional(),
    loadBalancer: text.exactOptional(),
    privateDns: flag,
    interfaces: z.array(z.strictObject({ subnet: text, eni: text })),
    groups: texts,
  }),
  'vpc-endpoint-service': exactly<EndpointServiceRecord>({
    ...stored,
    account,
    name: text,
    loadBalancers: texts,
    acceptanceRequired: flag,
    principals: texts,
  }),
};

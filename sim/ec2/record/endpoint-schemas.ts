/** How VPC endpoints are written in a world file. */
import { z } from 'zod';
import type { EndpointRecords, VpcEndpointRecord } from './endpoint.ts';
import { account, address, date, exactly, flag, type Schemas, stored, text, texts } from './schema.ts';

export const endpointSchemas: Schemas<keyof EndpointRecords> = {
  'vpc-endpoint': exactly<VpcEndpointRecord>({
    ...stored,
    account,
    vpc: text,
    service: text,
    type: z.enum(['Gateway', 'Interface']),
    state: z.enum(['pending', 'available', 'deleting']),
    policy: text,
    createdAt: date,
    address: address.exactOptional(),
    privateDns: flag,
    interfaces: z.array(z.strictObject({ subnet: text, eni: text })),
    groups: texts,
  }),
};

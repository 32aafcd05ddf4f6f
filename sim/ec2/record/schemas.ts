/** How each kind of record is written in a world file. */
import { connectivitySchemas } from './connectivity-schemas.ts';
import { directConnectSchemas } from './direct-connect-schemas.ts';
import { endpointSchemas } from './endpoint-schemas.ts';
import { loadBalancerSchemas } from './load-balancer-schemas.ts';
import { machineSchemas } from './machine-schemas.ts';
import { networkSchemas } from './network-schemas.ts';
import { parameterSchemas } from './parameter-schemas.ts';
import { routingSchemas } from './routing-schemas.ts';
import type { Schemas } from './schema.ts';

export const schemas: Schemas = {
  ...networkSchemas,
  ...connectivitySchemas,
  ...directConnectSchemas,
  ...endpointSchemas,
  ...loadBalancerSchemas,
  ...machineSchemas,
  ...parameterSchemas,
  ...routingSchemas,
};

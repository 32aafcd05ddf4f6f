/** The table of all kinds of stored resource. */
import { connectivityKinds } from './connectivity-kinds.ts';
import { directConnectKinds } from './direct-connect-kinds.ts';
import { endpointKinds } from './endpoint-kinds.ts';
import type { KindTable } from './kind.ts';
import { loadBalancerKinds } from './load-balancer-kinds.ts';
import { machineKinds } from './machine-kinds.ts';
import { networkKinds } from './network-kinds.ts';
import { parameterKinds } from './parameter-kinds.ts';
import { routingKinds } from './routing-kinds.ts';

export const kinds: KindTable = {
  ...networkKinds,
  ...connectivityKinds,
  ...directConnectKinds,
  ...endpointKinds,
  ...loadBalancerKinds,
  ...machineKinds,
  ...parameterKinds,
  ...routingKinds,
};

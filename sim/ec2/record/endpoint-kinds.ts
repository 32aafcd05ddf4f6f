/** The kinds of VPC endpoints; kind.ts says what each field is. */
import type { EndpointRecords } from './endpoint.ts';
import type { KindTable } from './kind.ts';

export const endpointKinds: KindTable<keyof EndpointRecords> = {
  'vpc-endpoint-service': {
    scope: 'region',
    refersTo: (service) => service.loadBalancers,
    prefix: 'vpce-svc',
    resourceType: 'vpc-endpoint-service',
    notFound: 'InvalidVpcEndpointServiceId.NotFound',
    malformed: 'InvalidVpcEndpointServiceId.Malformed',
    noun: 'VpcEndpointService Id',
  },
  'vpc-endpoint': {
    scope: 'region',
    refersTo: ({ vpc, service, interfaces, groups }) => [
      vpc,
      service,
      ...interfaces.flatMap(({ subnet, eni }) => [subnet, eni]),
      ...groups,
    ],
    prefix: 'vpce',
    resourceType: 'vpc-endpoint',
    notFound: 'InvalidVpcEndpointId.NotFound',
    malformed: 'InvalidVpcEndpointId.Malformed',
    noun: 'Vpc Endpoint Id',
  },
};

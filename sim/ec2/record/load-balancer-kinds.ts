/** The kinds of Elastic Load Balancing; kind.ts says what each field is. */
import type { KindTable } from './kind.ts';
import type { LoadBalancerRecords } from './load-balancer.ts';

export const loadBalancerKinds: KindTable<keyof LoadBalancerRecords> = {
  'load-balancer': {
    scope: 'region',
    refersTo: ({ vpc, zones }) => [vpc, ...zones.flatMap(({ subnet, eni }) => [subnet, eni])],
    notFound: 'LoadBalancerNotFound',
    malformed: 'ValidationError',
    noun: 'load balancer',
  },
  listener: {
    scope: 'region',
    refersTo: ({ loadBalancer, targetGroup }) => [loadBalancer, targetGroup],
    notFound: 'ListenerNotFound',
    malformed: 'ValidationError',
    noun: 'listener',
  },
  'target-group': {
    scope: 'region',
    refersTo: ({ targets }) => targets.map((target) => target.id),
    notFound: 'TargetGroupNotFound',
    malformed: 'ValidationError',
    noun: 'target group',
  },
};

/** How Elastic Load Balancing's resources are written in a world file. */
import { z } from 'zod';
import type { TargetHealthCheck } from '../../vpc/model.ts';
import type {
  ListenerRecord,
  LoadBalancerRecord,
  LoadBalancerRecords,
  TargetGroupRecord,
  TargetRecord,
} from './load-balancer.ts';
import { account, address, date, exactly, int, region, type Schemas, stored, text, texts } from './schema.ts';

const attributes = z.record(z.string(), z.string());

export const loadBalancerSchemas: Schemas<keyof LoadBalancerRecords> = {
  'load-balancer': exactly<LoadBalancerRecord>({
    ...stored,
    account,
    name: text,
    vpc: text,
    state: z.enum(['provisioning', 'active']),
    createdAt: date,
    zones: z.array(z.strictObject({ zone: text, subnet: text, eni: text })),
    attributes,
    targetGroup: text.exactOptional(),
    tcpIdleS: int,
  }),
  listener: exactly<ListenerRecord>({ ...stored, loadBalancer: text, targetGroup: text, attributes }),
  'target-group': exactly<TargetGroupRecord>({
    ...stored,
    account,
    region,
    name: text,
    vpc: text,
    targetType: z.enum(['instance', 'ip']),
    health: exactly<TargetHealthCheck>({
      protocol: z.enum(['TCP', 'HTTP']),
      port: int,
      path: text,
      intervalMs: int,
      timeoutMs: int,
      healthy: int,
      unhealthy: int,
    }),
    healthPort: text,
    attributes,
    targets: z.array(
      exactly<TargetRecord>({
        id: text,
        address,
        zone: text.exactOptional(),
        state: z.enum(['initial', 'healthy', 'unhealthy', 'draining', 'unused']),
        streak: int,
      }),
    ),
    loadBalancers: texts,
  }),
};

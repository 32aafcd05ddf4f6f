/** Calls to the lab's own EC2 API for people: as the account of an instance, with the knobs' latency. */
import { inspectInstance } from '../ec2/service.ts';
import type { Simulator } from '../server/server.ts';
import { request } from '../world/api.ts';

/** Calls an action on one instance; fails where EC2 refuses it. */
export function callAs({ act, world }: Simulator, instance: string, action: string): Promise<void> {
  return new Promise((resolve, reject) => {
    act(() => {
      const { api, now } = world();
      const place = inspectInstance(api.cloud, instance, now, ({ account, region }) => ({ account, region }));
      if (place === undefined) return reject(new Error(`There is no instance '${instance}'.`));
      request(api, { service: 'ec2', ...place, action, input: { InstanceIds: [instance] } }, (reply) => {
        if (reply.kind === 'error') reject(new Error(`${action}: ${reply.code}: ${reply.message}`));
        else resolve();
      });
    });
  });
}

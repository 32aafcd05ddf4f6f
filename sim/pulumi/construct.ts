/** Components of packages: a plugin makes them, and registers their parts with the same monitor. */
import * as grpc from '@grpc/grpc-js';
import services from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import messages from '@pulumi/pulumi/proto/provider_pb.js';
import type { Stack } from './stack.ts';
import type { RegisterRequest } from './wire.ts';

type Reply = InstanceType<typeof messages.ConstructResponse>;

/** Has the plugin of the component's package construct it; `address` is the monitor's. */
export async function construct(stack: Stack, request: RegisterRequest, address: string): Promise<Reply> {
  const type = request.getType();
  const plugin = stack.plugins[type.split(':')[0] ?? ''];
  if (plugin === undefined)
    throw new Error(`the test engine has no plugin for the component ${type}; deploy it with the Pulumi CLI`);
  const asked = new messages.ConstructRequest();
  asked.setProject(stack.project);
  asked.setStack(stack.name);
  asked.setDryrun(stack.dry);
  asked.setMonitorendpoint(address);
  asked.setParallel(16);
  asked.setType(type);
  asked.setName(request.getName());
  asked.setParent(request.getParent());
  asked.setInputs(request.getObject());
  asked.setDependenciesList(request.getDependenciesList());
  asked.setProtect(request.getProtect() ?? false);
  for (const [key, value] of Object.entries(stack.config)) asked.getConfigMap().set(key, value);
  const client = new services.ResourceProviderClient(plugin, grpc.credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) => {
      client.construct(asked, (error: Error | null, reply: Reply) =>
        error === null ? resolve(reply) : reject(error),
      );
    });
  } finally {
    client.close();
  }
}

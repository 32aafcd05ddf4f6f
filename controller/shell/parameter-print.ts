/** `byoa parameter`: what a machine needs beside the daemon, such as the keys of its VPN tunnels. */
import { failureOf } from './aws-failure.ts';
import { loadConfig } from './daemon.ts';
import { parameterClient, readBy } from './parameter-sdk.ts';

/** Prints a parameter of Systems Manager, decrypted, as it is; throws where it cannot be had. */
export async function printParameter(name: string, { config }: { readonly config: string }): Promise<void> {
  const { aws } = await loadConfig(config);
  const client = parameterClient(aws);
  try {
    process.stdout.write(await readBy(client, name));
  } catch (error) {
    const { code = '', message } = failureOf(error);
    throw new Error(
      `cannot read the parameter ${name} of Systems Manager in ${aws.region}: ${code} ${message}; ` +
        'the role of this machine needs ssm:GetParameter on it',
    );
  } finally {
    client.destroy();
  }
}

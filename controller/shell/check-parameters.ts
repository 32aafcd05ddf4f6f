/** `byoa check --aws`: the secrets that are parameters of Systems Manager, which it reads and never shows. */
import type { SSMClient } from '@aws-sdk/client-ssm';
import { type Config, secretsOf } from '../config.ts';
import { failureOf } from './aws-failure.ts';
import type { Finding } from './finding.ts';
import { parameterClient, readBy } from './parameter-sdk.ts';

export async function* checkParameters(config: Config): AsyncGenerator<Finding> {
  const names = secretsOf(config).flatMap(({ ssm }) => ssm ?? []);
  if (names.length === 0) return;
  const client = parameterClient(config.aws);
  for (const name of names) yield await tryParameter(client, name);
  client.destroy();
}

async function tryParameter(client: SSMClient, name: string): Promise<Finding> {
  try {
    const text = await readBy(client, name);
    if (text !== '') return { ok: true, what: `the parameter ${name} can be read` };
    return { ok: false, what: `the parameter ${name} is empty`, remedy: 'put the secret there' };
  } catch (error) {
    const { code = '', message } = failureOf(error);
    const remedy =
      code === 'ParameterNotFound'
        ? `run: aws ssm put-parameter --name ${name} --type SecureString --value SECRET`
        : `allow ssm:GetParameter on it in the role of this node, and kms:Decrypt where it has a key of your own`;
    return { ok: false, what: `the parameter ${name} cannot be read: ${code} ${message}`, remedy };
  }
}

/**
 * Systems Manager of the AWS SDK, as much of it as secrets need. Imported dynamically, only where a secret is
 * a parameter.
 */
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { Config } from '../config.ts';
import { endpointOf } from './aws-endpoint.ts';
import { type SdkOptions, settingsOf } from './aws-sdk.ts';
import type { ReadParameter } from './parameters.ts';

/** The text of a parameter; rejects with the SDK's exception. */
export async function readBy(client: SSMClient, Name: string): Promise<string> {
  const { Parameter } = await client.send(new GetParameterCommand({ Name, WithDecryption: true }));
  return Parameter?.Value ?? '';
}

/** A client with the SDK's own ways, for commands. */
export const parameterClient = (aws: Config['aws']): SSMClient =>
  new SSMClient({
    region: aws.region,
    ...(aws.endpoint === undefined ? {} : { endpoint: endpointOf(aws, 'ssm', aws.region) }),
  });

export function createReadParameter(options: SdkOptions): ReadParameter {
  const client = new SSMClient(settingsOf(options));
  return (name) => readBy(client, name);
}

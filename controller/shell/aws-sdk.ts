/**
 * The AWS SDK, as much of it as the daemon uses. Imported dynamically, once and early, because it is large; a
 * bundler keeps only what is named here.
 */
import {
  AttachNetworkInterfaceCommand,
  type AttachNetworkInterfaceCommandInput,
  CreateRouteCommand,
  type CreateRouteCommandInput,
  DeleteRouteCommand,
  type DeleteRouteCommandInput,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DetachNetworkInterfaceCommand,
  type DetachNetworkInterfaceCommandInput,
  EC2Client,
  ReplaceRouteCommand,
  type ReplaceRouteCommandInput,
  ReplaceRouteTableAssociationCommand,
  type ReplaceRouteTableAssociationCommandInput,
  StopInstancesCommand,
  type StopInstancesCommandInput,
} from '@aws-sdk/client-ec2';
import type { CredentialSource, KeptCredentials } from './aws-credentials.ts';
import type { WireRequest, WireResponse } from './aws-wire.ts';

export type Input = Readonly<Record<string, unknown>>;
/** Sends one action; rejects with the SDK's exception. */
export type Send = (action: string, input: Input) => Promise<unknown>;

export interface SdkOptions {
  readonly region: string;
  readonly endpoint: string;
  readonly credentials: Pick<KeptCredentials, 'get'>;
  readonly transmit: (request: WireRequest) => Promise<WireResponse>;
}

/** The sender of EC2 actions. The SDK serialises, signs and parses; retries are the brain's. */
export function createSend(options: SdkOptions): Send {
  const client = new EC2Client({
    region: options.region,
    endpoint: options.endpoint,
    credentials: () => options.credentials.get(),
    maxAttempts: 1,
    requestHandler: {
      handle: async (request: WireRequest) => ({ response: await options.transmit(request) }),
    },
  });
  return async (action, input) => {
    switch (action) {
      case 'ReplaceRoute':
        return client.send(new ReplaceRouteCommand(input as unknown as ReplaceRouteCommandInput));
      case 'CreateRoute':
        return client.send(new CreateRouteCommand(input as unknown as CreateRouteCommandInput));
      case 'DeleteRoute':
        return client.send(new DeleteRouteCommand(input as unknown as DeleteRouteCommandInput));
      case 'ReplaceRouteTableAssociation':
        return client.send(
          new ReplaceRouteTableAssociationCommand(
            input as unknown as ReplaceRouteTableAssociationCommandInput,
          ),
        );
      case 'DetachNetworkInterface':
        return client.send(
          new DetachNetworkInterfaceCommand(input as unknown as DetachNetworkInterfaceCommandInput),
        );
      case 'AttachNetworkInterface':
        return client.send(
          new AttachNetworkInterfaceCommand(input as unknown as AttachNetworkInterfaceCommandInput),
        );
      case 'StopInstances':
        return client.send(new StopInstancesCommand(input as unknown as StopInstancesCommandInput));
      case 'DescribeInstances':
        return client.send(new DescribeInstancesCommand(input));
      case 'DescribeRouteTables':
        return client.send(new DescribeRouteTablesCommand(input));
      case 'DescribeNetworkInterfaces':
        return client.send(new DescribeNetworkInterfacesCommand(input));
      case 'DescribeSubnets':
        return client.send(new DescribeSubnetsCommand(input));
      default:
        throw new Error(`the daemon does not make ${action} calls`);
    }
  };
}

/**
 * Credentials by the SDK's default chain: environment, shared files, web identity, container, instance
 * profile.
 */
export function defaultCredentials(region: string): CredentialSource {
  const { config } = new EC2Client({ region });
  const provider = config.credentialDefaultProvider({ ...config, parentClientConfig: config });
  return () => provider({ forceRefresh: true });
}

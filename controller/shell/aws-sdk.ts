/**
 * The AWS SDK, as much of it as the daemon uses. Imported dynamically, once and early, because it is large; a
 * bundler keeps only what is named here.
 */
import {
  AssignIpv6AddressesCommand,
  AssignPrivateIpAddressesCommand,
  AssociateAddressCommand,
  AttachNetworkInterfaceCommand,
  CreateRouteCommand,
  CreateTransitGatewayRouteCommand,
  DeleteRouteCommand,
  DescribeAddressesCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DetachNetworkInterfaceCommand,
  EC2Client,
  ReplaceRouteCommand,
  ReplaceRouteTableAssociationCommand,
  ReplaceTransitGatewayRouteCommand,
  SearchTransitGatewayRoutesCommand,
  StopInstancesCommand,
  UnassignIpv6AddressesCommand,
} from '@aws-sdk/client-ec2';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { CredentialSource, Credentials, KeptCredentials } from './aws-credentials.ts';
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

/** What every client of the SDK is made with. */
export const settingsOf = ({ region, endpoint, credentials, transmit }: SdkOptions) => ({
  region,
  endpoint,
  credentials: () => credentials.get(),
  maxAttempts: 1,
  requestHandler: { handle: async (request: WireRequest) => ({ response: await transmit(request) }) },
});

/** The sender of EC2 actions. The SDK serialises, signs and parses; retries are the brain's. */
export function createSend(options: SdkOptions): Send {
  const client = new EC2Client(settingsOf(options));
  return (action, input) => sendBy(client, action, input);
}

type Sender = (client: EC2Client, input: Input) => Promise<unknown>;

/** Inputs are made in `controller/ec2/request.ts`, where their shapes are known. */
const by =
  (Command: new (input: never) => object): Sender =>
  (client, input) =>
    client.send(new Command(input as never) as Parameters<EC2Client['send']>[0]);

const SENDERS: Readonly<Record<string, Sender>> = {
  AssignIpv6Addresses: by(AssignIpv6AddressesCommand),
  AssignPrivateIpAddresses: by(AssignPrivateIpAddressesCommand),
  AssociateAddress: by(AssociateAddressCommand),
  AttachNetworkInterface: by(AttachNetworkInterfaceCommand),
  CreateRoute: by(CreateRouteCommand),
  CreateTransitGatewayRoute: by(CreateTransitGatewayRouteCommand),
  DeleteRoute: by(DeleteRouteCommand),
  DescribeAddresses: by(DescribeAddressesCommand),
  DescribeInstanceStatus: by(DescribeInstanceStatusCommand),
  DescribeInstances: by(DescribeInstancesCommand),
  DescribeNetworkInterfaces: by(DescribeNetworkInterfacesCommand),
  DescribeRouteTables: by(DescribeRouteTablesCommand),
  DescribeSubnets: by(DescribeSubnetsCommand),
  DetachNetworkInterface: by(DetachNetworkInterfaceCommand),
  ReplaceRoute: by(ReplaceRouteCommand),
  ReplaceRouteTableAssociation: by(ReplaceRouteTableAssociationCommand),
  ReplaceTransitGatewayRoute: by(ReplaceTransitGatewayRouteCommand),
  SearchTransitGatewayRoutes: by(SearchTransitGatewayRoutesCommand),
  StopInstances: by(StopInstancesCommand),
  UnassignIpv6Addresses: by(UnassignIpv6AddressesCommand),
};

/** Sends an action that the daemon makes. */
export async function sendBy(client: EC2Client, action: string, input: Input): Promise<unknown> {
  const sender = SENDERS[action];
  if (sender === undefined) throw new Error(`the daemon does not make ${action} calls`);
  return sender(client, input);
}

/** Credentials of a role, for an hour, by those in the options. A session is named after the node. */
export function assumedCredentials(options: SdkOptions, role: string, node: string): CredentialSource {
  const client = new STSClient(settingsOf(options));
  return () => assume(client, role, node);
}

/** Assumes a role; rejects with the SDK's exception. */
export async function assume(client: STSClient, role: string, node: string): Promise<Credentials> {
  const input = { RoleArn: role, RoleSessionName: `byoa-${node}` };
  const { Credentials: given } = await client.send(new AssumeRoleCommand(input));
  if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined)
    throw new Error('STS answered without credentials');
  return {
    accessKeyId: given.AccessKeyId,
    secretAccessKey: given.SecretAccessKey,
    ...(given.SessionToken === undefined ? {} : { sessionToken: given.SessionToken }),
    ...(given.Expiration === undefined ? {} : { expiration: given.Expiration }),
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

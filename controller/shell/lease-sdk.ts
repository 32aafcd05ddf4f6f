/**
 * DynamoDB of the AWS SDK, as much of it as leases need. Imported dynamically, only where a lease is
 * configured.
 */
import {
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { LeaseRequest } from '../lease/request.ts';
import { type SdkOptions, settingsOf } from './aws-sdk.ts';

/** Sends one request; rejects with the SDK's exception. */
export type LeaseSend = (request: LeaseRequest) => Promise<object>;

/** The sender of requests. The SDK serialises, signs and parses; retries are the brain's. */
export function createLeaseSend(options: SdkOptions): LeaseSend {
  const client = new DynamoDBClient({ ...settingsOf(options), accountIdEndpointMode: 'disabled' });
  return ({ action, input }) =>
    action === 'GetItem'
      ? client.send(new GetItemCommand(input as GetItemCommandInput))
      : client.send(new UpdateItemCommand(input as UpdateItemCommandInput));
}

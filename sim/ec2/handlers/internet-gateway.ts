/** Internet gateways. */
import type {
  AttachInternetGatewayRequest,
  AttachmentStatus,
  CreateInternetGatewayRequest,
  CreateInternetGatewayResult,
  DeleteInternetGatewayRequest,
  DescribeInternetGatewaysRequest,
  DescribeInternetGatewaysResult,
  DetachInternetGatewayRequest,
  InternetGateway,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { InternetGatewayRecord } from '../record/network.ts';
import { refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';
import { forgetAssociations } from './route-table-association.ts';

const filters: Filters<InternetGatewayRecord> = {
  'attachment.state': (gateway) => (gateway.vpc === undefined ? undefined : 'available'),
  'attachment.vpc-id': (gateway) => gateway.vpc,
  'internet-gateway-id': (gateway) => gateway.id,
  'owner-id': (gateway) => gateway.account,
};

/** EC2 says `available`, which the SDK's type does not list. */
const available = 'available' as string as AttachmentStatus;

const shown = (gateway: InternetGatewayRecord): InternetGateway => ({
  InternetGatewayId: gateway.id,
  OwnerId: gateway.account,
  Attachments: gateway.vpc === undefined ? [] : [{ State: available, VpcId: gateway.vpc }],
  Tags: shownTags(gateway.tags),
});

/** Makes a gateway that is attached to nothing. */
export function createInternetGateway(tx: Tx, tags = {}): InternetGatewayRecord {
  if (tx.count('internet-gateway') >= tx.settings.quotas.internetGateways) {
    refuse('InternetGatewayLimitExceeded', 'The maximum number of internet gateways has been reached.');
  }
  return tx.put('internet-gateway', { id: tx.newId('igw'), tags, account: tx.account });
}

export const internetGatewayHandlers: Handlers = {
  CreateInternetGateway: handler((tx, input: CreateInternetGatewayRequest): CreateInternetGatewayResult => {
    const tags = specifiedTags(tx, input.TagSpecifications, 'internet-gateway');
    return { InternetGateway: shown(createInternetGateway(tx, tags)) };
  }),

  DescribeInternetGateways: handler(
    (tx, input: DescribeInternetGatewaysRequest): DescribeInternetGatewaysResult => {
      const { InternetGatewayIds: ids } = input;
      const page = describe(tx, {
        kind: 'internet-gateway',
        ids,
        input,
        filters,
        indexed: ['attachment.vpc-id'],
      });
      return { InternetGateways: page.records.map(shown), ...page.next };
    },
  ),

  AttachInternetGateway: handler(
    (tx, { InternetGatewayId = '', VpcId = '' }: AttachInternetGatewayRequest) => {
      const gateway = tx.need('internet-gateway', InternetGatewayId);
      const vpc = tx.need('vpc', VpcId);
      if (gateway.vpc !== undefined) {
        refuse(
          'Resource.AlreadyAssociated',
          `resource ${gateway.id} is already attached to network ${gateway.vpc}`,
        );
      }
      const [other] = tx.referring('internet-gateway', vpc.id);
      if (other) {
        refuse('InvalidParameterValue', `Network ${vpc.id} already has an internet gateway attached`);
      }
      tx.put('internet-gateway', { ...gateway, vpc: vpc.id });
      return undefined;
    },
  ),

  DetachInternetGateway: handler(
    (tx, { InternetGatewayId = '', VpcId = '' }: DetachInternetGatewayRequest) => {
      const { vpc: attached, ...gateway } = tx.need('internet-gateway', InternetGatewayId);
      const vpc = tx.need('vpc', VpcId);
      if (attached !== vpc.id) {
        refuse('Gateway.NotAttached', `resource ${gateway.id} is not attached to network ${vpc.id}`);
      }
      if (tx.referring('network-interface', vpc.id).some((eni) => eni.publicAddresses.length > 0)) {
        const why =
          'has some mapped public address(es). ' +
          'Please unmap those public address(es) before detaching the gateway.';
        refuse('DependencyViolation', `Network ${vpc.id} ${why}`);
      }
      tx.put('internet-gateway', gateway);
      return undefined;
    },
  ),

  DeleteInternetGateway: handler((tx, { InternetGatewayId = '' }: DeleteInternetGatewayRequest) => {
    const gateway = tx.need('internet-gateway', InternetGatewayId);
    if (gateway.vpc !== undefined) {
      refuse(
        'DependencyViolation',
        `The internetGateway '${gateway.id}' has dependencies and cannot be deleted.`,
      );
    }
    forgetAssociations(tx, gateway.id);
    tx.remove('internet-gateway', gateway.id);
    return undefined;
  }),
};

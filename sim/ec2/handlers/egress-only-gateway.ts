/** Egress-only Internet gateways: made for one VPC, for life. */
import type {
  CreateEgressOnlyInternetGatewayRequest,
  CreateEgressOnlyInternetGatewayResult,
  DeleteEgressOnlyInternetGatewayRequest,
  DeleteEgressOnlyInternetGatewayResult,
  DescribeEgressOnlyInternetGatewaysRequest,
  DescribeEgressOnlyInternetGatewaysResult,
  EgressOnlyInternetGateway,
} from '@aws-sdk/client-ec2';
import { describe, type Filters, shownTags } from '../describe.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { EgressOnlyGatewayRecord } from '../record/egress.ts';
import { refuse } from '../refusal.ts';
import { specifiedTags } from '../tags.ts';

const TYPE = 'egress-only-internet-gateway';

const shown = ({ id, vpc, tags }: EgressOnlyGatewayRecord): EgressOnlyInternetGateway => ({
  EgressOnlyInternetGatewayId: id,
  Attachments: [{ State: 'attached', VpcId: vpc }],
  Tags: shownTags(tags),
});

/** EC2 filters these by tags only. */
const filters: Filters<EgressOnlyGatewayRecord> = {};

function create(
  tx: Tx,
  input: CreateEgressOnlyInternetGatewayRequest,
): CreateEgressOnlyInternetGatewayResult {
  const vpc = tx.need('vpc', input.VpcId ?? '');
  const limit = tx.settings.quotas.egressOnlyGateways;
  if (tx.count('egress-only-gateway') >= limit) {
    const why = 'The maximum number of egress-only internet gateways has been reached.';
    refuse('EgressOnlyInternetGatewayLimitExceeded', why);
  }
  const gateway = tx.put('egress-only-gateway', {
    id: tx.newId('eigw'),
    tags: specifiedTags(tx, input.TagSpecifications, TYPE),
    account: tx.account,
    vpc: vpc.id,
  });
  const token = input.ClientToken && { ClientToken: input.ClientToken };
  return { EgressOnlyInternetGateway: shown(gateway), ...token };
}

export const egressOnlyGatewayHandlers: Handlers = {
  CreateEgressOnlyInternetGateway: handler(create),

  DescribeEgressOnlyInternetGateways: handler(
    (tx, input: DescribeEgressOnlyInternetGatewaysRequest): DescribeEgressOnlyInternetGatewaysResult => {
      const { EgressOnlyInternetGatewayIds: ids } = input;
      const page = describe(tx, { kind: 'egress-only-gateway', ids, input, filters });
      return { EgressOnlyInternetGateways: page.records.map(shown), ...page.next };
    },
  ),

  DeleteEgressOnlyInternetGateway: handler(
    (tx, input: DeleteEgressOnlyInternetGatewayRequest): DeleteEgressOnlyInternetGatewayResult => {
      const gateway = tx.need('egress-only-gateway', input.EgressOnlyInternetGatewayId ?? '');
      tx.remove('egress-only-gateway', gateway.id);
      return { ReturnCode: true };
    },
  ),
};

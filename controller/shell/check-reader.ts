/**
 * What `byoa check --aws` asks AWS. Describe calls, dry runs and the caller's identity; nothing is changed.
 */
import {
  AttachNetworkInterfaceCommand,
  type AttachNetworkInterfaceCommandInput,
  CreateRouteCommand,
  type CreateRouteCommandInput,
  DeleteRouteCommand,
  type DeleteRouteCommandInput,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeVpcEndpointsCommand,
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
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Config, RouteSet } from '../config.ts';
import type { Call, ObservedEni, ObservedRouteTable } from '../ec2/call.ts';
import { toRequest, toValue } from '../ec2/request.ts';
import { failureOf } from './aws.ts';

export type Routes = ObservedRouteTable;

export interface AwsReader {
  readonly endpoint: string;
  identity(): Promise<{ readonly account: string; readonly arn: string }>;
  eni(id: string): Promise<{ readonly eni?: ObservedEni; readonly owner?: string }>;
  tables(set: Pick<RouteSet, 'table' | 'tag' | 'prepared'>): Promise<readonly Routes[]>;
  /** The table associated with a subnet, or the main one of its VPC. */
  tableOfSubnet(subnet: string, vpc: string): Promise<Routes | undefined>;
  /** The zones in which the VPC has an interface endpoint for EC2. */
  endpointZones(vpc: string): Promise<readonly string[]>;
  /** The code that a dry run ends with: `DryRunOperation` where the call would have been allowed. */
  dryRun(call: Call): Promise<string>;
  close(): void;
}

export function createReader(config: Config): AwsReader {
  const { region, endpoint } = config.aws;
  const settings = { region, ...(endpoint === undefined ? {} : { endpoint }) };
  const ec2 = new EC2Client(settings);
  const sts = new STSClient(settings);
  const tablesBy = async (name: string, ...values: readonly string[]): Promise<readonly Routes[]> => {
    const input = { Filters: [{ Name: name, Values: [...values] }] };
    const answer = toValue(
      { kind: 'describe-route-tables', select: { kind: 'ids', ids: [] } },
      await ec2.send(new DescribeRouteTablesCommand(input)),
    );
    return answer.kind === 'route-tables' ? answer.tables : [];
  };
  return {
    endpoint: endpoint ?? `the EC2 endpoint of ${region}`,
    async identity() {
      const { Account = '', Arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
      return { account: Account, arn: Arn };
    },
    async eni(id) {
      const call: Call = { kind: 'describe-network-interfaces', enis: [id] };
      const output = await ec2.send(new DescribeNetworkInterfacesCommand(toRequest(call).input));
      const value = toValue(call, output);
      const eni = value.kind === 'network-interfaces' ? value.enis[0] : undefined;
      const owner = output.NetworkInterfaces?.[0]?.OwnerId;
      return { ...(eni === undefined ? {} : { eni }), ...(owner === undefined ? {} : { owner }) };
    },
    tables({ table = '', tag, prepared }) {
      if (tag !== undefined) return tablesBy(`tag:${tag.key}`, tag.value);
      return tablesBy(
        'route-table-id',
        ...(prepared === undefined ? [table] : Object.values(prepared.tables)),
      );
    },
    async tableOfSubnet(subnet, vpc) {
      const [own] = await tablesBy('association.subnet-id', subnet);
      if (own !== undefined) return own;
      const mains = await tablesBy('association.main', 'true');
      return mains.find((table) => table.vpc === vpc);
    },
    async endpointZones(vpc) {
      const Filters = [
        { Name: 'vpc-id', Values: [vpc] },
        { Name: 'service-name', Values: [`com.amazonaws.${region}.ec2`] },
      ];
      try {
        const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ Filters }));
        const usable = VpcEndpoints.filter(({ State }) => State?.toLowerCase() === 'available');
        const NetworkInterfaceIds = usable.flatMap((each) => each.NetworkInterfaceIds ?? []);
        if (NetworkInterfaceIds.length === 0) return [];
        const input = { NetworkInterfaceIds };
        const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand(input));
        return NetworkInterfaces.flatMap(({ AvailabilityZone }) => AvailabilityZone ?? []);
      } catch {
        // Not allowed to know: judged as if there were none.
        return [];
      }
    },
    async dryRun(call) {
      try {
        await sendDry(ec2, call);
        return 'no refusal';
      } catch (error) {
        const { code, message } = failureOf(error);
        return code ?? message;
      }
    },
    close() {
      ec2.destroy();
      sts.destroy();
    },
  };
}

async function sendDry(ec2: EC2Client, call: Call): Promise<void> {
  const input: unknown = { ...toRequest(call).input, DryRun: true };
  if (call.kind === 'replace-route')
    await ec2.send(new ReplaceRouteCommand(input as ReplaceRouteCommandInput));
  if (call.kind === 'create-route') await ec2.send(new CreateRouteCommand(input as CreateRouteCommandInput));
  if (call.kind === 'delete-route') await ec2.send(new DeleteRouteCommand(input as DeleteRouteCommandInput));
  if (call.kind === 'replace-route-table-association') {
    await ec2.send(
      new ReplaceRouteTableAssociationCommand(input as ReplaceRouteTableAssociationCommandInput),
    );
  }
  if (call.kind === 'attach-network-interface') {
    await ec2.send(new AttachNetworkInterfaceCommand(input as AttachNetworkInterfaceCommandInput));
  }
  if (call.kind === 'stop-instances')
    await ec2.send(new StopInstancesCommand(input as StopInstancesCommandInput));
  if (call.kind === 'detach-network-interface') {
    await ec2.send(new DetachNetworkInterfaceCommand(input as DetachNetworkInterfaceCommandInput));
  }
}

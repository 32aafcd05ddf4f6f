/**
 * A small network to test against: a VPC with two subnets in two zones, a gateway, a table, ENIs on request.
 */
import type {
  CreateNetworkInterfaceResult,
  DescribeNetworkInterfacesResult,
  DescribeRouteTablesResult,
  NetworkInterface,
  Reservation,
  Route,
  Subnet,
  Vpc,
} from '@aws-sdk/client-ec2';
import { present } from '../../controller/base/result.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';
import { type Calls, calls } from './calls.ts';

export interface Site extends Calls {
  readonly vpc: string;
  /** In zones a and b: 10.0.0.0/24 and 10.0.1.0/24. */
  readonly subnets: readonly [string, string];
  readonly gateway: string;
  readonly table: string;
  readonly eni: (subnet: string, more?: object) => string;
  /** Launches an instance whose primary ENI is in the subnet. */
  readonly instance: (subnet: string, more?: object) => { readonly id: string; readonly eni: string };
  readonly interfaceOf: (eni: string) => NetworkInterface;
  readonly routes: () => readonly Route[];
}

export const name = (text: string | undefined): string => present(text, 'an id');

/** Makes the network in a cloud of its own. */
export function site(options: CloudOptions = {}): Site {
  const api = calls(options);
  const { call } = api;
  const { Vpc: vpc } = call<{ Vpc: Vpc }>('CreateVpc', { CidrBlock: '10.0.0.0/16' });
  const id = name(vpc.VpcId);
  const subnet = (CidrBlock: string, zone: string): string => {
    const AvailabilityZone = `eu-central-1${zone}`;
    return name(
      call<{ Subnet: Subnet }>('CreateSubnet', { VpcId: id, CidrBlock, AvailabilityZone }).Subnet.SubnetId,
    );
  };
  const subnets = [subnet('10.0.0.0/24', 'a'), subnet('10.0.1.0/24', 'b')] as const;
  const { InternetGateway: gateway } = call<{ InternetGateway: { InternetGatewayId: string } }>(
    'CreateInternetGateway',
  );
  call('AttachInternetGateway', { VpcId: id, InternetGatewayId: gateway.InternetGatewayId });
  const { RouteTable: table } = call<{ RouteTable: { RouteTableId: string } }>('CreateRouteTable', {
    VpcId: id,
  });
  const interfaceOf = (eni: string): NetworkInterface => {
    const input = { NetworkInterfaceIds: [eni] };
    const { NetworkInterfaces: found } = call<DescribeNetworkInterfacesResult>(
      'DescribeNetworkInterfaces',
      input,
    );
    return present(found?.[0], eni);
  };
  return {
    ...api,
    vpc: id,
    subnets,
    gateway: gateway.InternetGatewayId,
    table: table.RouteTableId,
    interfaceOf,
    eni: (SubnetId, more = {}) => {
      const made = call<CreateNetworkInterfaceResult>('CreateNetworkInterface', { SubnetId, ...more });
      return name(made.NetworkInterface?.NetworkInterfaceId);
    },
    instance: (SubnetId, more = {}) => {
      const wanted = { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.small', MinCount: 1, MaxCount: 1 };
      const { Instances: made } = call<Reservation>('RunInstances', { ...wanted, SubnetId, ...more });
      const [instance] = made ?? [];
      return {
        id: name(instance?.InstanceId),
        eni: name(instance?.NetworkInterfaces?.[0]?.NetworkInterfaceId),
      };
    },
    routes: () => {
      const input = { RouteTableIds: [table.RouteTableId] };
      const { RouteTables: found } = call<DescribeRouteTablesResult>('DescribeRouteTables', input);
      return present(found?.[0]?.Routes, 'routes');
    },
  };
}

/** The code and words of a refusal. */
export function refusal(api: Calls, action: string, input: object): string {
  try {
    api.call(action, input);
  } catch (error) {
    return (error as Error).message.replace(`${action}: `, '');
  }
  throw new Error(`${action} was not refused`);
}

/** A failover as daemons would do it, by calls alone. Not a test itself. */
import {
  AssignPrivateIpAddressesCommand,
  AssociateAddressCommand,
  AttachNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  type EC2Client,
  ReplaceRouteCommand,
  ReplaceTransitGatewayRouteCommand,
} from '@aws-sdk/client-ec2';
import { present, unreachable } from '../../controller/base/result.ts';
import type { Appliance, Resource } from '../../controller/config/model.ts';
import type { Config } from '../../controller/config.ts';

async function attach(ec2: EC2Client, id: string, deviceIndex: number, to: Appliance): Promise<void> {
  const ids = [present(to.eni, 'its ENI')];
  const { NetworkInterfaces = [] } = await ec2.send(
    new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: ids }),
  );
  const InstanceId = NetworkInterfaces[0]?.Attachment?.InstanceId;
  await ec2.send(
    new AttachNetworkInterfaceCommand({ NetworkInterfaceId: id, DeviceIndex: deviceIndex, InstanceId }),
  );
}

/** Leads a resource to a member, as a daemon would. */
async function lead(ec2: EC2Client, resource: Resource, heir: Appliance): Promise<void> {
  const NetworkInterfaceId = present(heir.eni, 'its ENI');
  switch (resource.kind) {
    case 'routes':
      for (const { table: RouteTableId, destinations } of resource.sets)
        for (const destination of destinations)
          await ec2.send(
            new ReplaceRouteCommand({
              RouteTableId,
              [destination.includes(':') ? 'DestinationIpv6CidrBlock' : 'DestinationCidrBlock']: destination,
              NetworkInterfaceId,
            }),
          );
      return;
    case 'eni':
      return attach(ec2, resource.id, resource.deviceIndex, heir);
    case 'address': {
      const PrivateIpAddresses = [resource.address];
      const move = { NetworkInterfaceId, PrivateIpAddresses, AllowReassignment: true };
      await ec2.send(new AssignPrivateIpAddressesCommand(move));
      return;
    }
    case 'eip': {
      const { allocation: AllocationId, address } = resource;
      const to = { NetworkInterfaceId, ...(address !== undefined && { PrivateIpAddress: address }) };
      await ec2.send(new AssociateAddressCommand({ AllocationId, ...to, AllowReassociation: true }));
      return;
    }
    case 'transit-routes':
      for (const { table, destinations } of resource.sets)
        for (const DestinationCidrBlock of destinations)
          await ec2.send(
            new ReplaceTransitGatewayRouteCommand({
              TransitGatewayRouteTableId: table,
              DestinationCidrBlock,
              TransitGatewayAttachmentId: heir.attachment,
            }),
          );
      return;
    default:
      unreachable(resource);
  }
}

/** Leads all that the groups of a design own to their last members, as far as these have room. */
export async function failOver(ec2: EC2Client, { groups, appliances }: Config): Promise<void> {
  const carried = new Map<string, number>();
  for (const { members, resources } of groups) {
    const heir = present(
      appliances.find(({ name }) => name === members.at(-1)),
      'the last member',
    );
    const load = (carried.get(heir.name) ?? 0) + 1;
    if (load > (heir.capacity ?? Number.POSITIVE_INFINITY)) continue;
    carried.set(heir.name, load);
    for (const resource of resources) await lead(ec2, resource, heir);
  }
}

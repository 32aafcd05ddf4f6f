/**
 * The world of the lab's tests, by API calls: an appliance in each of two public subnets, a workload behind
 * the first, another one behind a NAT gateway; IPv4 and IPv6. Not a test itself.
 */
import { present } from '../../controller/base/result.ts';
import {
  ask,
  createSite,
  createSubnet,
  createTable,
  forwardFor,
  HOST,
  launch,
  makePublic,
  PLACE,
} from '../../sim/chaos/scenes/network.ts';
import type { World } from '../../sim/world/state.ts';
import { createWorld } from '../../sim/world/world.ts';

export { HOST, PLACE };

export interface Placed {
  readonly instance: string;
  readonly eni: string;
  readonly address: string;
}

export interface Scene {
  readonly a: Placed & { readonly public: string; readonly address6: string };
  readonly b: Placed & { readonly public: string; readonly address6: string };
  /** Behind `a`, by the route 0.0.0.0/0 of `table`. */
  readonly workload: Placed;
  readonly table: string;
  /** Behind the NAT gateway. */
  readonly shy: Placed;
  readonly natAddress: string;
  readonly group: string;
  readonly vpc: string;
}

interface Block {
  readonly Ipv6CidrBlockAssociation: { readonly Ipv6CidrBlock: string };
}

/** Builds the scene in a world. */
export function build(world: World): Scene {
  const site = createSite(world);
  const { vpc: VpcId, group } = site;
  ask<Block>(world, 'AssociateVpcCidrBlock', { VpcId, AmazonProvidedIpv6CidrBlock: true });
  const { Vpcs } = ask<{ Vpcs: { Ipv6CidrBlockAssociationSet: { Ipv6CidrBlock: string }[] }[] }>(
    world,
    'DescribeVpcs',
    { VpcIds: [VpcId] },
  );
  const block = present(Vpcs[0]?.Ipv6CidrBlockAssociationSet[0], 'an IPv6 block').Ipv6CidrBlock;
  const all6 = [{ IpProtocol: '-1', Ipv6Ranges: [{ CidrIpv6: '::/0' }] }];
  ask(world, 'AuthorizeSecurityGroupIngress', { GroupId: group, IpPermissions: all6 });
  ask(world, 'AuthorizeSecurityGroupEgress', { GroupId: group, IpPermissions: all6 });
  const edge = createTable(site, { GatewayId: site.gateway });
  const appliance = (n: number, zone: string, address: string) => {
    const SubnetId = createSubnet(site, `10.0.${n}.0/24`, zone, edge);
    const Ipv6CidrBlock = block.replace(/..::\/56$/, `0${n}::/64`);
    ask(world, 'AssociateSubnetCidrBlock', { SubnetId, Ipv6CidrBlock });
    const { instance, eni } = launch(site, SubnetId, address);
    forwardFor(world, eni);
    const { AssignedIpv6Addresses } = ask<{ AssignedIpv6Addresses: string[] }>(world, 'AssignIpv6Addresses', {
      NetworkInterfaceId: eni,
      Ipv6AddressCount: 1,
    });
    const address6 = present(AssignedIpv6Addresses[0], 'an IPv6 address');
    return { instance, eni, address, address6, public: makePublic(world, eni), SubnetId };
  };
  const a = appliance(0, 'a', '10.0.0.10');
  const b = appliance(1, 'b', '10.0.1.10');
  const table = createTable(site, { NetworkInterfaceId: a.eni });
  const inside = createSubnet(site, '10.0.10.0/24', 'a', table);
  const workload = { ...launch(site, inside, '10.0.10.10'), address: '10.0.10.10' };
  const { AllocationId, PublicIp } = ask<{ AllocationId: string; PublicIp: string }>(
    world,
    'AllocateAddress',
    {},
  );
  const { NatGateway } = ask<{ NatGateway: { NatGatewayId: string } }>(world, 'CreateNatGateway', {
    SubnetId: a.SubnetId,
    AllocationId,
  });
  const natTable = createTable(site, { NatGatewayId: NatGateway.NatGatewayId });
  const shyNet = createSubnet(site, '10.0.11.0/24', 'a', natTable);
  const shy = { ...launch(site, shyNet, '10.0.11.10'), address: '10.0.11.10' };
  return { a, b, workload, table, shy, natAddress: PublicIp, group, vpc: VpcId };
}

/** A world with the scene. */
export function createScene(): { readonly world: World; readonly scene: Scene } {
  const world = createWorld({ hosts: [HOST] });
  return { world, scene: build(world) };
}

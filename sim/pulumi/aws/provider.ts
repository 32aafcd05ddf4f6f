/**
 * The part of Pulumi's AWS provider that the designs need, over the EC2, STS and IAM endpoints like any other
 * client.
 */
import type { Provider, ProviderFactory } from '../provider.ts';
import { clientsFrom } from './clients.ts';
import { egressOnlyGateway, natGateway } from './egress.ts';
import { vpcEndpoint } from './endpoint.ts';
import { instanceProfile, role, rolePolicy } from './iam.ts';
import { instance } from './instance.ts';
import { eip, eipAssociation, networkInterface, networkInterfaceAttachment } from './interface.ts';
import {
  listener,
  loadBalancer,
  targetGroup,
  targetGroupAttachment,
  vpcEndpointService,
} from './load-balancer.ts';
import { lookups } from './lookup.ts';
import { internetGateway, subnet, vpc } from './network.ts';
import { networkAcl, networkAclAssociation, networkAclRule } from './network-acl.ts';
import { parameter } from './parameter.ts';
import { vpcPeeringAccepter, vpcPeeringConnection } from './peering.ts';
import { placementGroup } from './placement-group.ts';
import { managedPrefixList, managedPrefixListEntry } from './prefix-list.ts';
import { route, routeTable, routeTableAssociation } from './routing.ts';
import { egressRule, ingressRule, securityGroup } from './security.ts';
import {
  transitAssociation,
  transitGateway,
  transitPropagation,
  transitRoute,
  transitRouteTable,
  vpcAttachment,
} from './transit.ts';
import { type Definition, resourceType } from './type.ts';
import {
  customerGateway,
  vpnConnection,
  vpnConnectionRoute,
  vpnGateway,
  vpnRoutePropagation,
} from './vpn.ts';

const DEFINITIONS: Readonly<Record<string, Definition>> = {
  'aws:ec2/vpc:Vpc': vpc,
  'aws:ec2/subnet:Subnet': subnet,
  'aws:ec2/internetGateway:InternetGateway': internetGateway,
  'aws:ec2/routeTable:RouteTable': routeTable,
  'aws:ec2/route:Route': route,
  'aws:ec2/routeTableAssociation:RouteTableAssociation': routeTableAssociation,
  'aws:ec2/vpcPeeringConnection:VpcPeeringConnection': vpcPeeringConnection,
  'aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter': vpcPeeringAccepter,
  'aws:ec2/networkAcl:NetworkAcl': networkAcl,
  'aws:ec2/networkAclRule:NetworkAclRule': networkAclRule,
  'aws:ec2/networkAclAssociation:NetworkAclAssociation': networkAclAssociation,
  'aws:ec2/managedPrefixList:ManagedPrefixList': managedPrefixList,
  'aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry': managedPrefixListEntry,
  'aws:ec2/vpcEndpoint:VpcEndpoint': vpcEndpoint,
  'aws:ec2/vpnGateway:VpnGateway': vpnGateway,
  'aws:ec2/customerGateway:CustomerGateway': customerGateway,
  'aws:ec2/vpnConnection:VpnConnection': vpnConnection,
  'aws:ec2/vpnConnectionRoute:VpnConnectionRoute': vpnConnectionRoute,
  'aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation': vpnRoutePropagation,
  'aws:ec2/natGateway:NatGateway': natGateway,
  'aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway': egressOnlyGateway,
  'aws:ec2/networkInterface:NetworkInterface': networkInterface,
  'aws:ec2/networkInterfaceAttachment:NetworkInterfaceAttachment': networkInterfaceAttachment,
  'aws:ec2/instance:Instance': instance,
  'aws:ec2/placementGroup:PlacementGroup': placementGroup,
  'aws:ec2/eip:Eip': eip,
  'aws:ec2/eipAssociation:EipAssociation': eipAssociation,
  'aws:ec2/securityGroup:SecurityGroup': securityGroup,
  'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule': ingressRule,
  'aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule': egressRule,
  'aws:ec2transitgateway/transitGateway:TransitGateway': transitGateway,
  'aws:ec2transitgateway/vpcAttachment:VpcAttachment': vpcAttachment,
  'aws:ec2transitgateway/routeTable:RouteTable': transitRouteTable,
  'aws:ec2transitgateway/routeTableAssociation:RouteTableAssociation': transitAssociation,
  'aws:ec2transitgateway/routeTablePropagation:RouteTablePropagation': transitPropagation,
  'aws:ec2transitgateway/route:Route': transitRoute,
  'aws:ec2/vpcEndpointService:VpcEndpointService': vpcEndpointService,
  'aws:lb/loadBalancer:LoadBalancer': loadBalancer,
  'aws:lb/targetGroup:TargetGroup': targetGroup,
  'aws:lb/targetGroupAttachment:TargetGroupAttachment': targetGroupAttachment,
  'aws:lb/listener:Listener': listener,
  'aws:ssm/parameter:Parameter': parameter,
  'aws:iam/role:Role': role,
  'aws:iam/rolePolicy:RolePolicy': rolePolicy,
  'aws:iam/instanceProfile:InstanceProfile': instanceProfile,
};

/** Refuses to start without endpoints, so that it never touches a real account. */
export const awsProvider: ProviderFactory = (config): Provider => {
  const clients = clientsFrom(config);
  return {
    resourceType: (token) => {
      const definition = DEFINITIONS[token];
      if (definition === undefined) {
        throw new Error(`the test engine does not know the type ${token}; deploy it with the Pulumi CLI`);
      }
      return resourceType(clients, token, definition);
    },
    invoke: async (token, args) => {
      const lookup = lookups[token];
      if (lookup === undefined) {
        throw new Error(`the test engine does not know the function ${token}; deploy it with the Pulumi CLI`);
      }
      return lookup(clients, args);
    },
    close: () => clients.close(),
  };
};

/**
 * What Terraform's AWS provider asks of EC2, IAM and STS, as recorded of terraform-provider-aws 5.100.0 under
 * terraform 1.11.4: the operations of each kind of resource, over its whole life, and the parameters and
 * filters of each operation. Pulumi's provider is made of the same code.
 */

/** Kinds of resource and data source, each with its operations as `service:Operation`. */
export const CALLS: Readonly<Record<string, string>> = {
  provider: 'sts:GetCallerIdentity',
  aws_availability_zones: 'ec2:DescribeAvailabilityZones',
  aws_caller_identity: 'sts:GetCallerIdentity',
  aws_customer_gateway: 'ec2:CreateCustomerGateway ec2:DescribeCustomerGateways ec2:DeleteCustomerGateway',
  aws_default_route_table: 'ec2:DescribeRouteTables',
  aws_ec2_instance_type: 'ec2:DescribeInstanceTypes',
  aws_ec2_managed_prefix_list:
    'ec2:CreateManagedPrefixList ec2:DescribeManagedPrefixLists ec2:GetManagedPrefixListEntries ' +
    'ec2:DeleteManagedPrefixList',
  aws_ec2_managed_prefix_list_entry:
    'ec2:DescribeManagedPrefixLists ec2:ModifyManagedPrefixList ec2:GetManagedPrefixListEntries',
  aws_ec2_transit_gateway:
    'ec2:CreateTransitGateway ec2:DescribeTransitGateways ec2:ModifyTransitGateway ec2:DescribeTags',
  aws_ec2_transit_gateway_route:
    'ec2:CreateTransitGatewayRoute ec2:SearchTransitGatewayRoutes ec2:DeleteTransitGatewayRoute',
  aws_ec2_transit_gateway_route_table:
    'ec2:CreateTransitGatewayRouteTable ec2:DescribeTransitGatewayRouteTables ' +
    'ec2:DeleteTransitGatewayRouteTable',
  aws_ec2_transit_gateway_route_table_association:
    'ec2:AssociateTransitGatewayRouteTable ec2:GetTransitGatewayRouteTableAssociations ' +
    'ec2:DisassociateTransitGatewayRouteTable',
  aws_ec2_transit_gateway_route_table_propagation:
    'ec2:EnableTransitGatewayRouteTablePropagation ec2:GetTransitGatewayRouteTablePropagations ' +
    'ec2:DisableTransitGatewayRouteTablePropagation',
  aws_ec2_transit_gateway_vpc_attachment:
    'ec2:CreateTransitGatewayVpcAttachment ec2:DescribeTransitGatewayVpcAttachments ' +
    'ec2:DescribeTransitGateways ec2:GetTransitGatewayRouteTableAssociations ' +
    'ec2:GetTransitGatewayRouteTablePropagations ec2:EnableTransitGatewayRouteTablePropagation ' +
    'ec2:DeleteTransitGatewayVpcAttachment',
  aws_egress_only_internet_gateway:
    'ec2:CreateEgressOnlyInternetGateway ec2:DescribeEgressOnlyInternetGateways ' +
    'ec2:DeleteEgressOnlyInternetGateway',
  aws_eip:
    'ec2:AllocateAddress ec2:DescribeAddresses ec2:DescribeAddressesAttribute ec2:DisassociateAddress ' +
    'ec2:ReleaseAddress',
  aws_eip_association: 'ec2:AssociateAddress ec2:DescribeAddresses ec2:DisassociateAddress',
  aws_iam_instance_profile:
    'iam:CreateInstanceProfile iam:GetInstanceProfile iam:AddRoleToInstanceProfile iam:GetRole ' +
    'iam:RemoveRoleFromInstanceProfile iam:DeleteInstanceProfile',
  aws_iam_role:
    'iam:CreateRole iam:GetRole iam:ListRolePolicies iam:ListAttachedRolePolicies ' +
    'iam:ListInstanceProfilesForRole iam:DeleteRole iam:GetRolePolicy',
  aws_iam_role_policy: 'iam:PutRolePolicy iam:GetRolePolicy iam:DeleteRolePolicy',
  aws_instance:
    'ec2:RunInstances ec2:DescribeInstances ec2:ModifyInstanceAttribute ec2:DescribeInstanceTypes ' +
    'ec2:DescribeTags ec2:DescribeVpcs ec2:DescribeInstanceAttribute ec2:DescribeVolumes ' +
    'ec2:DescribeInstanceCreditSpecifications ec2:TerminateInstances',
  aws_internet_gateway:
    'ec2:CreateInternetGateway ec2:AttachInternetGateway ec2:DescribeInternetGateways ' +
    'ec2:DetachInternetGateway ec2:DeleteInternetGateway',
  aws_launch_template:
    'ec2:CreateLaunchTemplate ec2:DescribeLaunchTemplates ec2:DescribeLaunchTemplateVersions ' +
    'ec2:DeleteLaunchTemplate',
  aws_main_route_table_association: 'ec2:DescribeRouteTables ec2:ReplaceRouteTableAssociation',
  aws_nat_gateway: 'ec2:CreateNatGateway ec2:DescribeNatGateways ec2:DeleteNatGateway',
  aws_network_acl:
    'ec2:CreateNetworkAcl ec2:CreateNetworkAclEntry ec2:DescribeNetworkAcls ' +
    'ec2:ReplaceNetworkAclAssociation ec2:DeleteNetworkAcl',
  aws_network_interface:
    'ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:ModifyNetworkInterfaceAttribute ' +
    'ec2:DeleteNetworkInterface ec2:DetachNetworkInterface',
  aws_network_interface_attachment:
    'ec2:AttachNetworkInterface ec2:DescribeNetworkInterfaces ec2:DetachNetworkInterface',
  aws_route: 'ec2:DescribeRouteTables ec2:CreateRoute ec2:DeleteRoute ec2:ReplaceRoute',
  aws_route_table:
    'ec2:CreateRouteTable ec2:DescribeRouteTables ec2:CreateRoute ec2:DeleteRouteTable ' +
    'ec2:DescribeNetworkInterfaces',
  aws_route_table_association: 'ec2:AssociateRouteTable ec2:DescribeRouteTables ec2:DisassociateRouteTable',
  aws_security_group:
    'ec2:CreateSecurityGroup ec2:DescribeSecurityGroups ec2:RevokeSecurityGroupEgress ' +
    'ec2:AuthorizeSecurityGroupIngress ec2:DescribeNetworkInterfaces ec2:DeleteSecurityGroup',
  aws_security_group_rule:
    'ec2:DescribeSecurityGroups ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress ' +
    'ec2:DescribeSecurityGroupRules',
  aws_subnet:
    'ec2:CreateSubnet ec2:DescribeSubnets ec2:ModifySubnetAttribute ec2:DescribeNetworkInterfaces ' +
    'ec2:DeleteSubnet',
  aws_vpc:
    'ec2:CreateVpc ec2:DescribeVpcs ec2:DescribeVpcAttribute ec2:ModifyVpcAttribute ' +
    'ec2:DescribeNetworkAcls ec2:DescribeRouteTables ec2:DescribeSecurityGroups ec2:DeleteVpc',
  aws_vpc_endpoint:
    'ec2:CreateVpcEndpoint ec2:DescribeVpcEndpoints ec2:DescribePrefixLists ec2:DeleteVpcEndpoints',
  aws_vpc_peering_connection:
    'ec2:CreateVpcPeeringConnection ec2:DescribeVpcPeeringConnections ec2:AcceptVpcPeeringConnection ' +
    'ec2:DeleteVpcPeeringConnection',
  aws_vpc_security_group_ingress_rule:
    'ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress ec2:DescribeSecurityGroupRules',
  aws_vpn_gateway:
    'ec2:CreateVpnGateway ec2:DescribeVpnGateways ec2:AttachVpnGateway ec2:DetachVpnGateway ' +
    'ec2:DeleteVpnGateway',
};

/**
 * Parameters of each operation, in the form's names with `N` for an index; `Filter=a+b` are the filters that
 * it was asked with.
 */
export const PARAMETERS: Readonly<Record<string, string>> = {
  'ec2:AcceptVpcPeeringConnection': 'VpcPeeringConnectionId',
  'ec2:AllocateAddress': 'Domain',
  'ec2:AssociateAddress': 'AllocationId NetworkInterfaceId',
  'ec2:AssociateRouteTable': 'GatewayId RouteTableId SubnetId',
  'ec2:AssociateTransitGatewayRouteTable': 'Action TransitGatewayAttachmentId TransitGatewayRouteTableId',
  'ec2:AttachInternetGateway': 'InternetGatewayId VpcId',
  'ec2:AttachNetworkInterface': 'DeviceIndex InstanceId NetworkInterfaceId',
  'ec2:AttachVpnGateway': 'VpcId VpnGatewayId',
  'ec2:AuthorizeSecurityGroupIngress':
    'GroupId IpPermissions.N.FromPort IpPermissions.N.IpProtocol IpPermissions.N.IpRanges.N.CidrIp ' +
    'IpPermissions.N.ToPort',
  'ec2:CreateCustomerGateway': 'BgpAsn IpAddress Type',
  'ec2:CreateEgressOnlyInternetGateway': 'ClientToken VpcId',
  'ec2:CreateInternetGateway': '',
  'ec2:CreateLaunchTemplate':
    'ClientToken LaunchTemplateData.ImageId LaunchTemplateData.InstanceType LaunchTemplateData.UserData ' +
    'LaunchTemplateName',
  'ec2:CreateManagedPrefixList': 'AddressFamily ClientToken Entry.N.Cidr MaxEntries PrefixListName',
  'ec2:CreateNatGateway': 'AllocationId ClientToken ConnectivityType SubnetId',
  'ec2:CreateNetworkAcl': 'ClientToken VpcId',
  'ec2:CreateNetworkAclEntry':
    'CidrBlock Egress NetworkAclId PortRange.From PortRange.To Protocol RuleAction RuleNumber',
  'ec2:CreateNetworkInterface':
    'ClientToken PrivateIpAddresses.N.Primary PrivateIpAddresses.N.PrivateIpAddress SecurityGroupId.N ' +
    'SubnetId',
  'ec2:CreateRoute': 'DestinationCidrBlock GatewayId RouteTableId NetworkInterfaceId DestinationPrefixListId',
  'ec2:CreateRouteTable': 'ClientToken VpcId',
  'ec2:CreateSecurityGroup': 'GroupDescription GroupName VpcId',
  'ec2:CreateSubnet': 'AvailabilityZone CidrBlock VpcId',
  'ec2:CreateTransitGateway':
    'Options.AmazonSideAsn Options.AutoAcceptSharedAttachments Options.DefaultRouteTableAssociation ' +
    'Options.DefaultRouteTablePropagation Options.DnsSupport Options.MulticastSupport ' +
    'Options.SecurityGroupReferencingSupport Options.VpnEcmpSupport',
  'ec2:CreateTransitGatewayRoute':
    'Blackhole DestinationCidrBlock TransitGatewayAttachmentId TransitGatewayRouteTableId',
  'ec2:CreateTransitGatewayRouteTable': 'TransitGatewayId',
  'ec2:CreateTransitGatewayVpcAttachment':
    'Action Options.ApplianceModeSupport Options.DnsSupport Options.Ipv6Support SubnetIds.N ' +
    'TransitGatewayId VpcId',
  'ec2:CreateVpc':
    'AmazonProvidedIpv6CidrBlock CidrBlock InstanceTenancy TagSpecification.N.ResourceType ' +
    'TagSpecification.N.Tag.N.Key TagSpecification.N.Tag.N.Value',
  'ec2:CreateVpcEndpoint': 'ClientToken PrivateDnsEnabled RouteTableId.N ServiceName VpcEndpointType VpcId',
  'ec2:CreateVpcPeeringConnection': 'PeerVpcId VpcId',
  'ec2:CreateVpnGateway': 'AvailabilityZone Type',
  'ec2:DeleteCustomerGateway': 'CustomerGatewayId',
  'ec2:DeleteEgressOnlyInternetGateway': 'EgressOnlyInternetGatewayId',
  'ec2:DeleteInternetGateway': 'InternetGatewayId',
  'ec2:DeleteLaunchTemplate': 'LaunchTemplateId',
  'ec2:DeleteManagedPrefixList': 'PrefixListId',
  'ec2:DeleteNatGateway': 'NatGatewayId',
  'ec2:DeleteNetworkAcl': 'NetworkAclId',
  'ec2:DeleteNetworkInterface': 'NetworkInterfaceId',
  'ec2:DeleteRoute': 'DestinationCidrBlock RouteTableId DestinationPrefixListId',
  'ec2:DeleteRouteTable': 'RouteTableId',
  'ec2:DeleteSecurityGroup': 'GroupId',
  'ec2:DeleteSubnet': 'SubnetId',
  'ec2:DeleteTransitGatewayRoute': 'DestinationCidrBlock TransitGatewayRouteTableId',
  'ec2:DeleteTransitGatewayRouteTable': 'TransitGatewayRouteTableId',
  'ec2:DeleteTransitGatewayVpcAttachment': 'Action TransitGatewayAttachmentId',
  'ec2:DeleteVpc': 'VpcId',
  'ec2:DeleteVpcEndpoints': 'VpcEndpointId.N',
  'ec2:DeleteVpcPeeringConnection': 'VpcPeeringConnectionId',
  'ec2:DeleteVpnGateway': 'VpnGatewayId',
  'ec2:DescribeAddresses': 'AllocationId.N Filter=association-id',
  'ec2:DescribeAddressesAttribute': 'AllocationId.N Attribute',
  'ec2:DescribeAvailabilityZones': 'Filter=state',
  'ec2:DescribeCustomerGateways': 'CustomerGatewayId.N',
  'ec2:DescribeEgressOnlyInternetGateways': 'EgressOnlyInternetGatewayId.N',
  'ec2:DescribeInstanceAttribute': 'Attribute InstanceId',
  'ec2:DescribeInstanceCreditSpecifications': 'InstanceId.N',
  'ec2:DescribeInstanceTypes': 'InstanceType.N',
  'ec2:DescribeInstances': 'InstanceId.N',
  'ec2:DescribeInternetGateways': 'InternetGatewayId.N',
  'ec2:DescribeLaunchTemplateVersions': 'LaunchTemplateId LaunchTemplateVersion.N',
  'ec2:DescribeLaunchTemplates': 'LaunchTemplateId.N LaunchTemplateName.N',
  'ec2:DescribeManagedPrefixLists': 'PrefixListId.N',
  'ec2:DescribeNatGateways': 'NatGatewayId.N',
  'ec2:DescribeNetworkAcls': 'Filter=association.subnet-id Filter=default+vpc-id NetworkAclId.N',
  'ec2:DescribeNetworkInterfaces':
    'Filter=attachment.attachment-id Filter=group-id Filter=subnet-id NetworkInterfaceId.N',
  'ec2:DescribePrefixLists': 'Filter=prefix-list-name',
  'ec2:DescribeRouteTables':
    'Filter=association.main+vpc-id Filter=association.route-table-association-id RouteTableId.N',
  'ec2:DescribeSecurityGroupRules': 'Filter=group-id SecurityGroupRuleId.N',
  'ec2:DescribeSecurityGroups': 'Filter=group-name+vpc-id GroupId.N',
  'ec2:DescribeSubnets': 'SubnetId.N',
  'ec2:DescribeTags': 'Filter=key+resource-id Filter=resource-id',
  'ec2:DescribeTransitGatewayRouteTables': 'Action TransitGatewayRouteTableIds.N',
  'ec2:DescribeTransitGatewayVpcAttachments': 'TransitGatewayAttachmentIds.N',
  'ec2:DescribeTransitGateways': 'TransitGatewayIds.N',
  'ec2:DescribeVolumes': 'VolumeId.N',
  'ec2:DescribeVpcAttribute': 'Attribute VpcId',
  'ec2:DescribeVpcEndpoints': 'VpcEndpointId.N',
  'ec2:DescribeVpcPeeringConnections': 'VpcPeeringConnectionId.N',
  'ec2:DescribeVpcs': 'Filter=ipv6-cidr-block-association.association-id VpcId.N',
  'ec2:DescribeVpnGateways': 'VpnGatewayId.N',
  'ec2:DetachInternetGateway': 'InternetGatewayId VpcId',
  'ec2:DetachNetworkInterface': 'AttachmentId Force',
  'ec2:DetachVpnGateway': 'VpcId VpnGatewayId',
  'ec2:DisableTransitGatewayRouteTablePropagation': 'TransitGatewayAttachmentId TransitGatewayRouteTableId',
  'ec2:DisassociateAddress': 'AssociationId',
  'ec2:DisassociateRouteTable': 'AssociationId',
  'ec2:DisassociateTransitGatewayRouteTable': 'TransitGatewayAttachmentId TransitGatewayRouteTableId',
  'ec2:EnableTransitGatewayRouteTablePropagation': 'TransitGatewayAttachmentId TransitGatewayRouteTableId',
  'ec2:GetManagedPrefixListEntries': 'PrefixListId',
  'ec2:GetTransitGatewayRouteTableAssociations':
    'TransitGatewayRouteTableId Filter=transit-gateway-attachment-id',
  'ec2:GetTransitGatewayRouteTablePropagations':
    'TransitGatewayRouteTableId Filter=transit-gateway-attachment-id',
  'ec2:ModifyInstanceAttribute': 'DisableApiTermination.Value InstanceId SourceDestCheck.Value',
  'ec2:ModifyManagedPrefixList': 'AddEntry.N.Cidr CurrentVersion PrefixListId RemoveEntry.N.Cidr',
  'ec2:ModifyNetworkInterfaceAttribute': 'NetworkInterfaceId SourceDestCheck.Value',
  'ec2:ModifySubnetAttribute': 'MapPublicIpOnLaunch.Value SubnetId',
  'ec2:ModifyTransitGateway': 'Options.SecurityGroupReferencingSupport TransitGatewayId',
  'ec2:ModifyVpcAttribute': 'EnableDnsHostnames.Value VpcId',
  'ec2:ReleaseAddress': 'AllocationId',
  'ec2:ReplaceNetworkAclAssociation': 'AssociationId NetworkAclId',
  'ec2:ReplaceRoute': 'DestinationCidrBlock NetworkInterfaceId RouteTableId',
  'ec2:ReplaceRouteTableAssociation': 'AssociationId RouteTableId',
  'ec2:RevokeSecurityGroupEgress':
    'GroupId IpPermissions.N.FromPort IpPermissions.N.IpProtocol IpPermissions.N.IpRanges.N.CidrIp ' +
    'IpPermissions.N.ToPort IpPermissions.N.Ipv6Ranges.N.CidrIpv6',
  'ec2:RevokeSecurityGroupIngress':
    'GroupId IpPermissions.N.FromPort IpPermissions.N.IpProtocol IpPermissions.N.IpRanges.N.CidrIp ' +
    'IpPermissions.N.ToPort SecurityGroupRuleId.N',
  'ec2:RunInstances':
    'ClientToken CreditSpecification.CpuCredits DisableApiTermination EbsOptimized ' +
    'HibernationOptions.Configured IamInstanceProfile.Name ImageId InstanceType MaxCount MinCount ' +
    'Monitoring.Enabled Placement.AvailabilityZone SecurityGroupId.N SubnetId UserData',
  'ec2:SearchTransitGatewayRoutes': 'TransitGatewayRouteTableId Filter=route-search.exact-match+type',
  'ec2:TerminateInstances': 'InstanceId.N',
  'iam:AddRoleToInstanceProfile': 'InstanceProfileName RoleName',
  'iam:CreateInstanceProfile': 'InstanceProfileName Path',
  'iam:CreateRole': 'AssumeRolePolicyDocument MaxSessionDuration Path RoleName',
  'iam:DeleteInstanceProfile': 'InstanceProfileName',
  'iam:DeleteRole': 'RoleName',
  'iam:DeleteRolePolicy': 'PolicyName RoleName',
  'iam:GetInstanceProfile': 'InstanceProfileName',
  'iam:GetRole': 'RoleName',
  'iam:GetRolePolicy': 'PolicyName RoleName',
  'iam:ListAttachedRolePolicies': 'RoleName',
  'iam:ListInstanceProfilesForRole': 'RoleName',
  'iam:ListRolePolicies': 'RoleName',
  'iam:PutRolePolicy': 'PolicyDocument PolicyName RoleName',
  'iam:RemoveRoleFromInstanceProfile': 'InstanceProfileName RoleName',
  'sts:GetCallerIdentity': '',
};

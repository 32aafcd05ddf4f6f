/** EC2's error codes as others spell them, as far as the simulator may use them. */

/** In AWS's own list, "Error codes for the Amazon EC2 API". */
export const DOCUMENTED: readonly string[] = [
  'AddressLimitExceeded AsnConflict AttachmentLimitExceeded AuthFailure CannotDelete CustomerGatewayLimitExceeded',
  'DefaultVpcAlreadyExists DependencyViolation DryRunOperation DuplicateSubnetsInSameZone',
  'ExistingVpcEndpointConnections FilterLimitExceeded Gateway.NotAttached',
  'IdempotentInstanceTerminated IdempotentParameterMismatch IncorrectInstanceState IncorrectState',
  'InstanceLimitExceeded InsufficientAddressCapacity InsufficientFreeAddressesInSubnet InternalError',
  'InternetGatewayLimitExceeded InvalidAMIID.Malformed InvalidAMIID.NotFound InvalidAddress.Malformed',
  'InvalidAddress.NotFound InvalidAllocationID.NotFound InvalidAssociationID.NotFound',
  'InvalidAttachmentID.NotFound InvalidBlockDeviceMapping InvalidCarrierGatewayID.NotFound',
  'InvalidCidr.InUse InvalidClientToken InvalidCustomerGatewayID.NotFound',
  'InvalidCustomerGatewayId.Malformed InvalidDhcpOptionID.NotFound InvalidDhcpOptionsId.Malformed',
  'InvalidEgressOnlyInternetGatewayId.Malformed InvalidGatewayID.NotFound InvalidGroup.Duplicate',
  'InvalidGroup.NotFound InvalidGroup.Reserved InvalidGroupId.Malformed InvalidID',
  'InvalidIPAddress.InUse InvalidInstanceID InvalidInstanceID.Malformed InvalidInstanceID.NotFound',
  'InvalidInstanceType InvalidInternetGatewayID.NotFound InvalidInternetGatewayId.Malformed',
  'InvalidKey.Format InvalidKeyPair.Duplicate InvalidKeyPair.Format InvalidKeyPair.NotFound',
  'InvalidLaunchTemplateId.Malformed InvalidLaunchTemplateId.NotFound',
  'InvalidLaunchTemplateId.VersionNotFound InvalidLaunchTemplateName.AlreadyExistsException',
  'InvalidLaunchTemplateName.MalformedException InvalidLaunchTemplateName.NotFoundException',
  'InvalidNatGatewayID.NotFound InvalidNetworkAclEntry.NotFound InvalidNetworkAclID.NotFound',
  'InvalidNetworkAclId.Malformed InvalidNetworkInterface.InUse InvalidNetworkInterfaceID.NotFound',
  'InvalidNetworkInterfaceId.Malformed InvalidNextToken InvalidOption.Conflict InvalidParameter',
  'InvalidParameterCombination InvalidParameterValue InvalidPermission.Duplicate',
  'InvalidPermission.NotFound InvalidPlacementGroup.Duplicate InvalidPlacementGroup.InUse',
  'InvalidPlacementGroup.Unknown InvalidPlacementGroupId.Malformed InsufficientInstanceCapacity',
  'InvalidPolicyDocument InvalidPrefixListID.NotFound',
  'InvalidPrefixListId.Malformed InvalidRoute.NotFound InvalidRouteTableID.NotFound',
  'InvalidRouteTableId.Malformed InvalidSecurityGroupRuleId.Malformed',
  'InvalidSecurityGroupRuleId.NotFound InvalidServiceName InvalidState InvalidStateTransition',
  'InvalidSubnet.Conflict InvalidSubnet.Range InvalidSubnetID.Malformed InvalidSubnetID.NotFound',
  'InvalidVolume.NotFound InvalidVpcEndpoint.NotFound InvalidVpcEndpointId.Malformed',
  'InvalidVpcEndpointId.NotFound InvalidVpcEndpointService.NotFound',
  'InvalidVpcEndpointServiceId.NotFound InvalidVpcEndpointType InvalidVpcID.Malformed',
  'InvalidVpcID.NotFound InvalidVpcPeeringConnectionID.NotFound',
  'InvalidVpcPeeringConnectionId.Malformed InvalidVpcState InvalidVpnConnectionID',
  'InvalidVpnConnectionID.NotFound InvalidVpnGatewayAttachment.NotFound InvalidVpnGatewayID.NotFound',
  'MissingInput MissingParameter NatGatewayLimitExceeded NatGatewayMalformed NatGatewayNotFound',
  'NetworkAclEntryAlreadyExists NetworkAclEntryLimitExceeded NetworkAclLimitExceeded',
  'NetworkInterfaceLimitExceeded OperationNotPermitted PendingVpcPeeringConnectionLimitExceeded',
  'PrivateIpAddressLimitExceeded RequestLimitExceeded Resource.AlreadyAssociated RouteAlreadyExists',
  'RouteLimitExceeded RouteTableLimitExceeded RulesPerSecurityGroupLimitExceeded',
  'SecurityGroupLimitExceeded SecurityGroupsPerInterfaceLimitExceeded SubnetLimitExceeded',
  'TagLimitExceeded UnauthorizedOperation UnknownParameter UnsupportedOperation VPCIdNotSpecified ValidationError',
  'VpcEndpointLimitExceeded VpcLimitExceeded VpcPeeringConnectionAlreadyExists',
  'VpcPeeringConnectionsPerVpcLimitExceeded VpnConnectionLimitExceeded',
  'VpnGatewayAttachmentLimitExceeded VpnGatewayLimitExceeded',
].flatMap((line) => line.split(' '));

/**
 * Not in that list; known to Terraform's AWS provider, which waits for them, to moto, to CloudFormation's own
 * handlers of transit gateways (`ExceptionMapper`), to AWS's Serverless Transit Network Orchestrator
 * (`TransitGatewayRouteTablePropagation.Duplicate`), to Steampipe's AWS plugin (`.Malformed`), or to programs
 * on the Ruby SDK (`PrefixListMaxEntriesExceeded`).
 */
export const KNOWN_TO_CLIENTS: readonly string[] = [
  'CidrLimitExceeded DuplicateTransitGatewayAttachment InvalidAssociation.NotFound',
  'InvalidPrefixListId.NotFound InvalidRouteServerEndpointId.NotFound',
  'InvalidRouteServerId.NotAssociated InvalidRouteServerId.NotFound',
  'InvalidRouteServerId.NotPropagated InvalidRouteServerPeerId.NotFound',
  'InvalidSubnetCidrBlockAssociationID.NotFound InvalidTransitGatewayAttachmentID.NotFound',
  'InvalidTransitGatewayConnectPeerID.NotFound',
  'InvalidTransitGatewayMulticastDomainId.NotFound',
  'InvalidTransitGatewayID.NotFound InvalidVpc.Range InvalidVpcCidrBlockAssociationID.NotFound',
  'ListenerNotFound LoadBalancerNotFound TargetGroupNotFound DirectConnectClientException',
  'NoSuchEntity PrefixListVersionMismatch TransitGatewayRouteTablePropagation.NotFound',
  'InvalidAllocationID.Malformed InvalidTransitGatewayAttachmentID.Malformed',
  'InvalidTransitGatewayID.Malformed InvalidVpcEndpointServiceId.Malformed',
  'InvalidVpnConnectionID.Malformed InvalidVpnGatewayID.Malformed PrefixListMaxEntriesExceeded',
  'TransitGatewayLimitExceeded TransitGatewayMulticastDomainLimitExceeded',
  'TransitGatewayRouteTablePropagation.Duplicate',
].flatMap((line) => line.split(' '));

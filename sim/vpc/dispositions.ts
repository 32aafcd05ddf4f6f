/**
 * What can become of a packet: the closed set, each with its meaning and a hint for people. Names in `AWS`
 * are explanation codes of VPC Reachability Analyzer; the others are ours, for what that tool does not model
 * (frames, ARP, guests, time).
 */

interface Explanation {
  /** Whose word the name is; `step`: ours, for what ends a step of a crossing, never a journey. */
  readonly origin: 'aws' | 'ours' | 'step';
  readonly meaning: string;
  readonly hint: string;
}

const ours = (meaning: string, hint: string): Explanation => ({ origin: 'ours', meaning, hint });
const aws = (meaning: string, hint: string): Explanation => ({ origin: 'aws', meaning, hint });
const step = (meaning: string): Explanation => ({
  origin: 'step',
  meaning,
  hint: 'Only a step of a crossing ends so, never a journey.',
});

/**
 * Every disposition; the place in this object, counted from 1, is its code. 0 is no disposition: the packet
 * goes on.
 */
export const EXPLANATIONS = {
  DELIVERED: ours(
    'The packet reached the guest or Internet host that owns its destination address.',
    'Nothing to do.',
  ),
  TO_INTERNET: step('The packet left the VPC through its Internet gateway.'),

  ENI_SOURCE_DEST_CHECK_RESTRICTION: aws(
    "Source/dest check is on, and the packet's address on this side is not one of the ENI's own.",
    'Forwarding appliances need SourceDestCheck=false; a host with several ENIs ' +
      'must answer through the ENI that owns the address (policy routes).',
  ),
  ENI_ADDRESS_RESTRICTION: aws(
    'The ENI belongs to a NAT gateway and takes only what is for its own address.',
    'Route to the NAT gateway, not to its ENI, and use its address as no next hop.',
  ),
  ENI_SG_RULES_MISMATCH: aws(
    'No rule of the ENI’s security groups allows the packet, and it belongs to no tracked flow.',
    'Allow it in the direction shown; behind an appliance use CIDR peers, since group references are lost.',
  ),
  SG_HAS_NO_RULES: aws(
    'The security groups of the ENI have no rule at all in this direction.',
    'Add a rule, or attach the intended group.',
  ),
  SUBNET_ACL_RESTRICTION: aws(
    'The network ACL of the subnet denies the packet at the border of the subnet, in the direction shown.',
    'ACLs keep no state: allow the answers too, to the ephemeral ports; entries count in order of numbers.',
  ),
  NO_ROUTE_TO_DESTINATION: aws(
    "The subnet's route table has no route for the destination.",
    'Check which table the subnet is associated with (without an association: the main table).',
  ),
  BAD_STATE_ROUTE: aws(
    'The matching route is a blackhole: its target is gone, or is not attached to anything.',
    'Point the route at a live ENI, or attach the target.',
  ),
  BAD_STATE_ATTACHMENT: aws(
    'The ENI is not attached to a running instance, or the gateway is not attached to the VPC.',
    'Start the instance, or attach the ENI or gateway.',
  ),
  NO_POSSIBLE_DESTINATION: aws(
    'The local route matched, but no ENI of the VPC has the address; it never falls through to 0.0.0.0/0.',
    'Check the address; an address that a guest merely configured does not exist for the VPC.',
  ),
  GATEWAY_REJECTS_SPOOFED_TRAFFIC: aws(
    'The Internet gateway got an IPv6 source that is not of its VPC.',
    'Send from an IPv6 address of the VPC.',
  ),
  IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS: aws(
    'The Internet gateway found no public address for the source of the packet.',
    'Associate an Elastic IP address with the source, or let an appliance with one masquerade the packet.',
  ),
  IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS: aws(
    'The packet came from the Internet to a public address that belongs to no ENI.',
    'Associate the address with an ENI.',
  ),
  PCX_REQUIRES_ADDRESS_IN_VPC_CIDR: aws(
    'A peering connection carries a packet only where its destination or source lies in the VPC it leads to.',
    'Peering is not transitive and leads to no gateway: give each pair of VPCs its own, or use a transit gateway.',
  ),
  VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS: aws(
    'The VPN gateway got a packet whose source is no private address of an ENI of its VPC.',
    'What forwards for others must masquerade, or use a transit gateway.',
  ),
  VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS: aws(
    'The packet came over a VPN to an address that is no private address of an ENI of the VPC.',
    'A VPN gateway leads to ENIs of its VPC only, not through it: use a transit gateway.',
  ),
  BAD_STATE_VPN: aws(
    'No VPN connection between the gateway and the other side has a tunnel that is up.',
    'Bring a tunnel up, or attach the VPN gateway to the VPC.',
  ),
  TGW_ROUTE_AZ_RESTRICTION: aws(
    'The transit gateway attachment of the VPC has no subnet in the availability zone that the packet comes from.',
    'Add a subnet of that zone to the attachment.',
  ),
  TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION: aws(
    'The attachment through which the packet came is associated with no transit gateway route table.',
    'Associate the attachment with a route table of the transit gateway.',
  ),
  TGW_RTB_ROUTES_ARE_UNKNOWN: aws(
    'The attachment is associated with a transit gateway route table of which nothing is known here.',
    'The table may be of another account, or its making has not reached the data plane yet.',
  ),
  TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT: aws(
    'The transit gateway route table of the incoming attachment has no route for the destination.',
    'Propagate the routes of the attachment that should get it to this table, or add a static route.',
  ),
  TGW_RTB_BAD_STATE_ROUTE: aws(
    'The matching transit gateway route is a blackhole, made as one or because its attachment is gone.',
    'Delete or replace the route, or restore the attachment.',
  ),

  NGW_REQUIRES_SOURCE_IN_VPC: aws(
    'A NAT gateway translates only for sources in its VPC; this one is not.',
    'Over peering, VPN or Direct Connect no NAT gateway is reached; a transit gateway can lead to one.',
  ),
  INGRESS_RTB_NO_PUBLIC_IP: aws(
    'The edge route table hands the packet to an ENI that has no public IPv4 address.',
    'An ENI that is the target of an edge table of an Internet gateway needs a public or Elastic IP address.',
  ),
  INGRESS_RTB_TRAFFIC_REDIRECTION: aws(
    'The edge route table redirects what comes in for this subnet, so it cannot send out past the appliance.',
    "Route the subnet's way out through the same appliance, in another subnet; both ways must be the same.",
  ),
  VPCE_GATEWAY_PROTOCOL_RESTRICTION: aws(
    'A gateway endpoint takes TCP and ICMP echo, and drops everything else.',
    'Send other protocols another way, e.g. through a NAT gateway.',
  ),

  VPCE_SERVICE_NOT_INSTALLED_IN_AZ: aws(
    'The load balancer behind the endpoint is not enabled in the zone of the endpoint.',
    'Give the load balancer a subnet in this zone.',
  ),

  TO_APPLIANCE: step('The packet goes through a Gateway Load Balancer endpoint.'),
  TGW_MULTICAST_NO_MEMBER: ours(
    'The multicast group has no member but the sender.',
    'Register ENIs as members of the group; IGMP is not simulated.',
  ),
  TGW_MULTICAST_NO_SOURCE: ours(
    'The multicast domain has static sources, and the sender is none of the group.',
    'Register the ENI as a source of the group, or make the domain without StaticSourcesSupport.',
  ),
  TO_CONNECT_PEER: step('The packet enters or leaves the GRE tunnel of a Connect peer.'),
  TGW_CONNECT_NO_PEER: ours(
    'No peer of the Connect attachment has a BGP session that told a route for the destination.',
    'Look at the BGP status of its Connect peers, and at what the appliance announces.',
  ),
  GRE_NO_GATEWAY: ours(
    'A packet in GRE went somewhere else than to the transit gateway that its tunnel leads to.',
    'Route the CIDR block of the transit gateway to it, and compare both outer addresses with the Connect peer.',
  ),
  GUEST_NO_TUNNEL: ours(
    'The guest got a packet in GRE or IPsec, and has no tunnel to the address that it came from.',
    'Set up the tunnel in the guest (docs/sim-api.md, tunnels).',
  ),
  VPN_NO_TUNNEL: ours(
    'A packet in IPsec went somewhere else than to the gateway that its tunnel leads to.',
    'The VPN connection needs a customer gateway with the public address of this ENI; route its outside addresses to the Internet gateway.',
  ),
  GWLB_NO_TARGET: ours(
    'The Gateway Load Balancer has no target that it may use in this zone.',
    'Register a target of the zone, or turn cross-zone load balancing on; the listener must name the group.',
  ),
  GUEST_NO_GENEVE: ours(
    'The target got a packet in GENEVE (UDP 6081), and nothing there takes it.',
    'Give the guest the role geneve, or register an appliance that speaks GENEVE.',
  ),
  VPCE_REQUIRES_SOURCE_IN_VPC: ours(
    'The gateway endpoint got a packet whose source is no private address of an ENI of its VPC.',
    'Nothing comes to it over peering, a VPN or a transit gateway: use an interface endpoint, or masquerade.',
  ),
  VPCE_INTERFACE_PROTOCOL: ours(
    'The ENIs of an interface endpoint take TCP and UDP only; they answer no ping.',
    'Try the service itself, by TCP.',
  ),
  VPCE_NO_SERVICE: ours(
    'The endpoint leads to a service that is not simulated: nothing answers.',
    'Use a service that has a host behind it (docs/sim-api.md).',
  ),
  TO_SITE: step('The packet left the VPC over a VPN connection or a virtual interface.'),
  SITE_NO_HOST: ours('No host with this address exists at the site.', 'Add the host.'),
  DX_DOWN: ours(
    'No virtual interface between the two sides has a BGP session that is up.',
    'Look at the BGP status of the virtual interface, its key, and the number of prefixes that it is told.',
  ),
  DX_NO_ROUTE: ours(
    'No virtual interface of the Direct Connect gateway has told a route for the destination.',
    'Look at what the router of the site announces, or at the static route that leads here.',
  ),
  DX_NOT_ANNOUNCED: ours(
    'The packet came over a virtual interface to an address that its gateway does not announce.',
    'Allow the prefix in the association: of a VPN gateway the whole block of the VPC, or a wider one.',
  ),
  VGW_IPV4_ONLY: ours(
    'A VPN gateway carries IPv6 over Direct Connect only.',
    'Use a transit gateway, or a virtual interface.',
  ),
  IGW_PRIVATE_DESTINATION: ours(
    'The Internet gateway drops private destinations (RFC 1918, RFC 6598, ULA).',
    'The route table lacks a more specific route for this private range.',
  ),
  NGW_PROTOCOL: ours(
    'NAT gateways translate TCP, UDP and ICMP over IPv4, and drop everything else.',
    'Use an appliance for other protocols, an egress-only Internet gateway for IPv6.',
  ),
  NGW_PORTS_EXHAUSTED: ours(
    'The NAT gateway already has 55,000 flows to this destination.',
    'Use several NAT gateways, or fewer connections at once; idle flows end after 350 s.',
  ),
  NGW_NO_FLOW: ours(
    'The packet reached a NAT gateway, but answers no flow that was opened from inside.',
    'NAT gateways take no connections from outside; use an Elastic IP address or a load balancer.',
  ),
  EIGW_NO_FLOW: ours(
    'The subnet sends IPv6 through an egress-only Internet gateway; the packet answers no flow from inside.',
    'To be reachable from the Internet the subnet needs a route to an Internet gateway.',
  ),
  RESERVED_ADDRESS: ours(
    'Link-local and AWS-reserved addresses (169.254.0.0/16, fe80::/10, fd00:ec2::/32) are never forwarded.',
    'Use another destination; instance metadata and DNS are not simulated.',
  ),
  L2_BUM: ours(
    'Broadcast and multicast go nowhere in a VPC: nothing is flooded.',
    'Use unicast (VRRP, HSRP, OSPF cannot work), or associate the subnet with a multicast domain of a transit gateway.',
  ),
  L2_UNKNOWN_MAC: ours(
    'No ENI of the subnet, and not the router, has the destination MAC address.',
    'Unknown unicast is not flooded; only MAC addresses that EC2 assigned exist.',
  ),
  L2_SOURCE_MAC: ours(
    'The frame carries a source MAC address that is not its ENI’s.',
    'A guest cannot change its MAC address.',
  ),
  STALE_ARP: ours(
    'The sender still has the old MAC address of a neighbour whose IP address has moved to another ENI.',
    'It heals when the neighbour entry is refreshed; senders in other subnets are not affected.',
  ),
  CONNTRACK_MISS: ours(
    'A TCP segment in mid-connection met a security group that does not know the connection.',
    'Only with midFlowPassesByRule=false; open a new connection.',
  ),
  NOTHING_ANSWERS_ARP: ours(
    'Nobody in the subnet has the next hop’s address, so the guest cannot build a frame.',
    'Check the next hop: it must be an address of an ENI in the same subnet, or the subnet router (.1).',
  ),
  MTU_EXCEEDED: ours(
    'The packet is longer than a border on its way takes, and may not be fragmented.',
    'Send shorter packets, and allow inbound ICMP (type 3 code 4, ICMPv6 type 2), so that senders learn the MTU.',
  ),
  TTL: ours(
    'The TTL (hop limit) reached zero.',
    'Look for a forwarding loop between appliances and route tables.',
  ),
  GUEST_DOWN: ours(
    'The instance is dead or off: nothing takes the packet.',
    'Start it, or move its routes away.',
  ),
  GUEST_FROZEN: ours('The instance is frozen: nothing in it runs, not even its kernel.', 'Resume it.'),
  GUEST_LINK_DOWN: ours(
    'The guest has not brought this network device up.',
    'A secondary ENI is a bare link until the guest configures it.',
  ),
  GUEST_NOT_ITS_MAC: ours(
    'The guest has given its device another MAC address and ignores the frame.',
    'Restore it.',
  ),
  GUEST_NO_ROUTE: ours(
    'The guest’s own routing tables have no route for the destination.',
    'Add one in the guest.',
  ),
  GUEST_NO_SOURCE: ours(
    'The guest has no address of this family on the device it would send from.',
    'Configure an address first.',
  ),
  GUEST_RP_FILTER: ours(
    'The guest’s reverse path filter (RFC 3704) refused the source address on this device.',
    'Set rp_filter to 2 (loose) or add policy routes.',
  ),
  GUEST_NOT_FORWARDING: ours(
    'The packet is not for this guest, and its kernel does not forward (ip_forward=0).',
    'Turn forwarding on, or correct the route that led here.',
  ),
  GUEST_DROPS: ours('The appliance is alive but forwards nothing.', 'It was told to drop.'),
  GUEST_NAT_EXHAUSTED: ours(
    'The appliance has no free port left to masquerade this flow.',
    'Wait, or add addresses.',
  ),
  INTERNET_NO_HOST: ours('No host with this address exists on the simulated Internet.', 'Add the host.'),
  LINK_CUT: ours('The link between the two was cut by the experiment.', 'Heal the cut.'),
  LINK_LOSS: ours('The packet was lost by the loss rate of the link.', 'Set the loss rate to 0.'),
} as const satisfies Record<string, Explanation>;

export type Disposition = keyof typeof EXPLANATIONS;

const NAMES = Object.keys(EXPLANATIONS) as readonly Disposition[];

/** The code of each disposition: small integers for the hot path, equal within a process only. */
export const CODE = Object.fromEntries(NAMES.map((name, index) => [name, index + 1])) as Readonly<
  Record<Disposition, number>
>;

/** The name of a code. */
export function dispositionOf(code: number): Disposition {
  const name = NAMES[code - 1];
  if (name === undefined) throw new Error(`assertion failed: ${code} is no disposition code`);
  return name;
}

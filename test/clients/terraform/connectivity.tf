# What leads out of a VPC to other networks, as an unmodified AWS provider makes it.
resource "aws_vpc" "hub" {
  cidr_block = "10.40.0.0/16"
}

resource "aws_vpc_dhcp_options" "hub" {
  domain_name                       = "hub.example"
  domain_name_servers               = ["10.40.0.2", "AmazonProvidedDNS"]
  ntp_servers                       = ["169.254.169.123"]
  netbios_name_servers              = ["10.40.0.3"]
  netbios_node_type                 = "2"
  ipv6_address_preferred_lease_time = "1440"
  tags                              = { Owner = var.owner }
}

resource "aws_vpc_dhcp_options_association" "hub" {
  vpc_id          = aws_vpc.hub.id
  dhcp_options_id = aws_vpc_dhcp_options.hub.id
}

resource "aws_vpc" "spoke" {
  for_each   = { a = "10.41.0.0/16", b = "10.42.0.0/16" }
  cidr_block = each.value
}

resource "aws_route_table" "hub" {
  vpc_id = aws_vpc.hub.id
}

resource "aws_default_route_table" "hub" {
  default_route_table_id = aws_vpc.hub.default_route_table_id
  route {
    cidr_block                = "10.41.0.0/16"
    vpc_peering_connection_id = aws_vpc_peering_connection.spoke.id
  }
  tags = { Owner = var.owner }
}

resource "aws_default_security_group" "hub" {
  vpc_id = aws_vpc.hub.id
  tags   = { Owner = var.owner }
}

resource "aws_default_network_acl" "hub" {
  default_network_acl_id = aws_vpc.hub.default_network_acl_id
  subnet_ids             = [aws_subnet.hub.id]
  tags                   = { Owner = var.owner }
}

resource "aws_vpc_peering_connection" "spoke" {
  vpc_id      = aws_vpc.hub.id
  peer_vpc_id = aws_vpc.spoke["a"].id
  auto_accept = true
  tags        = { Name = "peering-${var.owner}" }
}

resource "aws_vpc_peering_connection" "offered" {
  vpc_id      = aws_vpc.hub.id
  peer_vpc_id = aws_vpc.spoke["b"].id
}

resource "aws_vpc_peering_connection_accepter" "offered" {
  vpc_peering_connection_id = aws_vpc_peering_connection.offered.id
  auto_accept               = true
}

resource "aws_vpc_peering_connection_options" "offered" {
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.offered.id
  accepter {
    allow_remote_vpc_dns_resolution = var.owner == "b"
  }
}

resource "aws_route" "peering" {
  route_table_id            = aws_route_table.hub.id
  destination_cidr_block    = "10.41.0.0/16"
  vpc_peering_connection_id = aws_vpc_peering_connection.spoke.id
}

resource "aws_subnet" "spoke" {
  for_each          = { for key, vpc in aws_vpc.spoke : key => vpc }
  vpc_id            = each.value.id
  cidr_block        = cidrsubnet(each.value.cidr_block, 8, 1)
  availability_zone = "eu-central-1a"
}

resource "aws_ec2_transit_gateway" "hub" {
  description                     = "hub"
  default_route_table_association = "disable"
  dns_support                     = var.owner == "b" ? "disable" : "enable"
}

resource "aws_ec2_transit_gateway" "far" {
  amazon_side_asn = 64600
}

resource "aws_ec2_transit_gateway_route_table" "hub" {
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  tags               = { Owner = var.owner }
}

resource "aws_ec2_transit_gateway_vpc_attachment" "spoke" {
  for_each                                        = aws_subnet.spoke
  transit_gateway_id                              = aws_ec2_transit_gateway.hub.id
  vpc_id                                          = each.value.vpc_id
  subnet_ids                                      = [each.value.id]
  appliance_mode_support                          = var.owner == "b" ? "enable" : "disable"
  transit_gateway_default_route_table_association = false
  transit_gateway_default_route_table_propagation = false
}

resource "aws_ec2_transit_gateway_vpc_attachment" "far" {
  transit_gateway_id = aws_ec2_transit_gateway.far.id
  vpc_id             = aws_subnet.spoke["a"].vpc_id
  subnet_ids         = [aws_subnet.spoke["a"].id]
}

resource "aws_ec2_transit_gateway_route_table_association" "spoke" {
  for_each                       = aws_ec2_transit_gateway_vpc_attachment.spoke
  transit_gateway_attachment_id  = each.value.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.hub.id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "spoke" {
  for_each                       = aws_ec2_transit_gateway_vpc_attachment.spoke
  transit_gateway_attachment_id  = each.value.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.hub.id
}

resource "aws_ec2_transit_gateway_route" "default" {
  destination_cidr_block         = "0.0.0.0/0"
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.spoke["a"].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.hub.id
}

resource "aws_ec2_transit_gateway_route" "nowhere" {
  destination_cidr_block         = "192.0.2.0/24"
  blackhole                      = true
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.hub.id
}

resource "aws_ec2_transit_gateway_peering_attachment" "far" {
  transit_gateway_id      = aws_ec2_transit_gateway.hub.id
  peer_transit_gateway_id = aws_ec2_transit_gateway.far.id
  peer_region             = "eu-central-1"
}

resource "aws_route_table" "spoke" {
  vpc_id = aws_vpc.spoke["b"].id
  route {
    cidr_block         = "10.0.0.0/8"
    transit_gateway_id = aws_ec2_transit_gateway.hub.id
  }
  depends_on = [aws_ec2_transit_gateway_vpc_attachment.spoke]
}

resource "aws_vpn_gateway" "hub" {
  vpc_id = aws_vpc.hub.id
  tags   = { Owner = var.owner }
}

resource "aws_vpn_gateway" "spoke" {
  amazon_side_asn = 64700
}

resource "aws_vpn_gateway_attachment" "spoke" {
  vpc_id         = aws_vpc.spoke["b"].id
  vpn_gateway_id = aws_vpn_gateway.spoke.id
}

resource "aws_vpn_gateway_route_propagation" "hub" {
  vpn_gateway_id = aws_vpn_gateway.hub.id
  route_table_id = aws_route_table.hub.id
}

resource "aws_customer_gateway" "site" {
  bgp_asn    = 65010
  ip_address = "203.0.113.77"
  type       = "ipsec.1"
  tags       = { Owner = var.owner }
}

resource "aws_vpn_connection" "site" {
  vpn_gateway_id      = aws_vpn_gateway.hub.id
  customer_gateway_id = aws_customer_gateway.site.id
  type                = "ipsec.1"
  static_routes_only  = true
}

resource "aws_vpn_connection_route" "site" {
  vpn_connection_id      = aws_vpn_connection.site.id
  destination_cidr_block = "172.16.0.0/16"
}

resource "aws_subnet" "hub" {
  vpc_id            = aws_vpc.hub.id
  cidr_block        = "10.40.1.0/24"
  availability_zone = "eu-central-1a"
}

resource "aws_vpc_route_server" "hub" {
  amazon_side_asn           = 65100
  persist_routes            = var.owner == "b" ? "disable" : "enable"
  persist_routes_duration   = var.owner == "b" ? null : 2
  sns_notifications_enabled = true
  tags                      = { Owner = var.owner }
}

resource "aws_vpc_route_server_vpc_association" "hub" {
  route_server_id = aws_vpc_route_server.hub.route_server_id
  vpc_id          = aws_vpc.hub.id
}

resource "aws_vpc_route_server_endpoint" "hub" {
  route_server_id = aws_vpc_route_server_vpc_association.hub.route_server_id
  subnet_id       = aws_subnet.hub.id
  tags            = { Owner = var.owner }
}

resource "aws_vpc_route_server_peer" "hub" {
  route_server_endpoint_id = aws_vpc_route_server_endpoint.hub.route_server_endpoint_id
  peer_address             = "10.40.1.10"
  bgp_options {
    peer_asn                = 65001
    peer_liveness_detection = "bfd"
  }
}

resource "aws_vpc_route_server_propagation" "hub" {
  route_server_id = aws_vpc_route_server_vpc_association.hub.route_server_id
  route_table_id  = aws_route_table.hub.id
}

resource "aws_vpn_connection" "dynamic" {
  vpn_gateway_id      = aws_vpn_gateway.spoke.id
  customer_gateway_id = aws_customer_gateway.site.id
  type                = "ipsec.1"
  tunnel1_inside_cidr = "169.254.60.0/30"
  tags                = { Owner = var.owner }
}

resource "aws_vpn_connection" "transit" {
  transit_gateway_id  = aws_ec2_transit_gateway.hub.id
  customer_gateway_id = aws_customer_gateway.site.id
  type                = "ipsec.1"
}

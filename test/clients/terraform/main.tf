# The kinds of resource of both designs, as an unmodified AWS provider makes them. An attachment of an ENI is part of its
# instance here: as a resource of its own (attachment.tf) the provider takes 2.5 minutes to destroy it, on AWS too (its
# issue 45835).
data "aws_caller_identity" "me" {}
data "aws_availability_zones" "all" { state = "available" }

data "aws_ami" "debian" {
  most_recent = true
  owners      = ["136693071363"]
  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

data "aws_ec2_instance_type" "appliance" {
  instance_type = "t3.small"
}

data "aws_route_table" "public" {
  route_table_id = aws_route_table.public.id
}

resource "aws_vpc" "main" {
  cidr_block = "10.20.0.0/16"
  tags       = { Name = "byoa-${var.owner}" }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_subnet" "public" {
  for_each          = { a = 0, b = 1 }
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(aws_vpc.main.cidr_block, 8, each.value)
  availability_zone = data.aws_availability_zones.all.names[each.value]
}

resource "aws_subnet" "private" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.20.100.0/24"
  availability_zone = data.aws_availability_zones.all.names[0]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "public-${var.owner}" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}

resource "aws_route" "internet6" {
  route_table_id              = aws_route_table.public.id
  destination_ipv6_cidr_block = "::/0"
  gateway_id                  = aws_internet_gateway.main.id
}

resource "aws_route_table_association" "public" {
  for_each       = aws_subnet.public
  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table" "inline" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block           = "192.0.2.0/24"
    network_interface_id = aws_network_interface.appliance["a"].id
  }
}

resource "aws_route" "egress" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "198.51.100.0/24"
  network_interface_id   = aws_network_interface.appliance[var.owner].id
}

resource "aws_main_route_table_association" "private" {
  vpc_id         = aws_vpc.main.id
  route_table_id = aws_route_table.private.id
}

resource "aws_security_group" "appliance" {
  name_prefix = "appliance-"
  description = "what the appliances may hear"
  vpc_id      = aws_vpc.main.id
  ingress {
    protocol    = "icmp"
    from_port   = -1
    to_port     = -1
    cidr_blocks = ["10.20.0.0/16"]
  }
  egress {
    protocol         = "-1"
    from_port        = 0
    to_port          = 0
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
}

resource "aws_security_group_rule" "ssh" {
  security_group_id = aws_security_group.workload.id
  type              = "ingress"
  protocol          = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_blocks       = ["10.0.0.0/8"]
}

resource "aws_security_group" "workload" {
  name   = "workload"
  vpc_id = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "peers" {
  security_group_id            = aws_security_group.workload.id
  ip_protocol                  = "udp"
  from_port                    = 3784
  to_port                      = 3784
  referenced_security_group_id = aws_security_group.appliance.id
  description                  = "from ${var.owner}"
}

resource "aws_vpc_security_group_ingress_rule" "branches" {
  security_group_id = aws_security_group.workload.id
  ip_protocol       = "icmp"
  from_port         = 8
  to_port           = -1
  prefix_list_id    = aws_ec2_managed_prefix_list.branches.id
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.workload.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_network_interface" "appliance" {
  for_each          = aws_subnet.public
  subnet_id         = each.value.id
  private_ips       = [cidrhost(each.value.cidr_block, 10)]
  security_groups   = [aws_security_group.appliance.id]
  source_dest_check = false
  description       = "appliance ${each.key}"
}

resource "aws_network_interface" "service" {
  subnet_id         = aws_subnet.private.id
  private_ips       = ["10.20.100.50"]
  source_dest_check = false
}

resource "aws_iam_role" "node" {
  name = "byoa-node"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "node" {
  role = aws_iam_role.node.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["ec2:DescribeRouteTables"], Resource = "*" },
      { Effect = "Allow", Action = ["ec2:ReplaceRoute"], Resource = aws_route_table.private.arn },
    ]
  })
}

resource "aws_iam_instance_profile" "node" {
  role = aws_iam_role.node.name
}

resource "aws_instance" "appliance" {
  for_each             = aws_network_interface.appliance
  ami                  = data.aws_ami.debian.id
  instance_type        = "t3.small"
  iam_instance_profile = aws_iam_instance_profile.node.name
  user_data            = "#!/bin/sh\necho ${each.key}\n"
  network_interface {
    device_index         = 0
    network_interface_id = each.value.id
  }
  dynamic "network_interface" {
    for_each = each.key == "a" ? [aws_network_interface.service.id] : []
    content {
      device_index         = 1
      network_interface_id = network_interface.value
    }
  }
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  root_block_device {
    volume_size = 9
    volume_type = "gp3"
    encrypted   = true
  }
  tags = { Name = "appliance-${each.key}", Owner = var.owner }
}

resource "aws_launch_template" "workload" {
  name          = "workload"
  image_id      = data.aws_ami.debian.id
  instance_type = "t3.micro"
  tags          = { Owner = var.owner }
}

# No instance is made of it: the provider takes user data of a template for a change for ever (its issue 30825).
resource "aws_launch_template" "spare" {
  name          = "spare"
  instance_type = var.owner == "a" ? "t3.micro" : "t3.small"
  user_data     = base64encode("#!/bin/sh\necho ${var.owner}\n")
}

resource "aws_instance" "templated" {
  subnet_id = aws_subnet.private.id
  launch_template {
    id = aws_launch_template.workload.id
  }
}

resource "aws_instance" "workload" {
  ami                    = data.aws_ami.debian.id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.private.id
  vpc_security_group_ids = [aws_security_group.workload.id]

  associate_public_ip_address = true
}

resource "aws_eip" "appliance" {
  for_each          = aws_network_interface.appliance
  domain            = "vpc"
  network_interface = each.value.id
  depends_on        = [aws_internet_gateway.main]
}

resource "aws_eip" "spare" {
  domain = "vpc"
}

resource "aws_eip_association" "spare" {
  allocation_id        = aws_eip.spare.id
  network_interface_id = aws_network_interface.service.id
  depends_on           = [aws_internet_gateway.main]
}

resource "aws_network_acl" "private" {
  vpc_id     = aws_vpc.main.id
  subnet_ids = [aws_subnet.private.id]
  ingress {
    rule_no    = 100
    protocol   = "-1"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
  egress {
    rule_no    = 100
    protocol   = "tcp"
    action     = "allow"
    cidr_block = var.owner == "a" ? "0.0.0.0/0" : "10.0.0.0/8"
    from_port  = 1024
    to_port    = 65535
  }
  tags = { Name = "private-${var.owner}" }
}

resource "aws_network_acl" "public" {
  vpc_id = aws_vpc.main.id
}

resource "aws_network_acl_rule" "ping" {
  network_acl_id = aws_network_acl.public.id
  rule_number    = 10
  protocol       = "icmp"
  icmp_type      = 8
  icmp_code      = -1
  rule_action    = "deny"
  cidr_block     = "192.0.2.0/24"
}

resource "aws_network_acl_association" "public" {
  for_each       = aws_subnet.public
  network_acl_id = aws_network_acl.public.id
  subnet_id      = each.value.id
}

resource "aws_ec2_managed_prefix_list" "branches" {
  name           = "branches"
  address_family = "IPv4"
  max_entries    = 5
  entry {
    cidr        = "198.18.1.0/24"
    description = "first"
  }
  tags = { Owner = var.owner }
}

resource "aws_ec2_managed_prefix_list" "partners" {
  name           = "partners"
  address_family = "IPv4"
  max_entries    = 2
}

resource "aws_ec2_managed_prefix_list_entry" "partner" {
  prefix_list_id = aws_ec2_managed_prefix_list.partners.id
  cidr           = "198.18.2.0/24"
}

resource "aws_route" "branches" {
  route_table_id             = aws_route_table.public.id
  destination_prefix_list_id = aws_ec2_managed_prefix_list.branches.id
  network_interface_id       = aws_network_interface.appliance[var.owner].id
}

resource "aws_route_table" "edge" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route" "edge" {
  route_table_id         = aws_route_table.edge.id
  destination_cidr_block = aws_subnet.private.cidr_block
  network_interface_id   = aws_network_interface.appliance["a"].id
}

resource "aws_route_table_association" "edge" {
  route_table_id = aws_route_table.edge.id
  gateway_id     = aws_internet_gateway.main.id
}

output "account" { value = data.aws_caller_identity.me.account_id }
output "appliance_vcpus" { value = data.aws_ec2_instance_type.appliance.default_vcpus }
output "workload_ip" { value = aws_instance.workload.public_ip }

resource "aws_eip" "nat" {
  domain     = "vpc"
  depends_on = [aws_internet_gateway.main]
}

resource "aws_nat_gateway" "public" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public["a"].id
  tags          = { Owner = var.owner }
}

resource "aws_nat_gateway" "private" {
  connectivity_type = "private"
  subnet_id         = aws_subnet.private.id
}

resource "aws_egress_only_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route" "nat" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.public.id
}

resource "aws_route" "egress_only" {
  route_table_id              = aws_route_table.private.id
  destination_ipv6_cidr_block = "::/0"
  egress_only_gateway_id      = aws_egress_only_internet_gateway.main.id
}

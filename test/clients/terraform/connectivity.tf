# What leads out of a VPC to other networks, as an unmodified AWS provider makes it.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {}
variable "owner" { default = "a" }

provider "aws" {
  region     = "eu-central-1"
  access_key = "123456789012"
  secret_key = "simulated"
  endpoints {
    ec2 = var.endpoint
    iam = var.endpoint
    sts = var.endpoint
  }
}

resource "aws_vpc" "hub" {
  cidr_block = "10.40.0.0/16"
}

resource "aws_vpc" "spoke" {
  for_each   = { a = "10.41.0.0/16", b = "10.42.0.0/16" }
  cidr_block = each.value
}

resource "aws_route_table" "hub" {
  vpc_id = aws_vpc.hub.id
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

# VPC endpoints, as an unmodified AWS provider makes them.
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

resource "aws_vpc" "one" {
  cidr_block           = "10.50.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_subnet" "one" {
  for_each          = { a = 1, b = 2 }
  vpc_id            = aws_vpc.one.id
  cidr_block        = cidrsubnet(aws_vpc.one.cidr_block, 8, each.value)
  availability_zone = "eu-central-1${each.key}"
}

resource "aws_route_table" "one" {
  for_each = { a = 1, b = 2 }
  vpc_id   = aws_vpc.one.id
}

resource "aws_security_group" "one" {
  for_each = toset(["a", "b"])
  name     = each.key
  vpc_id   = aws_vpc.one.id
}

data "aws_vpc_endpoint_service" "s3" {
  service      = "s3"
  service_type = "Gateway"
}

data "aws_prefix_list" "s3" {
  name = data.aws_vpc_endpoint_service.s3.service_name
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.one.id
  service_name    = data.aws_vpc_endpoint_service.s3.service_name
  route_table_ids = [aws_route_table.one[var.owner].id]
  tags            = { Owner = var.owner }
}

resource "aws_vpc_endpoint" "dynamodb" {
  vpc_id       = aws_vpc.one.id
  service_name = "com.amazonaws.eu-central-1.dynamodb"
}

resource "aws_vpc_endpoint_route_table_association" "dynamodb" {
  vpc_endpoint_id = aws_vpc_endpoint.dynamodb.id
  route_table_id  = aws_route_table.one["b"].id
}

resource "aws_vpc_endpoint" "ec2" {
  vpc_id              = aws_vpc.one.id
  service_name        = "com.amazonaws.eu-central-1.ec2"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for key, subnet in aws_subnet.one : subnet.id if key == "a" || var.owner == "b"]
  security_group_ids  = [aws_security_group.one[var.owner].id]
}

output "s3" {
  value = data.aws_prefix_list.s3.cidr_blocks
}

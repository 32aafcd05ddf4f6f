# VPC endpoints, as an unmodified AWS provider makes them.
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

resource "aws_lb" "one" {
  name                             = "one"
  load_balancer_type               = "gateway"
  subnets                          = [aws_subnet.one["a"].id]
  enable_cross_zone_load_balancing = var.owner == "b"
  tags                             = { Owner = var.owner }
}

resource "aws_lb_target_group" "one" {
  name                 = "one"
  protocol             = "GENEVE"
  port                 = 6081
  vpc_id               = aws_vpc.one.id
  target_type          = "ip"
  deregistration_delay = 0
  health_check {
    protocol = "HTTP"
    port     = 80
    path     = var.owner == "b" ? "/health" : "/"
  }
  target_failover {
    on_deregistration = var.owner == "b" ? "rebalance" : "no_rebalance"
    on_unhealthy      = var.owner == "b" ? "rebalance" : "no_rebalance"
  }
}

resource "aws_lb_target_group_attachment" "one" {
  target_group_arn = aws_lb_target_group.one.arn
  target_id        = "10.50.1.77"
}

resource "aws_lb_listener" "one" {
  load_balancer_arn = aws_lb.one.arn
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.one.arn
  }
}

resource "aws_vpc_endpoint_service" "one" {
  acceptance_required        = false
  gateway_load_balancer_arns = [aws_lb.one.arn]
  tags                       = { Owner = var.owner }
}

resource "aws_vpc_endpoint" "one" {
  vpc_id            = aws_vpc.one.id
  service_name      = aws_vpc_endpoint_service.one.service_name
  vpc_endpoint_type = aws_vpc_endpoint_service.one.service_type
  subnet_ids        = [aws_subnet.one["b"].id]
}

resource "aws_route" "one" {
  route_table_id         = aws_route_table.one["a"].id
  destination_cidr_block = "0.0.0.0/0"
  vpc_endpoint_id        = aws_vpc_endpoint.one.id
}

output "s3" {
  value = data.aws_prefix_list.s3.cidr_blocks
}

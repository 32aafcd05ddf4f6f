# An ENI whose attachment to an instance is a resource of its own, as an unmodified AWS provider makes it.
resource "aws_vpc" "main" {
  cidr_block = "10.60.0.0/16"
}

resource "aws_subnet" "main" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.60.1.0/24"
  availability_zone = "eu-central-1a"
}

resource "aws_instance" "appliance" {
  ami           = "ami-0123456789abcdef0"
  instance_type = "t3.small"
  subnet_id     = aws_subnet.main.id
}

resource "aws_network_interface" "moving" {
  subnet_id = aws_subnet.main.id
  tags      = { Owner = var.owner }
}

resource "aws_network_interface_attachment" "moving" {
  instance_id          = aws_instance.appliance.id
  network_interface_id = aws_network_interface.moving.id
  device_index         = 1
}

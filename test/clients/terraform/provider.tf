# What every stack begins with: the AWS provider, unmodified, against the simulator.
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
    ec2   = var.endpoint
    elbv2 = var.endpoint
    iam   = var.endpoint
    sts   = var.endpoint
  }
}

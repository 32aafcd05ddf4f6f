"""Requests a second of boto3 against an endpoint, for bench/sim/api.ts: a line of JSON."""
import json
import sys
import time

import boto3

url, table, subnet, first, second, count = sys.argv[1:]
ec2 = boto3.client("ec2", endpoint_url=url)


def describe(_):
    ec2.describe_route_tables(RouteTableIds=[table])


def replace(n):
    destination = f"172.16.{n % 10}.0/24"
    ec2.replace_route(
        RouteTableId=table,
        DestinationCidrBlock=destination,
        NetworkInterfaceId=second if n % 2 else first,
    )


def create(n):
    ec2.create_network_interface(SubnetId=subnet, Description=f"eni {n}")


def rate(work):
    work(0)
    begun = time.perf_counter()
    for n in range(int(count)):
        work(n)
    return int(count) / (time.perf_counter() - begun)


works = {"DescribeRouteTables": describe, "ReplaceRoute": replace, "CreateNetworkInterface": create}
print(json.dumps({name: rate(work) for name, work in works.items()}))

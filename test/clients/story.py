"""What an unmodified boto3 does with the simulator: waiters, paginators, tags, errors. Prints one JSON object."""

import base64
import json

import boto3
import botocore.exceptions

ec2 = boto3.client("ec2")
found = {}


def code_of(call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None


vpc = ec2.create_vpc(
    CidrBlock="10.1.0.0/16",
    AmazonProvidedIpv6CidrBlock=True,
    TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "story & <more>"}]}],
)["Vpc"]
ec2.get_waiter("vpc_available").wait(VpcIds=[vpc["VpcId"]])
found["tag"] = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["story*"]}])["Vpcs"][0]["Tags"][0]["Value"]

subnets = [
    ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock=f"10.1.{number}.0/24")["Subnet"]["SubnetId"] for number in range(12)
]
pages = ec2.get_paginator("describe_subnets").paginate(
    Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}], PaginationConfig={"PageSize": 5}
)
sizes = [len(page["Subnets"]) for page in pages]
found["pages"] = sizes

launched = ec2.run_instances(
    ImageId="ami-0123456789abcdef0",
    InstanceType="t3.small",
    MinCount=2,
    MaxCount=2,
    SubnetId=subnets[0],
    UserData="#!/bin/sh\necho hello\n",
)["Instances"]
ids = [instance["InstanceId"] for instance in launched]
found["launched"] = sorted(instance["State"]["Name"] for instance in launched)
ec2.get_waiter("instance_running").wait(InstanceIds=ids)
ec2.get_waiter("instance_status_ok").wait(InstanceIds=ids)
data = ec2.describe_instance_attribute(InstanceId=ids[0], Attribute="userData")["UserData"]["Value"]
found["userData"] = base64.b64decode(data).decode()
found["types"] = {type(instance["LaunchTime"]).__name__ for instance in launched}.pop()

ec2.modify_instance_attribute(InstanceId=ids[0], SourceDestCheck={"Value": False})
found["check"] = ec2.describe_instance_attribute(InstanceId=ids[0], Attribute="sourceDestCheck")["SourceDestCheck"]
ec2.stop_instances(InstanceIds=ids[:1])
ec2.get_waiter("instance_stopped").wait(InstanceIds=ids[:1])
ec2.modify_instance_attribute(InstanceId=ids[0], UserData={"Value": b"changed"})
found["errors"] = {
    "resize": code_of(ec2.modify_instance_attribute, InstanceId=ids[1], InstanceType={"Value": "t3.large"}),
    "absent": code_of(ec2.describe_instances, InstanceIds=["i-0123456789abcdef0"]),
    "malformed": code_of(ec2.describe_instances, InstanceIds=["web"]),
    "filter": code_of(ec2.describe_instances, Filters=[{"Name": "colour", "Values": ["red"]}]),
    "dryRun": code_of(ec2.terminate_instances, InstanceIds=ids, DryRun=True),
    "inUse": code_of(ec2.delete_subnet, SubnetId=subnets[0]),
    "unknown": code_of(ec2.describe_fleets),
}
ec2.terminate_instances(InstanceIds=ids)
ec2.get_waiter("instance_terminated").wait(InstanceIds=ids)
for subnet in subnets:
    ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc["VpcId"])
found["left"] = len(ec2.describe_vpcs()["Vpcs"])
found["account"] = boto3.client("sts").get_caller_identity()["Account"]
print(json.dumps(found))

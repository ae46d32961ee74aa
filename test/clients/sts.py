"""Asks a domain's STS for a session of a role, and calls the domain with it.

Usage: sts.py ENDPOINT REGION ROLE. The endpoint of STS comes from AWS_ENDPOINT_URL_STS. Prints a JSON object.
"""
import json
import sys

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

endpoint, region, role = sys.argv[1:]
sts = boto3.client("sts", region_name=region)


def status(c):
    url = endpoint + "/"
    signed = AWSRequest(method="GET", url=url)
    SigV4Auth(Credentials(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]), "es", region).add_auth(signed)
    return requests.get(url, headers=dict(signed.headers)).status_code


answer = sts.assume_role(RoleArn=role, RoleSessionName="night", DurationSeconds=900)
out = {"caller": sts.get_caller_identity()["Arn"], "assumed": answer["AssumedRoleUser"]["Arn"], "status": status(answer["Credentials"])}
narrow = sts.assume_role(
    RoleArn=role, RoleSessionName="narrow",
    Policy=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "es:ESHttpPut", "Resource": "*"}]}),
)
out["narrow"] = status(narrow["Credentials"])
try:
    sts.assume_role(RoleArn=role + "-of-nobody", RoleSessionName="night")
except ClientError as e:
    out["refused"] = e.response["Error"]["Code"]
json.dump(out, sys.stdout)

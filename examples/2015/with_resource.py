"""The same with a boto3 resource, which 2015 wished for: boto3 signs, retries and renews."""

import os

import penstock_aws.boto3

session = penstock_aws.boto3.session(os.environ["PENSTOCK_DOMAIN"])
domain = session.resource("esdata")


def handler(event, context):
    return domain.info()

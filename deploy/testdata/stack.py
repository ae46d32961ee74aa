"""Makes stacks of the SAM template in a stand-in for AWS, each with other parameters, and prints what their resources
are when all conditions and references are worked out.

usage: stack.py TEMPLATE < [{"NAME": "VALUE", …}, …]
"""

import json
import os
import sys
import warnings

os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="eu-west-1")

import boto3
import cfnlint.decode
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json
from samtranslator.translator.transform import transform

ACCOUNT, REGION = "123456789012", "eu-west-1"


class Policies:
    """Managed policies by name; the template uses none."""

    def load(self):
        return {}


def plain(path, parameters):
    """The template without SAM: what CloudFormation makes of the transform."""
    template, problems = cfnlint.decode.decode(path)
    assert not problems, problems
    template = json.loads(json.dumps(template))
    uri = template["Resources"]["Function"]["Properties"]["CodeUri"]
    if not uri.startswith("s3://"):  # as "sam deploy" does with a file
        template["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://artifacts/lambda.zip"
    given = {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p}
    return transform(template, {**given, **parameters}, Policies())


def resources(template, parameters):
    """The resources of a stack with these parameters, by their names in the template."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName="penstock",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = cloudformation.describe_stacks(StackName="penstock")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    known = cloudformation_backends[ACCOUNT][REGION].get_stack("penstock").resource_map
    found = {"Outputs": {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}}
    for name, resource in template["Resources"].items():
        if "Condition" not in resource or known.lazy_condition_map[resource["Condition"]]:
            found[name] = clean_json(resource.get("Properties", {}), known)
    return found


def make_role(name):
    """Makes a role that a function may have."""
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)


def main():
    warnings.simplefilter("ignore")  # of kinds that the stand-in only notes
    found = []
    for parameters in json.load(sys.stdin):
        with mock_aws():
            s3 = boto3.client("s3")
            s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_object(Bucket="artifacts", Key="lambda.zip", Body=b"PK\x05\x06" + bytes(18))
            make_role("own")
            found.append(resources(plain(sys.argv[1], parameters), parameters))
    json.dump(found, sys.stdout, default=str)


main()

"""Sends requests with one of the Python clients that sign for Amazon OpenSearch Service.

Usage: clients.py CLIENT < {"endpoint":…, "region":…, "requests":[{"method":…, "target":…, "body":…}]}
Also "service", es without, and "headers" of a request, by name. Credentials come from the usual variables. Prints [{"status":…, "body":…}].
"""
import json
import os
import sys
from urllib.parse import parse_qsl, urlsplit

import botocore.session
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


def credentials():
    return botocore.session.Session().get_credentials()


def service(given):
    return given.get("service") or "es"


def headers_of(r):
    return {**({"Content-Type": "application/json"} if r["body"] else {}), **(r.get("headers") or {})}


def with_botocore(given):
    """Signs with botocore and sends with requests."""
    session = requests.Session()

    def send(r):
        url = given["endpoint"] + r["target"]
        headers = headers_of(r)
        signed = AWSRequest(method=r["method"], url=url, data=r["body"].encode() or None, headers=headers)
        SigV4Auth(credentials().get_frozen_credentials(), service(given), given["region"]).add_auth(signed)
        prepared = requests.Request(r["method"], url, data=r["body"].encode() or None, headers=dict(signed.headers)).prepare()
        prepared.url = url  # as it was signed
        return session.send(prepared)

    return send


def with_requests_aws4auth(given):
    from requests_aws4auth import AWS4Auth

    c = credentials().get_frozen_credentials()
    auth = AWS4Auth(c.access_key, c.secret_key, given["region"], service(given), session_token=c.token)

    def send(r):
        headers = headers_of(r)
        return requests.request(r["method"], given["endpoint"] + r["target"], data=r["body"].encode() or None, headers=headers, auth=auth)

    return send


def with_awscurl(given):
    from awscurl import awscurl

    c = credentials().get_frozen_credentials()

    def send(r):
        return awscurl.make_request(
            r["method"], service(given), given["region"], given["endpoint"] + r["target"], headers_of(r),
            r["body"], c.access_key, c.secret_key, c.token, False, verify=True, allow_redirects=False,
        )

    return send


class Answer:
    def __init__(self, status, text):
        self.status_code, self.text = status, text


def with_opensearch_py(given, connection, auth):
    import opensearchpy

    u = urlsplit(given["endpoint"])
    client = opensearchpy.OpenSearch(
        hosts=[{"host": u.hostname, "port": u.port}], http_auth=auth, use_ssl=False, connection_class=connection, max_retries=0, timeout=30,
    )

    def send(r):
        path, _, query = r["target"].partition("?")
        try:
            status, _, text = client.transport.get_connection().perform_request(
                r["method"], path, params=dict(parse_qsl(query, keep_blank_values=True)) or None, body=r["body"].encode() or None,
                headers=headers_of(r) or None,
            )
            return Answer(status, text)
        except opensearchpy.TransportError as e:
            if not isinstance(e.status_code, int):
                raise
            return Answer(e.status_code, e.info if isinstance(e.info, str) else json.dumps(e.info))

    return send


def with_awsv4(given):
    import opensearchpy

    return with_opensearch_py(given, opensearchpy.Urllib3HttpConnection, opensearchpy.Urllib3AWSV4SignerAuth(credentials(), given["region"], service(given)))


def with_requests_awsv4(given):
    import opensearchpy

    return with_opensearch_py(given, opensearchpy.RequestsHttpConnection, opensearchpy.RequestsAWSV4SignerAuth(credentials(), given["region"], service(given)))


def unsigned(given):
    session = requests.Session()

    def send(r):
        headers = {"Content-Type": "application/json"} if r["body"] else {}
        return session.request(r["method"], given["endpoint"] + r["target"], data=r["body"].encode() or None, headers=headers)

    return send


def unsigned_opensearch_py(connection):
    import opensearchpy

    return lambda given: with_opensearch_py(given, getattr(opensearchpy, connection), None)


CLIENTS = {
    "requests unsigned": unsigned,
    "opensearch-py/urllib3 unsigned": unsigned_opensearch_py("Urllib3HttpConnection"),
    "opensearch-py/requests unsigned": unsigned_opensearch_py("RequestsHttpConnection"),
    "botocore": with_botocore,
    "requests-aws4auth": with_requests_aws4auth,
    "awscurl": with_awscurl,
    "opensearch-py/urllib3": with_awsv4,
    "opensearch-py/requests": with_requests_awsv4,
}


def main():
    given = json.load(sys.stdin)
    send = CLIENTS[sys.argv[1]](given)
    answers = []
    for r in given["requests"]:
        try:
            a = send(r)
            answers.append({"status": a.status_code, "body": a.text})
        except Exception as e:  # what a client cannot send is a result too
            answers.append({"status": 0, "body": repr(e)})
    json.dump(answers, sys.stdout)


os.environ.setdefault("NO_PROXY", "127.0.0.1")
main()

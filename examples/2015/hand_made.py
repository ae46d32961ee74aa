"""A Lambda function of 2015, in today's Python: it asks a domain for its banner, with a signature made by hand."""

import hashlib
import hmac
import json
import os
import urllib.request
from datetime import datetime, timezone
from urllib.parse import urlsplit


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed(method, url, region):
    """The headers of a request without a body, whose path and query need no encoding."""
    at, now = urlsplit(url), datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/{region}/es/aws4_request"
    headers = {"host": at.netloc, "x-amz-date": now}
    if os.environ.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = os.environ["AWS_SESSION_TOKEN"]
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join([method, at.path or "/", at.query, lines, names, hashlib.sha256(b"").hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    for part in scope.split("/"):
        key = sign(key, part)
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, "
        f"SignedHeaders={names}, Signature={sign(key, to_sign).hex()}"
    )
    return headers


def handler(event, context):
    url = os.environ["PENSTOCK_DOMAIN"] + "/"
    request = urllib.request.Request(url, headers=signed("GET", url, os.environ["AWS_REGION"]))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)

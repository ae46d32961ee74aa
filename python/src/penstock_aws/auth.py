"""Signs the requests of Python's HTTP clients for Amazon OpenSearch Service (es) and OpenSearch Serverless (aoss).

One object serves them all::

    auth = SigV4("eu-west-1")
    requests.get(url, auth=auth)
    httpx.Client(auth=auth)
    OpenSearch(hosts, http_auth=auth)             # with the connection classes of urllib3 and of requests
    pool(auth).request("GET", url)                # urllib3

What is signed is the path and the query as they go over the wire, in the spelling that the service checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional
from urllib.parse import urlsplit

from ._credentials import Credentials, CredentialsSource, provider
from ._sigv4 import sign, wire_target

if TYPE_CHECKING:
    import urllib3

__all__ = ["Credentials", "SigV4", "pool"]


class SigV4:
    """Signs requests. It may be used by several threads.

    credentials are keys, a session of boto3 or botocore, or a function that returns keys; they are asked for at each
    request, so sessions are renewed. Without them it is botocore's chain, or the environment where there is no botocore.
    """

    def __init__(
        self, region: str, service: str = "es", credentials: Optional[CredentialsSource] = None
    ) -> None:
        if not region:
            raise ValueError("region is empty")
        if service not in ("es", "aoss"):
            raise ValueError(f"service {service!r}: want es (a domain) or aoss (a serverless collection)")
        self.region = region
        self.service = service
        self._credentials = provider(credentials)

    def headers(
        self, method: str, url: str, body: Any = None, headers: Optional[Mapping[str, str]] = None
    ) -> Dict[str, str]:
        """The headers that sign a request, to be sent beside its own.

        url has to be in the spelling that is sent: see wire_url. A Host among the headers stands for that of the url.
        """
        parts = urlsplit(url)
        given = {_text(name): _text(value) for name, value in (headers or {}).items()}
        host = next((v for k, v in given.items() if k.lower() == "host"), "") or _host(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return sign(
            method.upper(), target, host, _bytes(body), self._credentials(), self.region, self.service, given
        )

    def __call__(self, *request: Any) -> Any:
        """Part of the contracts of requests and httpx (a request) and of opensearch-py (method, URL, body)."""
        if len(request) >= 2:
            return self.headers(*request)
        (r,) = request
        if hasattr(r, "path_url"):  # requests
            r.url = wire_url(r.url)
            r.headers.update(self.headers(r.method, r.url, r.body, r.headers))
        else:  # httpx
            r.headers.update(self.headers(r.method, str(r.url), _httpx_body(r), r.headers))
        return r


def wire_url(url: str) -> str:
    """The url as clients send it: what a path or a query may not hold is percent-encoded, escapes are left alone."""
    scheme, sep, rest = url.partition("://")
    if not sep:
        return url
    rest = rest.partition("#")[0]
    cut = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
    return f"{scheme}://{rest[:cut]}{wire_target(rest[cut:])}"


def pool(auth: SigV4, **options: Any) -> urllib3.PoolManager:
    """A pool of urllib3 that signs what it sends, each try anew. options are those of urllib3.PoolManager.

    It follows no redirects: a signature is for one host and one path.
    """
    import urllib3

    class SigningPool(urllib3.PoolManager):
        def urlopen(  # type: ignore[override]
            self, method: str, url: str, redirect: bool = True, **kw: Any
        ) -> Any:
            url = wire_url(url)
            headers = dict(kw.pop("headers", None) or self.headers)
            retries = urllib3.Retry.from_int(kw.pop("retries", self.connection_pool_kw.get("retries")), redirect=False, default=3)
            while True:
                signed = {**headers, **auth.headers(method, url, kw.get("body"), headers)}
                kw["headers"], kw["retries"] = signed, False
                try:
                    answer = super().urlopen(method, url, redirect=False, **kw)
                except urllib3.exceptions.HTTPError as err:
                    retries = retries.increment(method, url, error=err)
                    retries.sleep()
                    continue
                if not retries.is_retry(method, answer.status, "Retry-After" in answer.headers):
                    return answer
                try:
                    retries = retries.increment(method, url, response=answer)
                except urllib3.exceptions.MaxRetryError:
                    if retries.raise_on_status:
                        raise
                    return answer
                answer.drain_conn()
                retries.sleep(answer)

    return SigningPool(**options)


def _host(url: str) -> str:
    """The Host header that clients send: without user, and without the default port of the scheme."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    port = ":80" if parts.scheme == "http" else ":443"
    return host[: -len(port)] if host.endswith(port) else host


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if hasattr(body, "read") and hasattr(body, "seek"):
        at = body.tell()
        data = body.read()
        body.seek(at)
        return data.encode() if isinstance(data, str) else bytes(data)
    raise TypeError(
        f"sign a body of type {type(body).__name__}: the service wants the hash of the body before the body; "
        "give bytes, text or a file"
    )


def _httpx_body(request: Any) -> bytes:
    try:
        return bytes(request.content)
    except Exception:  # httpx.RequestNotRead, without importing httpx
        raise TypeError(
            "sign a streamed body: the service wants the hash of the body before the body; give bytes or text"
        ) from None

"""Signature Version 4 by the rules of Amazon OpenSearch Service, which signs paths as they are on the wire."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timezone
from typing import Dict, List, Mapping, Optional
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from ._credentials import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

# What a path and a query may hold as they are. Clients encode the rest before they send it.
_PLAIN = "/:@!$&'()*+,;=-._~%"
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def wire_target(target: str) -> str:
    """A path with its query as clients send it: what it may not hold is percent-encoded, escapes are left alone."""
    path, mark, query = target.partition("?")
    if not path.startswith("/"):
        path = "/" + path
    return f"{_plain(path)}{mark}{_plain(query, '?')}"


def _plain(text: str, more: str = "") -> str:
    return quote(_BAD_ESCAPE.sub("%25", text), safe=_PLAIN + more)


def sign(
    method: str,
    target: str,
    host: str,
    body: bytes,
    credentials: Credentials,
    region: str,
    service: str,
    headers: Optional[Mapping[str, str]] = None,
    at: Optional[datetime] = None,
) -> Dict[str, str]:
    """The headers that carry the signature of a request.

    target is the path and the query as they are on the wire, host the Host header. Of headers the content type, the
    content encoding and all x-amz-* are signed; nothing else is, so that a client or a proxy may change the rest.
    """
    date = (at or datetime.now(timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
    payload = hashlib.sha256(body).hexdigest()
    added = {"X-Amz-Date": date}
    if credentials.token:
        added["X-Amz-Security-Token"] = credentials.token
    if payload != EMPTY_HASH or service == "aoss":
        added["X-Amz-Content-Sha256"] = payload
    signed = {"host": _trimmed(host)}
    replaced = {name.lower() for name in added} | {"x-amz-security-token", "x-amz-content-sha256"}
    for name, value in (headers or {}).items():
        low = name.lower()
        if low in replaced:
            continue
        if low in ("content-type", "content-encoding") or low.startswith("x-amz-"):
            signed[low] = _trimmed(value)
    signed.update((name.lower(), value) for name, value in added.items())
    names = sorted(signed)
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    path, _, query = target.partition("?")
    canonical = "\n".join(
        [
            method,
            _path(path),
            _query(query),
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            payload,
        ]
    )
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    key = b"AWS4" + credentials.secret_key.encode()
    for part in (date[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, f"{_ALGORITHM}\n{date}\n{scope}\n{digest}".encode(), hashlib.sha256).hexdigest()
    added["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return added


def _encoded(data: bytes) -> str:
    return quote_from_bytes(data, safe="-._~")


def _path(path: str) -> str:
    """Empty and dot segments are resolved, and each byte outside of the unreserved set is encoded, % included."""
    kept: List[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(_encoded(segment.encode("utf-8", "surrogateescape")))
    out = "/" + "/".join(kept)
    return out + "/" if path.endswith("/") and kept else out


def _query(query: str) -> str:
    """Names and values are decoded and encoded once, and sorted."""
    pairs = []
    for parameter in query.split("&"):
        if parameter:
            name, _, value = parameter.partition("=")
            pairs.append((_recoded(name), _recoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _recoded(text: str) -> str:
    return _encoded(unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape")))


def _trimmed(value: str) -> str:
    value = value.strip(" \t")
    while "  " in value:
        value = value.replace("  ", " ")
    return value

"""A client and a resource of boto3 for the documents of a domain, as "esdata".

Importing this changes nothing. session makes a session that knows them, register teaches them to one that is there::

    session = penstock_aws.boto3.session("https://search-x.eu-west-1.es.amazonaws.com")
    index = session.resource("esdata").Index("web-2026")
    index.Document("1").put(body={"level": "error"}, refresh="true")
    index.search(q="level:error")["hits"]["total"]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from ._errors import UsageError

__all__ = ["SERVICE", "models", "refreshing_session", "register", "session"]

SERVICE = "esdata"
_VERSION = "2026-01-01"


def models() -> str:
    """The directory of the data model, for AWS_DATA_PATH."""
    return str(Path(__file__).parent / "data")


def session(domain: Optional[str] = None, **options: Any) -> Any:
    """A boto3.Session whose "esdata" client and resource use the domain, signed by boto3.

    Without domain each client takes endpoint_url, or AWS_ENDPOINT_URL_ESDATA says it. options are boto3.Session's.
    """
    try:
        import boto3
    except ModuleNotFoundError:
        raise ModuleNotFoundError('boto3 is not installed: pip install "penstock-aws[boto3]"', name="boto3") from None

    class Session(boto3.Session):  # type: ignore[misc]
        def client(self, service_name: str, *args: Any, **kw: Any) -> Any:
            return super().client(service_name, *args, **_aimed(service_name, domain, kw))

        def resource(self, service_name: str, *args: Any, **kw: Any) -> Any:
            return super().resource(service_name, *args, **_aimed(service_name, domain, kw))

    made = Session(**options)
    register(made)
    return made


def _aimed(service: str, domain: Optional[str], given: Dict[str, Any]) -> Dict[str, Any]:
    if service != SERVICE:
        return given
    aimed = {"api_version": _VERSION, **given}  # this model, whatever else ~/.aws/models has
    if domain is not None and given.get("endpoint_url") is None:
        aimed["endpoint_url"] = domain
    return aimed


def register(session: Any) -> None:
    """Teaches "esdata" to a session of boto3 or botocore. Doing it twice is doing it once."""
    core = getattr(session, "_session", session)
    loader = core.get_component("data_loader")
    if models() not in loader.search_paths:
        loader.search_paths.insert(0, models())  # before one of an earlier version in ~/.aws/models
        getattr(loader, "_cache", {}).clear()  # the list of services, if somebody has asked for it
    core.register(f"provide-client-params.{SERVICE}.*", _give_body, unique_id="penstock-aws-body")
    core.register(f"before-call.{SERVICE}.*", _want_domain, unique_id="penstock-aws-domain")
    core.register(f"response-received.{SERVICE}.*", _name_throttling, unique_id="penstock-aws-throttling")
    core.register(f"after-call.{SERVICE}.*", _give_reason, unique_id="penstock-aws-reason")


def refreshing_session(
    keys: Callable[[], Mapping[str, str]],
    renew: Callable[[], Mapping[str, str]],
    expired: Callable[[], bool],
    domain: Optional[str],
    region: str,
) -> Any:
    """A boto3 session that asks renew for keys when those of keys have expired.

    Both give access_key, secret_key, token and expiry_time, as botocore wants them.
    """
    import botocore.session
    from botocore.credentials import RefreshableCredentials

    class Keys(RefreshableCredentials):  # type: ignore[misc]
        _advisory_refresh_timeout = 0
        _mandatory_refresh_timeout = 0

        def refresh_needed(self, refresh_in: Optional[int] = None) -> bool:
            return expired() or bool(super().refresh_needed(refresh_in))

    core = botocore.session.Session()
    core._credentials = Keys.create_from_metadata(metadata=keys(), refresh_using=renew, method="penstock-aws")
    return session(domain, botocore_session=core, region_name=region)


def _give_body(params: Dict[str, Any], model: Any, **_: Any) -> Dict[str, Any]:
    """Writes objects as JSON, and names the type of the body, without which engines refuse it."""
    members = model.input_shape.members if model.input_shape is not None else {}
    if "body" not in members:
        return params
    body = params.get("body")
    given = dict(params)
    many = model.name in ("Bulk", "BulkIndex")
    if body is not None and many and not isinstance(body, (bytes, bytearray, str)) and not hasattr(body, "read"):
        given["body"] = b"".join(_line(one) for one in body)
    elif isinstance(body, (dict, list)):
        given["body"] = _json(body)
    if "contentType" in members and "contentType" not in given:
        given["contentType"] = "application/x-ndjson" if many else "application/json"
    return given


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _line(value: Any) -> bytes:
    if isinstance(value, str):
        value = value.encode()
    data = bytes(value) if isinstance(value, (bytes, bytearray)) else _json(value)
    return data.rstrip(b"\n") + b"\n"


def _want_domain(params: Dict[str, Any], **_: Any) -> None:
    """Without an endpoint botocore makes one up, as for its own services: that is no domain."""
    host = urlsplit(params.get("url", "")).hostname or ""
    if host.startswith(f"{SERVICE}.") and host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        raise UsageError(
            "no domain is named", "give session(…) its URL, or endpoint_url= to the client, or set AWS_ENDPOINT_URL_ESDATA"
        )


def _name_throttling(parsed_response: Optional[Dict[str, Any]], **_: Any) -> None:
    """Calls a 429 by a name that botocore tries again in all of its modes, whatever the engine calls it."""
    if parsed_response and parsed_response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 429:
        parsed_response.setdefault("Error", {})["Code"] = "TooManyRequestsException"


def _give_reason(http_response: Any, parsed: Dict[str, Any], **_: Any) -> None:
    """Puts what the engine or the edge says of a failure where ClientError shows it."""
    if http_response.status_code < 300:
        return
    error = parsed.setdefault("Error", {})
    code, message = _reason(http_response)
    if code:
        error["Code"] = code
    elif error.get("Code") in (None, "", "Unknown"):
        error["Code"] = str(http_response.status_code)
    if message:
        error["Message"] = message


def _reason(http_response: Any) -> Tuple[str, str]:
    try:
        told = json.loads(http_response.content)
    except ValueError:
        return "", http_response.content.decode("utf-8", "replace").strip()[:500]
    if not isinstance(told, dict):
        return "", ""
    error = told.get("error")
    if isinstance(error, dict):
        causes = error.get("root_cause") or [{}]
        reason = error.get("reason") or causes[0].get("reason") or ""
        return str(error.get("type") or ""), str(reason)
    if isinstance(error, str):  # engines before 2.0
        return error.partition("[")[0], error
    if told.get("found") is False or told.get("result") == "not_found":
        return "not_found", f"there is no document {told.get('_id')} in {told.get('_index')}"
    return "", str(told.get("Message") or told.get("message") or "")

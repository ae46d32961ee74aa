"""A guarded domain on this machine, for as long as a block of code or a test takes."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import string
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import IO, Any, Deque, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Type, TypeVar, Union
from urllib.parse import quote, urlsplit

from ._program import StrPath, program_path
from ._credentials import Credentials
from ._errors import AdminError, PenstockError, StartError, last_error
from ._sigv4 import sign, wire_target

Json = Union[None, bool, int, float, str, List[Any], Dict[str, Any]]

Self = TypeVar("Self", bound="Domain")

# What says nothing of who signs, such as the endpoint of a stand-in for S3.
_KEPT = ("AWS_CA_BUNDLE", "AWS_DATA_PATH", "AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE")

# What a page of documents() asks for: as many as an index gives at once.
_PAGE = 10_000


class Document(Dict[str, Any]):
    """The fields of a document, with its index and id."""

    def __init__(self, index: str, id: str, fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.index = index
        self.id = id


class Response(NamedTuple):
    """The answer to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class RoleSession:
    """A session of the domain's role, which ends when the test says so. See Domain.role_session."""

    def __init__(self, domain: Domain, name: str, lifetime: float) -> None:
        self._domain = domain
        self._lifetime = lifetime
        self.name = name
        self.renewals = 0
        self._make()

    def _make(self) -> None:
        now = datetime.now(timezone.utc)
        self._issued, self.expires = now, now + timedelta(seconds=self._lifetime)
        self.credentials = Credentials("ASIA" + _random_id(16), secrets.token_urlsafe(30), secrets.token_urlsafe(120))

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires <= datetime.now(timezone.utc)

    def expire(self) -> None:
        """Ends the session now: the domain answers that the token has expired."""
        self.expires = datetime.now(timezone.utc) - timedelta(seconds=1)
        self._issued = min(self._issued, self.expires - timedelta(seconds=1))
        self._domain._put_identities()

    def renew(self) -> Credentials:
        """Makes new keys for the session, as a refresh does. Those before stay expired or are gone."""
        self._make()
        self.renewals += 1
        self._domain._put_identities()
        return self.credentials

    def environment(self) -> Dict[str, str]:
        """The AWS variables to sign as this session."""
        return self._domain.environment(self.credentials)

    def boto3_session(self) -> Any:
        """A boto3 session that renews its keys when they have expired, as one of an instance or a function does."""
        from . import boto3

        return boto3.refreshing_session(
            self._for_botocore, self._renewed, lambda: self.expired, self._domain.url, self._domain.region
        )

    def _for_botocore(self) -> Dict[str, str]:
        c = self.credentials
        return {
            "access_key": c.access_key,
            "secret_key": c.secret_key,
            "token": c.token or "",
            "expiry_time": self.expires.isoformat(),
        }

    def _renewed(self) -> Dict[str, str]:
        self.renew()
        return self._for_botocore()

    def _in_file(self) -> Dict[str, str]:
        return {
            "access_key_id": self.credentials.access_key,
            "secret": self.credentials.secret_key,
            "token": self.credentials.token or "",
            "of": self._domain.role_arn,
            "name": self.name,
            "issued": self._issued.isoformat(),
            "expires": self.expires.isoformat(),
        }


class Domain:
    """A domain on this machine that verifies signatures and judges policies as Amazon OpenSearch Service does.

    It listens on loopback, on a port of its own, knows one user and one role, whose keys are made for it, and admits
    both to everything until allow, deny or policy say otherwise. Nothing is read from ~/.aws. It ends with the block,
    and with this process, however that ends.

    compat, mode and fault are those of "penstock domain"; engine names an OpenSearch or Elasticsearch to put behind the
    gate, options are further flags.
    """

    def __init__(
        self,
        *,
        region: str = "eu-west-1",
        account: str = "123456789012",
        name: str = "penstock",
        compat: str = "current",
        mode: str = "parity",
        fault: str = "",
        engine: Optional[str] = None,
        data: Optional[StrPath] = None,
        options: Sequence[str] = (),
        start_timeout: float = 60.0,
        program: Optional[StrPath] = None,
    ) -> None:
        self.region = region
        self.account = account
        self.name = name
        self.user_arn = f"arn:{_partition(region)}:iam::{account}:user/test"
        self.role_arn = f"arn:{_partition(region)}:iam::{account}:role/test"
        self.arn = f"arn:{_partition(region)}:es:{region}:{account}:domain/{name}"
        self.credentials = Credentials("AKIA" + _random_id(16), secrets.token_urlsafe(30))
        self._flags = [f"--region={region}", f"--account={account}", f"--name={name}"]
        self._flags += [f"--compat={compat}", f"--mode={mode}", f"--fault={fault}"]
        if engine is not None:
            self._flags.append(f"--engine={engine}")
        if data is not None:
            self._flags.append(f"--data={os.fspath(data)}")
        self._flags += options
        self._start_timeout = start_timeout
        self._program = program
        self._token = secrets.token_urlsafe(30)
        self._sessions: List[RoleSession] = []
        self._statements: List[Dict[str, Any]] = [self._statement("Allow", "es:*", None, None)]
        self._narrowed = False
        self._url = ""
        self._child: Optional[subprocess.Popen[bytes]] = None
        self._owner = 0
        self._said: Deque[str] = deque(maxlen=2000)
        self._ear: Optional[threading.Thread] = None

    # Life.

    def start(self: Self) -> Self:
        """Starts the domain and waits until it answers."""
        if self._child is not None:
            raise StartError("the domain runs already")
        program = program_path(self._program)
        self._said.clear()
        child = subprocess.Popen(
            [program, "domain", "--attached", "--listen=127.0.0.1:0", *self._flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_without(os.environ, "AWS_", "PENSTOCK_"),
            **_apart(),
        )
        self._child, self._owner = child, os.getpid()
        _watch(self)
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        self._ear = threading.Thread(target=_listen, args=(child.stderr, self._said), daemon=True)
        self._ear.start()
        line = json.dumps(
            {
                "identities": self._identities(),
                "access_policy": self._document(),
                "admin_token": self._token,
            }
        )
        overdue = threading.Event()

        def give_up() -> None:
            overdue.set()
            child.kill()

        late = threading.Timer(self._start_timeout, give_up)
        late.daemon = True
        late.start()
        try:
            child.stdin.write(line.encode() + b"\n")
            child.stdin.flush()
            said = child.stdout.readline().decode()
        except OSError:  # it ended before it read the line
            said = ""
        except BaseException:
            self.stop()
            raise
        finally:
            late.cancel()
        if not said.startswith("listening on "):
            self.stop()
            text = self.log()
            error, hint = last_error(text.splitlines())
            if not error:
                ended = f"it ended with exit code {child.returncode}"
                if overdue.is_set():
                    ended = f"it was not ready within {self._start_timeout:g} s"
                error = ": ".join(filter(None, [ended, text[-500:].strip()]))
            raise StartError(error, hint)
        self._url = said[len("listening on ") :].strip()
        return self

    def stop(self) -> None:
        """Ends the domain. Its documents are gone, unless it has a data directory."""
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():  # a fork leaves it to whom it belongs
            return
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        try:
            child.stdin.close()
        except OSError:
            pass
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if self._ear is not None:
            self._ear.join(5)
        child.stdout.close()
        child.stderr.close()

    def __enter__(self: Self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        err: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The endpoint."""
        if self._child is None:
            raise PenstockError("the domain does not run", 'use it in a block: "with penstock_aws.Domain() as domain:"')
        return self._url

    @property
    def pid(self) -> int:
        """The id of the domain's process."""
        if self._child is None:
            raise PenstockError("the domain does not run")
        return self._child.pid

    def log(self) -> str:
        """What the domain logged: a line of JSON for each request that it refused, with the reason."""
        heard = -1
        while self._child is not None and heard != len(self._said):  # what it said just now comes through a pipe
            heard = len(self._said)
            time.sleep(0.01)
        return "".join(self._said.copy())

    # Who signs.

    def environment(self, credentials: Optional[Credentials] = None) -> Dict[str, str]:
        """The AWS variables of a program that is to use this domain, as its user. Its STS is this domain's too."""
        c = credentials or self.credentials
        return {
            "AWS_ACCESS_KEY_ID": c.access_key,
            "AWS_SECRET_ACCESS_KEY": c.secret_key,
            "AWS_SESSION_TOKEN": c.token or "",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_ENDPOINT_URL_ESDATA": self.url,
            "PENSTOCK_DOMAIN": self.url,
        }

    def environ(
        self, base: Optional[Mapping[str, str]] = None, credentials: Optional[Credentials] = None
    ) -> Dict[str, str]:
        """A whole environment for a child process: base (this process's) with environment() in the place of all that
        it says of keys, roles, files and regions of AWS, and no proxy for loopback. Endpoints of other services stay."""
        given = os.environ if base is None else base
        env = _without(given, "AWS_")
        env.update((k, v) for k, v in given.items() if k.upper().startswith(_KEPT))
        env.update(self.environment(credentials))
        for name in ("NO_PROXY", "no_proxy"):
            env[name] = ",".join(filter(None, [env.get(name, ""), "127.0.0.1"]))
        return env

    def role_session(self, name: str = "test", lifetime: float = 3600.0) -> RoleSession:
        """A session of the domain's role, that lives so many seconds: fewer than STS gives, if you like."""
        session = RoleSession(self, name, lifetime)
        self._sessions.append(session)
        try:
            self._put_identities()
        except BaseException:
            self._sessions.remove(session)
            raise
        return session

    def auth(self, credentials: Optional[Any] = None) -> Any:
        """Signs for requests, httpx and opensearch-py as the domain's user: see penstock_aws.auth.SigV4."""
        from .auth import SigV4

        return SigV4(self.region, credentials=credentials or self.credentials)

    def boto3_session(self) -> Any:
        """A boto3 session of the domain's user, whose "esdata" client and resource use this domain."""
        from . import boto3

        c = self.credentials
        return boto3.session(
            self.url, aws_access_key_id=c.access_key, aws_secret_access_key=c.secret_key, region_name=self.region
        )

    # What is allowed.

    def allow(self, *actions: str, resource: str = "*", principal: Optional[str] = None) -> None:
        """Allows these actions, such as es:ESHttpGet, on a path, such as logs-*/_search. It is in force at once.

        The first call narrows: what was allowed before, which is everything, is allowed no more.
        """
        if not self._narrowed:
            self._narrowed = True
            self._statements = [s for s in self._statements if s["Effect"] == "Deny"]
        self._add("Allow", actions, resource, principal)

    def deny(self, *actions: str, resource: str = "*", principal: Optional[str] = None) -> None:
        """Denies these actions on a path, whatever else allows them. Without actions: everything."""
        self._add("Deny", actions, resource, principal)

    def policy(self, document: Union[str, Mapping[str, Any], None] = None) -> None:
        """Puts an access policy in the place of all that was allowed and denied. None: as at the start."""
        if document is None:
            self._narrowed, self._statements = False, [self._statement("Allow", "es:*", None, None)]
            self._put_policy()
            return
        text = document if isinstance(document, str) else json.dumps(document)
        self._admin("PUT", "/_penstock/policy", text.encode())
        said = json.loads(text)["Statement"]
        self._narrowed, self._statements = True, list(said) if isinstance(said, list) else [said]

    def _add(self, effect: str, actions: Sequence[str], resource: str, principal: Optional[str]) -> None:
        before = list(self._statements)
        self._statements.append(self._statement(effect, list(actions) or "es:*", resource, principal))
        try:
            self._put_policy()
        except AdminError:
            self._statements = before
            raise

    def _statement(
        self, effect: str, actions: Union[str, List[str]], resource: Optional[str], principal: Optional[str]
    ) -> Dict[str, Any]:
        who: Any = {"AWS": principal or [self.user_arn, self.role_arn]}
        if principal == "*":
            who = "*"
        what = [self.arn, f"{self.arn}/*"]
        if resource not in (None, "*"):
            assert resource is not None
            what = [resource if resource.startswith("arn:") else f"{self.arn}/{resource.lstrip('/')}"]
        return {"Effect": effect, "Principal": who, "Action": actions, "Resource": what}

    def _document(self) -> Dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": self._statements}

    def _put_policy(self) -> None:
        body = json.dumps(self._document()).encode() if self._statements else b""
        self._admin("PUT", "/_penstock/policy", body)

    def _identities(self) -> Dict[str, Any]:
        key = {"id": self.credentials.access_key, "secret": self.credentials.secret_key}
        return {
            "users": [{"arn": self.user_arn, "access_keys": [key]}],
            "roles": [{"arn": self.role_arn}],
            "sessions": [s._in_file() for s in self._sessions],
        }

    def _put_identities(self) -> None:
        self._admin("PUT", "/_penstock/identities", json.dumps(self._identities()).encode())

    # What goes wrong, and what is there.

    def fault(self, spec: str) -> Fault:
        """Makes the domain misbehave, as in "429@10%" or "latency=200ms", until the next call, or to the end of a
        block: "with domain.fault(…):"."""
        before = json.loads(self._admin("GET", "/_penstock/faults").body)["spec"]
        self._admin("PUT", "/_penstock/faults", spec.encode())
        return Fault(self, before)

    def fired(self) -> Dict[str, int]:
        """How often each fault has struck."""
        return dict(json.loads(self._admin("GET", "/_penstock/faults").body)["fired"])

    def documents(self, index: str = "*") -> List[Document]:
        """All documents of the indexes that the pattern matches, whatever the policy and the faults say.

        An index that does not exist has none.
        """
        return list(self._documents(index))

    def _documents(self, index: str) -> Iterator[Document]:
        path = f"/_penstock/engine/{quote(index, safe=',*')}"
        quiet = "?ignore_unavailable=true&allow_no_indices=true"
        self._admin("POST", f"{path}/_refresh{quiet}")
        answer = self._admin("POST", f"{path}/_search{quiet}", json.dumps({"size": _PAGE}).encode()).json()
        hits = answer["hits"]
        total = hits["total"]["value"] if isinstance(hits["total"], dict) else hits["total"]
        if total > len(hits["hits"]):
            raise PenstockError(f"{index} has more than {_PAGE} documents", "search for those that you want")
        for hit in hits["hits"]:
            yield Document(hit["_index"], hit["_id"], hit.get("_source", {}))

    def request(
        self,
        method: str,
        path: str,
        body: Union[bytes, str, Json] = None,
        *,
        credentials: Optional[Credentials] = None,
        anonymous: bool = False,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Response:
        """Sends one request through the gate, signed as the domain's user, and returns whatever the answer is.

        What a path and a query may not hold is percent-encoded, escapes are left alone.
        """
        path = wire_target(path)
        data, sent = _body(body), dict(headers or {})
        if data and not any(name.lower() == "content-type" for name in sent):
            sent["Content-Type"] = "application/x-ndjson" if path.split("?")[0].endswith("_bulk") else "application/json"
        if not anonymous:
            host = urlsplit(self.url).netloc
            sent.update(
                sign(method, path, host, data, credentials or self.credentials, self.region, "es", sent)
            )
        return self._send(method, path, data, sent)

    def _admin(self, method: str, path: str, body: bytes = b"") -> Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        if body:
            headers["Content-Type"] = "application/json"
        answer = self._send(method, path, body, headers)
        if answer.status >= 400:
            try:
                told = answer.json()
                text = told.get("Message") or told.get("error") or answer.text
            except (ValueError, AttributeError):
                text = answer.text
            raise AdminError(f"{method} {path.partition('?')[0]}: {text}")
        return answer

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Response:
        at = urlsplit(self.url)
        if at.scheme == "https":
            raise PenstockError("a domain with --tls is not asked from here", "leave --tls out of options")
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)
        try:
            connection.request(method, path, body=body or None, headers=dict(headers))
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.getheaders()), answer.read())
        except ConnectionError as err:  # of a fault, or of a domain that is gone
            child = self._child
            if child is not None and self._owner == os.getpid() and child.poll() is not None:
                raise PenstockError(f"the domain has ended by itself, with exit code {child.returncode}") from err
            raise
        finally:
            connection.close()


class Fault:
    """A fault that is in force. As a context manager it ends with the block."""

    def __init__(self, domain: Domain, before: str) -> None:
        self._domain = domain
        self._before = before
        self._struck: Optional[Dict[str, int]] = None

    @property
    def fired(self) -> Dict[str, int]:
        """How often each fault has struck so far; after the block, within it."""
        return self._domain.fired() if self._struck is None else self._struck

    def __enter__(self) -> Fault:
        return self

    def __exit__(self, *_: Any) -> None:
        self._struck = self._domain.fired()
        self._domain._admin("PUT", "/_penstock/faults", self._before.encode())


# A fork has the pipe that keeps the domain alive too, and must not keep it: the domain ends with the process that
# started it.
_running: weakref.WeakSet[Domain] = weakref.WeakSet()
_watching = False


def _watch(domain: Domain) -> None:
    global _watching
    _running.add(domain)
    if not _watching and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_let_go)
        _watching = True


def _let_go() -> None:
    for domain in list(_running):
        child = domain._child
        if child is not None and child.stdin is not None:
            # Not closed but replaced: the number may not come to mean another file.
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, child.stdin.fileno(), inheritable=False)
            os.close(nothing)


def _listen(stream: IO[bytes], said: Deque[str]) -> None:
    for line in stream:
        said.append(line.decode("utf-8", "replace"))


def _apart() -> Dict[str, Any]:
    """Out of the terminal's reach: an interrupt is for the test, which then ends the domain."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _without(env: Mapping[str, str], *prefixes: str) -> Dict[str, str]:
    return {k: v for k, v in env.items() if not k.upper().startswith(prefixes)}


_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "us-iso-": "aws-iso",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}


def _partition(region: str) -> str:
    return next((p for prefix, p in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def _random_id(length: int) -> str:
    return "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(length))


def _body(body: Union[bytes, str, Json]) -> bytes:
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()

"""Keys to sign with."""

from __future__ import annotations

import os
from typing import Any, Callable, NamedTuple, Optional, Union


class Credentials(NamedTuple):
    """An access key, with a session token when it is one of a session."""

    access_key: str
    secret_key: str
    token: Optional[str] = None

    def __repr__(self) -> str:
        return f"Credentials(access_key={self.access_key!r})"


# What credentials can be given as: a value, something that is asked before each request, or an object of botocore or
# boto3 that is asked before each request.
CredentialsSource = Union[Credentials, Callable[[], Credentials], Any]


def provider(source: Optional[CredentialsSource]) -> Callable[[], Credentials]:
    """A function that gives the credentials of this moment."""
    if isinstance(source, Credentials):
        return lambda: source
    if source is None:
        return _default()
    if hasattr(source, "get_credentials"):  # a session of boto3 or botocore
        session = source
        return lambda: _frozen(session.get_credentials())
    if hasattr(source, "get_frozen_credentials") or hasattr(source, "access_key"):
        return lambda: _frozen(source)
    if callable(source):
        return lambda: _frozen(source())
    raise TypeError(f"credentials: {type(source).__name__} has no keys")


def _default() -> Callable[[], Credentials]:
    """The chain of botocore where it is installed, and the environment without it."""
    try:
        import botocore.session
    except ImportError:
        return _environment
    session = botocore.session.get_session()
    return lambda: _frozen(session.get_credentials())


def _environment() -> Credentials:
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not key or not secret:
        raise LookupError(
            "no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; "
            "with botocore installed the whole AWS chain is asked"
        )
    return Credentials(key, secret, os.environ.get("AWS_SESSION_TOKEN") or None)


def _frozen(source: Any) -> Credentials:
    if source is None:
        raise LookupError("no credentials: the AWS chain (environment, profile, role) has none")
    freeze = getattr(source, "get_frozen_credentials", None)
    c = freeze() if callable(freeze) else source
    return Credentials(c.access_key, c.secret_key, c.token or None)

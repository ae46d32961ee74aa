"""Fixtures of pytest: a domain for each test that refuses as AWS does.

opensearch_domain is an OpenSearchDomain; opensearch_role_session is a session of its role that a test lets expire.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import Any, Generator, Iterator, List, Mapping, Optional

import pytest

from ._domain import Domain, RoleSession
from ._errors import UsageError

_TOLD = 20


class OpenSearchDomain(Domain):
    """The domain of one test: a Domain, with what a test asks for most as attributes."""

    @property
    def session(self) -> Any:
        """A boto3 session of the domain's user, with the client and resource "esdata"."""
        return self.boto3_session()

    @property
    def signer(self) -> Any:
        """auth= for requests and httpx, http_auth= for opensearch-py."""
        return self.auth()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("opensearch_compat", "the time whose answers the domains of tests give", default="current")
    parser.addini("opensearch_region", "the region of the domains of tests", default="eu-west-1")
    parser.addini("opensearch_engine", "URL of a node to put behind the gate, in the place of the embedded engine", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "opensearch(**options): options of the domain of this test, such as compat, region, mode, fault and engine",
    )


@pytest.fixture
def opensearch_domain(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Generator[OpenSearchDomain, None, None]:
    """A domain that ends with the test, whose user the environment is set to.

    What the environment said of AWS before is back afterwards.
    """
    options = {
        "compat": request.config.getini("opensearch_compat"),
        "region": request.config.getini("opensearch_region"),
        "engine": request.config.getini("opensearch_engine") or None,
    }
    for mark in reversed(list(request.node.iter_markers("opensearch"))):
        if mark.args:
            raise UsageError(f"the mark opensearch takes names: {mark.args[0]!r} has none", 'write compat="2015-10"')
        options.update(mark.kwargs)
    with OpenSearchDomain(**options) as domain:
        _sign_as(monkeypatch, domain.environ())
        with _fresh_default_session():
            yield domain


@pytest.fixture
def opensearch_role_session(
    opensearch_domain: OpenSearchDomain, monkeypatch: pytest.MonkeyPatch
) -> RoleSession:
    """A session of the domain's role, which the environment is set to. expire() ends it, renew() makes new keys."""
    session = opensearch_domain.role_session()
    _sign_as(monkeypatch, opensearch_domain.environ(credentials=session.credentials))
    return session


def _sign_as(monkeypatch: pytest.MonkeyPatch, env: Mapping[str, str]) -> None:
    for name in list(os.environ):
        if name.upper().startswith("AWS_") and name not in env:
            monkeypatch.delenv(name)
    for name, value in env.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
    if not env.get("AWS_SESSION_TOKEN"):
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


@contextmanager
def _fresh_default_session() -> Iterator[None]:
    """boto3.client and boto3.resource share a session that keeps the keys it has seen first: those of another test."""
    before = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    _set_default_session(None)
    try:
        yield
    finally:
        _set_default_session(before)


def _set_default_session(session: Any) -> None:
    boto3 = sys.modules.get("boto3")
    if boto3 is not None:
        boto3.DEFAULT_SESSION = session  # type: ignore[attr-defined]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Shows beside a failed test what its domain refused."""
    outcome = yield
    report = outcome.get_result()
    domain: Optional[Domain] = getattr(item, "funcargs", {}).get("opensearch_domain")
    if report.when == "call" and report.failed and isinstance(domain, Domain):
        said: List[str] = domain.log().splitlines()[-_TOLD:]
        if said:
            report.sections.append(("penstock domain", "\n".join(said)))

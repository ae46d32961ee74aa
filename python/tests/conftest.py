import pytest

import penstock_aws


@pytest.fixture(scope="module")
def running():
    with penstock_aws.Domain() as domain:
        yield domain


@pytest.fixture
def domain(running):
    running.policy()
    running.fault("")
    running._admin("DELETE", "/_penstock/engine/*")
    return running

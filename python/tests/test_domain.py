import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

import penstock_aws


def gone(pid, within=10.0):
    """Whether the process ends within so many seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def domain():
    with penstock_aws.Domain() as domain:
        yield domain


def test_it_admits_its_user_and_refuses_others(domain):
    assert domain.request("GET", "/").json()["cluster_name"] == "123456789012:penstock"
    refused = domain.request("GET", "/", anonymous=True)
    assert refused.status == 403
    assert "User: anonymous is not authorized to perform: es:ESHttpGet" in refused.json()["Message"]
    wrong = domain.credentials._replace(secret_key="another")
    assert "signature we calculated does not match" in domain.request("GET", "/", credentials=wrong).text
    assert '"request refused"' in domain.log()


def test_two_domains_have_nothing_in_common(domain):
    with penstock_aws.Domain() as other:
        assert domain.url != other.url
        assert domain.credentials != other.credentials
        domain.request("PUT", "/mine/_doc/1", {"n": 1})
        assert other.documents() == []
        assert domain.request("GET", "/", credentials=other.credentials).status == 403


def test_documents_are_seen_past_policy_and_faults(domain):
    assert domain.documents("none") == []
    assert domain.request("PUT", "/a/_doc/x%2Fy%20%C3%A9", {"n": 1, "t": "ü"}).status == 201
    domain.deny()
    with domain.fault("503") as fault:
        assert domain.request("GET", "/a/_search").status == 403
        (document,) = domain.documents("a*")
    assert fault.fired == {}
    assert document == {"n": 1, "t": "ü"}
    assert (document.index, document.id) == ("a", "x/y é")


def test_what_is_allowed_changes_at_once(domain):
    assert domain.request("PUT", "/logs/_doc/1?refresh=true", {"n": 1}).status == 201
    domain.allow("es:ESHttpGet", resource="logs/*")
    assert domain.request("GET", "/logs/_doc/1").status == 200
    assert domain.request("GET", "/other/_search").status == 403
    assert domain.request("DELETE", "/logs/_doc/1").status == 403
    domain.allow("es:ESHttpDelete", resource="logs/*")
    assert domain.request("DELETE", "/logs/_doc/1").status == 200
    domain.deny("es:ESHttpGet", resource="logs/_search")
    refused = domain.request("GET", "/logs/_search")
    assert refused.status == 403 and "explicit deny" in refused.text
    domain.policy()
    assert domain.request("GET", "/logs/_search").status == 200
    with pytest.raises(penstock_aws.AdminError, match="nonsense"):
        domain.policy({"Version": "2012-10-17", "Statement": [{"Effect": "nonsense"}]})
    with pytest.raises(penstock_aws.AdminError):
        domain.deny("not an action")
    domain.allow("es:ESHttpGet", principal="*")
    assert domain.request("GET", "/", anonymous=True).status == 200
    one = {"Effect": "Allow", "Principal": "*", "Action": "es:ESHttpGet", "Resource": "*"}
    domain.policy({"Version": "2012-10-17", "Statement": one})
    domain.allow("es:ESHttpPut", resource="logs/*")
    assert domain.request("GET", "/", anonymous=True).status == 200
    assert domain.request("PUT", "/logs/_doc/1", {"n": 1}).status == 201


@pytest.mark.parametrize(
    "region", ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1"]
)
def test_a_domain_of_another_partition_admits_its_user(region):
    with penstock_aws.Domain(region=region) as domain:
        assert domain.request("GET", "/").status == 200


def test_a_request_takes_names_as_other_clients_do(domain):
    assert domain.request("PUT", "/logs/_doc/a b?refresh=true&routing=ü", {"n": 1}).status == 201
    assert domain.request("PUT", "logs/_doc/é%2F100%", {"n": 2}).status == 201
    assert sorted(d.id for d in domain.documents("logs")) == ["a b", "é/100%"]


def test_faults_strike_and_end(domain):
    with domain.fault("429@100%") as fault:
        assert domain.request("GET", "/").status == 429
        with domain.fault("503"):
            assert domain.request("GET", "/").status == 503
        assert domain.request("GET", "/").status == 429
    assert fault.fired["429"] >= 1
    assert domain.request("GET", "/").status == 200
    with pytest.raises(penstock_aws.AdminError, match="unknown fault"):
        domain.fault("418")


def test_sessions_expire_and_are_renewed(domain):
    session = domain.role_session()
    first = session.credentials
    assert domain.request("GET", "/", credentials=first).status == 200
    session.expire()
    assert "token included in the request is expired" in domain.request("GET", "/", credentials=first).text
    assert domain.request("GET", "/", credentials=session.renew()).status == 200
    with pytest.raises(penstock_aws.AdminError, match="no name.*is not a role session name"):
        domain.role_session("no name")
    short = domain.role_session("short", lifetime=0.5)
    assert domain.request("GET", "/", credentials=short.credentials).status == 200
    deadline = time.monotonic() + 10
    while domain.request("GET", "/", credentials=short.credentials).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_environment_names_nothing_of_this_machine(domain, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    env = domain.environ()
    assert "AWS_PROFILE" not in env
    assert env["AWS_CONFIG_FILE"] == env["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert "127.0.0.1" in env["NO_PROXY"]
    assert os.environ["AWS_PROFILE"] == "mine"


def test_a_start_that_fails_says_why():
    with pytest.raises(penstock_aws.StartError, match="1999.*\nhint: --compat takes one of"):
        penstock_aws.Domain(compat="1999").start()
    with pytest.raises(penstock_aws.StartError, match="not ready within 0.5 s: .*127.0.0.1:1 does not answer"):
        penstock_aws.Domain(engine="http://127.0.0.1:1", start_timeout=0.5).start()
    with pytest.raises(penstock_aws.PenstockError, match="does not run"):
        _ = penstock_aws.Domain().url
    with pytest.raises(penstock_aws.ProgramNotFound, match="no/such, which is no program"):
        penstock_aws.Domain(program="no/such").start()


def test_a_machine_without_the_program_says_how_to_name_one(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("PENSTOCK_PROGRAM", raising=False)
    monkeypatch.setattr("penstock_aws._program._installed", lambda: None)
    with pytest.raises(penstock_aws.ProgramNotFound, match="program=, PENSTOCK_PROGRAM or PATH"):
        penstock_aws.program_path()
    monkeypatch.setenv("PENSTOCK_PROGRAM", sys.executable)
    assert os.path.samefile(penstock_aws.program_path(), sys.executable)


def test_the_module_runs_the_program(tmp_path):
    module = [sys.executable, "-m", "penstock_aws"]
    done = subprocess.run([*module, "version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("penstock ")
    env = {**os.environ, "PENSTOCK_PROGRAM": "/none"}
    done = subprocess.run([*module, "version"], env=env, capture_output=True, text=True)
    assert done.returncode == 2 and "penstock: error: PENSTOCK_PROGRAM names /none" in done.stderr


def test_a_domain_that_somebody_killed_says_so():
    with penstock_aws.Domain() as domain:
        child = domain._child
        child.kill()
        child.wait()
        with pytest.raises(penstock_aws.PenstockError, match="has ended by itself, with exit code -?[0-9]+"):
            domain.request("GET", "/")
        with pytest.raises(penstock_aws.PenstockError, match="has ended by itself"):
            domain.allow("es:ESHttpGet")


def test_it_ends_with_the_block(domain):
    with penstock_aws.Domain() as other:
        pid = other.pid
    assert gone(pid)
    other.stop()  # twice is once
    with other:
        assert other.request("GET", "/").status == 200


KILLED = """
import os, sys, time, penstock_aws
domain = penstock_aws.Domain().start()
if sys.argv[1] == "fork" and os.fork() == 0:
    time.sleep(60)  # outlives its parent, and must not keep the domain
print(domain.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("kind", ["plain", "fork"])
def test_it_ends_when_its_parent_is_killed(kind):
    parent = subprocess.Popen(
        [sys.executable, "-c", KILLED, kind], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        pid = int(parent.stdout.readline())
        assert not gone(pid, within=0.1)
        parent.kill()
        parent.wait()
        assert gone(pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.close()


def ask(domain, out):
    out.put(domain.request("GET", "/").status)
    domain.stop()  # is not the fork's to stop


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_a_fork_uses_it_and_leaves_it(domain):
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    child = context.Process(target=ask, args=(domain, out))
    child.start()
    child.join()
    assert out.get() == 200
    assert domain.request("GET", "/").status == 200

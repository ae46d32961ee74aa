import itertools
from datetime import datetime, timezone

import pytest

import penstock_aws
from penstock_aws._sigv4 import sign
from penstock_aws.auth import SigV4, pool, wire_url

HOST = "search-x.eu-west-1.es.amazonaws.com"

# Targets as people write them: each client sends them in a spelling of its own, and signs that.
TARGETS = [
    "/",
    "/idx/_search/",
    "/idx*/_search?q=n:1",
    "/idx,-other/_search?q=n:1 OR n:2",
    "/idx/_doc/a%2Fb%20c%2B%25%C3%A9",
    "/idx/_doc/a b+c@d!e'(f)",
    "/idx/_doc/[x]{y}|z^é",
    "/idx/_search?q=a%2Bb+c&size=1&size=2&v",
    "/idx/_search?q=*&sort=n:desc,[x]|{y}",
    "/%3Cidx-%7Bnow%2Fd%7D%3E/_search?ignore_unavailable=true",
    "/_tasks/node:1",
]


@pytest.fixture(scope="module")
def domain():
    with penstock_aws.Domain() as domain:
        domain.request("PUT", "/idx")
        yield domain


def with_requests(domain, auth):
    requests = pytest.importorskip("requests")
    session = requests.Session()
    session.trust_env = False

    def send(method, url, body):
        headers = {"Content-Type": "application/json"} if body else {}
        answer = session.request(method, url, data=body, headers=headers, auth=auth)
        return answer.status_code, answer.text

    return send


def with_httpx(domain, auth):
    httpx = pytest.importorskip("httpx")
    client = httpx.Client(auth=auth, trust_env=False)

    def send(method, url, body):
        headers = {"Content-Type": "application/json"} if body else {}
        answer = client.request(method, url, content=body, headers=headers)
        return answer.status_code, answer.text

    return send


def with_urllib3(domain, auth):
    pytest.importorskip("urllib3")
    manager = pool(auth)

    def send(method, url, body):
        headers = {"Content-Type": "application/json"} if body else {}
        answer = manager.request(method, url, body=body, headers=headers)
        return answer.status, answer.data.decode()

    return send


CLIENTS = [with_requests, with_httpx, with_urllib3]


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_sent_is_what_is_signed(domain, client):
    send = client(domain, domain.auth())
    for target, (method, body) in itertools.product(TARGETS, [("GET", None), ("POST", b'{"query":{"match_all":{}}}')]):
        status, text = send(method, domain.url + target, body)
        assert "signature" not in text and status not in (403, 0), (method, target, text)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_session_signs_too_and_is_renewed(domain, client):
    session = domain.role_session()
    send = client(domain, domain.auth(lambda: session.credentials))
    assert send("GET", domain.url + "/", None)[0] == 200
    session.expire()
    assert "is expired" in send("GET", domain.url + "/", None)[1]
    session.renew()
    assert send("GET", domain.url + "/", None)[0] == 200


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_secret_is_refused(domain, client):
    auth = SigV4(domain.region, credentials=domain.credentials._replace(secret_key="wrong"))
    status, text = client(domain, auth)("GET", domain.url + "/", None)
    assert status == 403 and "does not match" in text


@pytest.mark.parametrize("connection", ["Urllib3HttpConnection", "RequestsHttpConnection"])
def test_opensearch_py(domain, connection):
    opensearchpy = pytest.importorskip("opensearchpy")
    at = domain.url[len("http://") :].split(":")
    client = opensearchpy.OpenSearch(
        [{"host": at[0], "port": int(at[1])}],
        http_auth=domain.auth(),
        connection_class=getattr(opensearchpy, connection),
        max_retries=0,
    )
    index = connection.lower()
    client.index(index=index, id="a/b c+%é", body={"n": 1}, refresh=True)
    assert client.get(index=index, id="a/b c+%é")["_source"] == {"n": 1}
    # Their own signers are refused for the space.
    assert client.search(index=f"{index},idx*", q="n:1 OR n:2")["hits"]["total"]["value"] == 1
    assert opensearchpy.helpers.bulk(client, [{"_index": index, "n": n} for n in range(10)])[0] == 10


def test_urllib3_tries_again_with_a_new_signature(domain):
    urllib3 = pytest.importorskip("urllib3")
    manager = pool(domain.auth(), retries=urllib3.Retry(5, status_forcelist=[429], backoff_factor=0.01))
    with domain.fault("429@60%,seed=3") as fault:
        answers = [manager.request("GET", domain.url + "/").status for _ in range(10)]
    assert answers.count(200) >= 8 and fault.fired["429"] > 0
    with domain.fault("429"):
        retries = urllib3.Retry(1, status_forcelist=[429], raise_on_status=False)
        assert manager.request("GET", domain.url + "/", retries=retries).status == 429


def test_it_agrees_with_botocore_where_botocore_is_right(domain):
    pytest.importorskip("botocore")
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    keys = penstock_aws.Credentials("AKIDEXAMPLE", "secret", "token/+=")
    for target in ["/", "/a%2Fb/_doc/1", "/idx/*/x,y", "//a/./b/../c/", "/a?b=1&a=2&a=1", "/a?q=a%2Bb%20c&v="]:
        ours = sign("POST", target, HOST, b"{}", keys, "eu-west-1", "es", at=datetime(2026, 11, 28, tzinfo=timezone.utc))
        request = AWSRequest("POST", f"https://{HOST}{target}", data=b"{}")
        request.context["timestamp"] = ours["X-Amz-Date"]
        for name in ("X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"):
            request.headers[name] = ours[name]
        signer = SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token), "es", "eu-west-1")
        canonical = signer.canonical_request(request)
        signature = signer.signature(signer.string_to_sign(request, canonical), request)
        assert ours["Authorization"].endswith("Signature=" + signature), target


def test_a_body_without_an_end_is_no_body_to_sign(domain):
    requests, httpx = pytest.importorskip("requests"), pytest.importorskip("httpx")
    with pytest.raises(TypeError, match="hash of the body"):
        requests.post(domain.url, data=iter([b"a"]), auth=domain.auth())
    with pytest.raises(TypeError, match="hash of the body"):
        httpx.post(domain.url, content=iter([b"a"]), auth=domain.auth())


def test_a_file_is_signed_and_sent_whole(domain, tmp_path):
    requests = pytest.importorskip("requests")
    path = tmp_path / "body"
    path.write_bytes(b'{"n":1}')
    with path.open("rb") as f:
        answer = requests.put(
            domain.url + "/file/_doc/1", data=f, headers={"Content-Type": "application/json"}, auth=domain.auth()
        )
    assert answer.status_code == 201
    assert domain.documents("file") == [{"n": 1}]


def test_credentials_of_many_kinds(domain, monkeypatch):
    for name, value in domain.environ().items():
        monkeypatch.setenv(name, value)
    boto3 = pytest.importorskip("boto3")
    for credentials in [None, boto3.Session(), boto3.Session().get_credentials(), lambda: domain.credentials]:
        headers = SigV4(domain.region, credentials=credentials).headers("GET", domain.url)
        assert f"Credential={domain.credentials.access_key}/" in headers["Authorization"]
    with pytest.raises(TypeError, match="has no keys"):
        SigV4("eu-west-1", credentials=42)
    with pytest.raises(ValueError, match="region is empty"):
        SigV4("")
    with pytest.raises(ValueError, match="want es"):
        SigV4("eu-west-1", service="s3")
    assert "secret" not in repr(penstock_aws.Credentials("AKID", "secret", "token"))


def test_wire_url():
    assert wire_url("http://h/a b?q=x y|z%2f%zz") == "http://h/a%20b?q=x%20y%7Cz%2f%25zz"
    assert wire_url("http://h") == "http://h/"
    assert wire_url("http://h?q") == "http://h/?q"
    assert wire_url("http://h/é#f") == "http://h/%C3%A9"

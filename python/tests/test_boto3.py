import subprocess
import sys
import threading

import pytest

import penstock_aws
import penstock_aws.boto3

boto3 = pytest.importorskip("boto3")
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError, ParamValidationError, UnknownServiceError  # noqa: E402

ID = "a/b c+%é"


@pytest.fixture
def session(domain):
    return domain.boto3_session()


def test_the_resource_reads_as_the_note_of_2015_wished(session):
    index = session.resource("esdata").Index("web-2026")
    index.create(body={"mappings": {"properties": {"level": {"type": "keyword"}}}})
    document = index.Document(ID)
    assert document.put(body={"level": "error", "n": 1}, refresh="true")["result"] == "created"
    assert document.get()["_source"] == {"level": "error", "n": 1}
    assert document.update(body={"doc": {"n": 2}}, refresh="true")["result"] == "updated"
    index.add(body={"level": "info"}, refresh="true")
    found = index.search(q="level:error OR level:warn", size=5, sort="n:desc")
    assert [hit["_id"] for hit in found["hits"]["hits"]] == [ID]
    by_level = {"size": 0, "aggs": {"levels": {"terms": {"field": "level"}}}}
    buckets = index.search(body=by_level)["aggregations"]["levels"]["buckets"]
    assert {b["key"]: b["doc_count"] for b in buckets} == {"error": 1, "info": 1}
    assert index.count(body={"query": {"term": {"level": "error"}}})["count"] == 1
    assert index.mapping()["web-2026"]["mappings"]["properties"]["level"] == {"type": "keyword"}
    index.put_mapping(body={"properties": {"at": {"type": "date"}}})
    assert "at" in index.describe()["web-2026"]["mappings"]["properties"]
    assert document.Index().name == "web-2026" and (document.index_name, document.id) == ("web-2026", ID)
    assert document.delete()["result"] == "deleted"
    assert [i.name for i in session.resource("esdata").indices.all()] == ["web-2026"]
    assert index.delete()["acknowledged"] is True


def test_bulk_takes_objects_lines_and_bytes(session, domain):
    resource = session.resource("esdata")
    items = []
    for n in range(1000):
        items += [{"index": {"_index": "many", "_id": str(n)}}, {"n": n}]
    assert resource.bulk(body=items, refresh="true")["errors"] is False
    assert resource.Index("many").count()["count"] == 1000
    assert resource.Index("many").bulk(body='{"delete":{"_id":"1"}}\n', refresh="true")["errors"] is False
    assert resource.Index("many").bulk(body=b'{"index":{}}\n{"n":1}\n')["items"][0]["index"]["status"] == 201
    answer = resource.bulk(body=[{"create": {"_index": "many", "_id": "2"}}, '{"n":2}'])
    assert answer["errors"] is True and answer["items"][0]["create"]["error"]["type"].startswith("version_conflict")


def test_templates_aliases_and_the_rest(session):
    client, resource = session.client("esdata"), session.resource("esdata")
    assert client.info()["body"]["version"]["number"]
    assert resource.health()["status"] in ("green", "yellow")
    template = resource.Template("web")
    template.put(body={"index_patterns": ["web-*"], "template": {"aliases": {"web": {}}}})
    assert template.get()["index_templates"][0]["name"] == "web"
    resource.Index("web-1").Document("1").put(body={"n": 1}, refresh="true")
    assert resource.Index("web").search()["hits"]["hits"][0]["_index"] == "web-1"
    assert "web" in resource.aliases()["web-1"]["aliases"]
    assert client.cat_indices(h="index")["body"] == [{"index": "web-1"}]
    assert client.index_exists(index="web-1")["ResponseMetadata"]["HTTPStatusCode"] == 200
    template.delete()


def refused(call, **params):
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def test_errors_have_the_words_of_the_engine_and_of_the_edge(session, domain):
    client = session.client("esdata")
    client.create_index(index="idx")
    assert refused(client.search, index="none") == (404, "index_not_found_exception", "no such index [none]")
    assert refused(client.get_document, index="idx", id=ID) == (404, "not_found", f"there is no document {ID} in idx")
    assert refused(client.search, index="idx", body={"query": {"no": {}}})[:2] == (400, "parsing_exception")
    assert refused(client.create_index, index="idx")[1] == "resource_already_exists_exception"
    assert refused(client.index_exists, index="none")[:2] == (404, "404")
    client.create_document(index="idx", id="1", body={})
    assert refused(client.create_document, index="idx", id="1", body={})[1] == "version_conflict_engine_exception"
    domain.deny("es:ESHttpPost")
    status, code, message = refused(client.search, index="idx")
    assert (status, code) == (403, "403") and "es:ESHttpPost with an explicit deny" in message
    wrong = penstock_aws.boto3.session(
        domain.url, aws_access_key_id=domain.credentials.access_key, aws_secret_access_key="x", region_name=domain.region
    )
    status, _, message = refused(wrong.client("esdata").info)
    assert status == 403 and "signature we calculated does not match" in message


def test_parameters_are_validated_before_anything_is_sent(session):
    client = session.client("esdata", endpoint_url="http://127.0.0.1:1")
    for params in [{"index": ""}, {}, {"index": "a", "size": "many"}, {"index": "a", "sizes": 1}, {"index": 1}]:
        with pytest.raises(ParamValidationError):
            client.search(**params)
    with pytest.raises(ParamValidationError, match="body"):
        client.put_document(index="a", id="1")


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_botocore_itself_retries_a_429(domain, session, mode):
    client, sent = session.client("esdata", config=Config(retries={"mode": mode})), []

    def end_after_one(**_):
        sent.append(1)
        if len(sent) == 2:
            domain.fault("")

    client.meta.events.register("before-send.esdata.*", end_after_one)
    domain.fault("429")
    assert client.info()["body"]["cluster_name"]
    assert len(sent) == 2


def test_threads_share_a_client(session):
    client, failed = session.client("esdata"), []

    def write(thread):
        try:
            for n in range(25):
                client.put_document(index="threads", id=f"{thread}-{n}", body={"n": n})
        except Exception as err:
            failed.append(err)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    client.refresh(index="threads")
    assert not failed and client.count(index="threads")["body"]["count"] == 200


def test_an_expired_session_is_renewed_by_botocore(domain):
    session = domain.role_session()
    client = session.boto3_session().client("esdata")
    client.info()
    assert session.renewals == 0
    session.expire()
    assert client.info()["body"]["version"]
    assert session.renewals == 1


def test_the_sts_of_the_domain_gives_sessions(domain, monkeypatch):
    for name, value in domain.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    got = boto3.client("sts").assume_role(RoleArn=domain.role_arn, RoleSessionName="night")["Credentials"]
    credentials = penstock_aws.Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    assert domain.request("GET", "/", credentials=credentials).status == 200


def test_importing_changes_nothing_and_register_is_once(domain):
    with pytest.raises(UnknownServiceError):
        boto3.Session(region_name="eu-west-1").client("esdata", endpoint_url=domain.url)
    c = domain.credentials
    session = boto3.Session(c.access_key, c.secret_key, region_name=domain.region)
    session.get_available_services()  # somebody has looked before
    for _ in range(2):
        penstock_aws.boto3.register(session)
    assert session.client("esdata", endpoint_url=domain.url).info()["body"]["version"]


def test_no_endpoint_is_made_up():
    session = penstock_aws.boto3.session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="x", region_name="eu-west-1")
    with pytest.raises(penstock_aws.UsageError, match="no domain is named\nhint: .*AWS_ENDPOINT_URL_ESDATA"):
        session.client("esdata").info()


def test_a_machine_without_boto3_says_how_to_get_it(domain, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ModuleNotFoundError, match=r"boto3 is not installed: pip install .penstock-aws\[boto3\]"):
        domain.boto3_session()


def test_another_model_of_the_name_does_not_stand_before_this_one(domain, tmp_path):
    for version in ("2026-01-01", "2099-01-01"):
        (tmp_path / "esdata" / version).mkdir(parents=True)
        (tmp_path / "esdata" / version / "service-2.json").write_text('{"metadata": {}, "operations": {}, "shapes": {}}')
        (tmp_path / "esdata" / version / "resources-1.json").write_text("{}")
    script = (
        "import penstock_aws.boto3; s = penstock_aws.boto3.session();"
        "print(sorted(s.client('esdata').info())[0], s.resource('esdata').Index('web').name)"
    )
    env = {**domain.environ(), "AWS_DATA_PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("ResponseMetadata web\n", "")


def test_the_model_alone_is_enough(domain):
    """As the AWS command line has it: no handler, only AWS_DATA_PATH."""
    script = (
        "import boto3; c = boto3.client('esdata');"
        "c.put_document(index='alone', id='1', body=b'{\"n\":1}', contentType='application/json', refresh='true');"
        "print(boto3.resource('esdata').Index('alone').search(q='n:1')['hits']['total']['value'])"
    )
    env = domain.environ()
    env["AWS_DATA_PATH"] = penstock_aws.boto3.models()
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")

import io
import json
import threading

import pytest

import penstock_aws


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "app.log"
    path.write_text("".join(json.dumps({"n": n, "@timestamp": "2026-01-01T00:00:00Z"}) + "\n" for n in range(100)))
    return path


def test_files_arrive_once(domain, lines):
    counts = penstock_aws.ship(lines, domain=domain, index="app")
    assert (counts.records, counts.delivered, counts.objects) == (100, 100, 1)
    assert counts.balanced and counts.indexes == {"app": 100} and counts.formats == {"ndjson": 1}
    again = penstock_aws.ship(lines, domain=domain, index="app")
    assert (again.delivered, again.duplicate) == (0, 100)
    assert len(domain.documents("app")) == 100


def test_what_the_domain_never_takes_is_counted(domain, lines, tmp_path):
    domain.request("PUT", "/app", {"mappings": {"properties": {"n": {"type": "date", "format": "epoch_second"}}}})
    with lines.open("a") as f:
        f.write('{"n": "many"}\n')
    counts = penstock_aws.ship(lines, domain=domain, index="app", dead_letters=tmp_path / "letters", workers=1)
    assert (counts.delivered, counts.dead_lettered) == (100, 1)
    assert counts.dead_letters == str(tmp_path / "letters")


@pytest.mark.parametrize(
    "given",
    [
        "ä\nb\n", "ä\nb\n".encode(), io.BytesIO("ä\nb\n".encode()), io.StringIO("ä\nb\n"), iter([b"\xc3", b"\xa4\nb\n"]),
        iter(["ä\n", "b\n"]),
    ],
    ids=["text", "bytes", "file", "text file", "iterator", "text iterator"],
)
def test_standard_input_is_anything_with_bytes_or_text(domain, given):
    counts = penstock_aws.ship("-", domain=domain, index="text", format="text", stdin=given)
    assert counts.delivered == 2
    assert sorted(d["message"] for d in domain.documents("text")) == ["b", "ä"]


def test_a_dry_run_counts_and_sends_nothing(domain, lines):
    counts = penstock_aws.ship(lines, domain=domain, index="app", dry_run=True)
    assert (counts.records, counts.delivered, counts.raw["previewed"]) == (100, 0, 100)
    assert domain.documents("app") == []


def test_errors_come_by_kind(domain, lines, tmp_path):
    with pytest.raises(penstock_aws.UsageError, match="workers") as usage:
        penstock_aws.ship(lines, domain=domain, workers="many")
    assert usage.value.counts is None and usage.value.hint
    with pytest.raises(penstock_aws.UsageError):
        penstock_aws.ship(tmp_path / "none.log", domain=domain)
    with pytest.raises(penstock_aws.UsageError, match="no source"):
        penstock_aws.ship(domain=domain)
    with pytest.raises(penstock_aws.UsageError, match='"-" is not among'):
        penstock_aws.ship(lines, stdin=b"x", domain=domain)
    with domain.fault("bulk-item=503"), pytest.raises(penstock_aws.Incomplete) as incomplete:
        penstock_aws.ship(lines, domain=domain.url, environment=domain.environment(), index="app", retry_budget="50ms")
    assert incomplete.value.counts.unacknowledged == 100
    domain.deny()
    with pytest.raises(penstock_aws.Refused, match="explicit deny") as refused:
        penstock_aws.ship(lines, domain=domain, index="app")
    assert refused.value.counts.unacknowledged == 100 and refused.value.counts.balanced


def test_names_that_look_like_flags_are_names(domain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--json").write_text('{"time":"2026-01-01T00:00:00Z"}\n')
    assert penstock_aws.ship("--json", domain=domain, index="app").delivered == 1


def slowly(stop):
    for n in range(200):
        yield b'{"n":%d}\n' % n
        if stop.wait(0.02):
            return


def test_progress_is_told_and_may_end_the_run(domain):
    stop, told = threading.Event(), []

    def look(progress):
        told.append(progress)
        if len(told) == 3:
            stop.set()

    counts = penstock_aws.ship(
        domain=domain, index="app", format="ndjson", stdin=slowly(stop), progress=look, progress_every=0.05
    )
    assert len(told) >= 3 and counts.delivered == counts.records > 0

    def refuse(progress):
        stop.set()
        raise KeyError("enough")

    stop.clear()
    with pytest.raises(KeyError, match="enough"):
        penstock_aws.ship(
            domain=domain, index="app", format="ndjson", stdin=slowly(stop), progress=refuse, progress_every=0.05
        )


def failing():
    yield b'{"n":1}\n'
    raise ValueError("the giver gives up")


def test_what_the_giver_raises_is_raised(domain):
    with pytest.raises(ValueError, match="gives up"):
        penstock_aws.ship(domain=domain, index="app", format="ndjson", stdin=failing())

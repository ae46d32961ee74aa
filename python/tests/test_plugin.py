import os

import pytest

pytest_plugins = ["pytester"]


def test_a_call_that_passes_and_one_that_is_refused(pytester):
    pytester.makepyfile(
        """
        def test_passes(opensearch_domain):
            opensearch_domain.request("PUT", "/logs/_doc/1", {"n": 1})
            assert opensearch_domain.documents("logs") == [{"n": 1}]

        def test_refused(opensearch_domain):
            assert opensearch_domain.documents() == []
            opensearch_domain.allow("es:ESHttpGet")
            assert opensearch_domain.request("PUT", "/logs/_doc/1", {"n": 1}).status == 201
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*penstock domain*", '*"request refused"*"es:ESHttpPut on /logs/_doc/1: refused*'])


def test_the_environment_is_that_of_the_domain_and_is_given_back(pytester, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:4566")
    monkeypatch.delenv("AWS_REGION", raising=False)
    pytester.makepyfile(
        """
        import os

        def test_inside(opensearch_domain):
            assert "AWS_PROFILE" not in os.environ and "AWS_SESSION_TOKEN" not in os.environ
            assert os.environ["AWS_ACCESS_KEY_ID"] == opensearch_domain.credentials.access_key
            assert os.environ["AWS_REGION"] == "eu-west-1"
            assert os.environ["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:4566"
            assert os.environ["AWS_ENDPOINT_URL_STS"] == opensearch_domain.url

        def test_after():
            assert os.environ["AWS_PROFILE"] == os.environ["AWS_SESSION_TOKEN"] == "mine"
            assert "AWS_REGION" not in os.environ
            assert os.environ["AWS_ENDPOINT_URL_STS"] == "http://127.0.0.1:4566"

        def test_session(opensearch_domain, opensearch_role_session):
            assert os.environ["AWS_SESSION_TOKEN"] == opensearch_role_session.credentials.token
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)
    assert os.environ["AWS_PROFILE"] == "mine"


def test_a_mark_and_the_settings_choose_the_domain(pytester):
    pytester.makeini("[pytest]\nopensearch_region = us-east-1\n")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.opensearch(compat="2015-10", name="sandbox01")
        def test_old(opensearch_domain):
            text = opensearch_domain.request("GET", "/", anonymous=True).text
            assert "on resource: arn:aws:es:us-east-1:123456789012:domain/sandbox01/" in text

        def test_new(opensearch_domain):
            assert opensearch_domain.region == "us-east-1"
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "--strict-markers").assert_outcomes(passed=2)


def test_a_mark_without_names_is_refused(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.opensearch("2015-10")
        def test_old(opensearch_domain):
            pass
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the mark opensearch takes names: '2015-10' has none", '*hint: write compat="2015-10"'])


def test_code_under_test_needs_no_word_about_the_domain(pytester):
    pytest.importorskip("boto3")
    pytester.makepyfile(
        """
        import boto3

        def assume():
            return boto3.client("sts").get_caller_identity()["Arn"]

        def test_sts(opensearch_domain):
            assert assume() == opensearch_domain.user_arn

        def test_data(opensearch_domain):
            opensearch_domain.session.resource("esdata").Index("a").Document("1").put(body={"n": 1})
            assert opensearch_domain.documents("a") == [{"n": 1}]
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)

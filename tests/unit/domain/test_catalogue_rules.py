"""A catalogue in a policy: what is refused, also where the API server's rules are older."""

from typing import Any

import pytest

from support.catalogues import (
    BAD_URLS,
    GOOD_URLS,
    HOSTS_FOR_TOKENS,
    HOSTS_WITHOUT_TOKENS,
)
from unit.policies import a_policy, any_policy
from workflow_audit.models.policy import ClusterPolicySpec, InvalidPolicy

TOKEN = {"credentials": {"secretRef": {"name": "workflow-audit-catalogue"}}}


def of(**catalogue: Any) -> Any:
    return any_policy("all", {"catalogue": catalogue})


@pytest.mark.parametrize("url", GOOD_URLS)
def test_good_urls(url: str) -> None:
    spec = a_policy("all", {"catalogue": {"url": url}}).spec
    assert isinstance(spec, ClusterPolicySpec)
    assert spec.catalogue is not None
    assert (spec.catalogue.url, spec.catalogue.timeout_seconds) == (url, 5)


@pytest.mark.parametrize("url", BAD_URLS)
def test_bad_urls(url: str) -> None:
    policy = of(url=url)
    assert isinstance(policy, InvalidPolicy)
    assert policy.finding.path == "spec.catalogue.url"


@pytest.mark.parametrize("url", ["https://catalogue.example", *HOSTS_FOR_TOKENS])
def test_a_token_goes_by_tls_or_stays_on_the_machine(url: str) -> None:
    assert not isinstance(of(url=url, **TOKEN), InvalidPolicy)


@pytest.mark.parametrize("url", HOSTS_WITHOUT_TOKENS)
def test_a_token_is_not_sent_for_all_to_read(url: str) -> None:
    policy = of(url=url, **TOKEN)
    assert isinstance(policy, InvalidPolicy)
    assert "a token may not be sent without TLS" in str(policy.finding)
    assert not isinstance(of(url=url), InvalidPolicy)


@pytest.mark.parametrize(
    ("field", "value"),
    [("timeoutSeconds", 0.05), ("timeoutSeconds", 6), ("caBundle", ""), ("credentials", {})],
)
def test_bad_fields(field: str, value: Any) -> None:
    policy = of(url="https://catalogue.example", **{field: value})
    assert isinstance(policy, InvalidPolicy)
    assert policy.finding.path.startswith(f"spec.catalogue.{field}")


def test_a_policy_of_a_namespace_has_none() -> None:
    policy = a_policy("own", {"catalogue": {"url": "https://evil.example"}}, namespace="team-a")
    assert not hasattr(policy.spec, "catalogue")

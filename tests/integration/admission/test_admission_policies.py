"""Who may delete, forge and change what: the shipped policies on a real API server."""

from collections.abc import Iterator
from typing import Any

import pytest

from integration.admission.conftest import UserWith
from support.api import MERGE_PATCH, Answer, Api
from support.eventually import eventually
from support.kubernetes_versions import STAMPS_REQUESTERS, stamps
from support.searches import Searches, bundled_specs, search

pytestmark = pytest.mark.cluster

SPEC = bundled_specs()[0]
ABANDON = "audit.kubernaut.ai/abandon"
STAMP_BINDINGS = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings"
STAMP = "requester-stamp.audit.kubernaut.ai"
NOT_RECORDED = "this search is not recorded yet, so it cannot be deleted"
EVERYTHING = ["create", "get", "list", "update", "patch", "delete", "deletecollection"]


def created(searches: Searches, *, reason: str | None = None, name: str = "one") -> str:
    manifest = search(SPEC, name)
    if reason is not None:
        manifest["metadata"]["annotations"] = {ABANDON: reason}
    assert searches.submit(manifest).ok
    return f"{searches.path}/{name}"


def finished(searches: Searches, phase: str, *, name: str = "one") -> str:
    path = created(searches, name=name)
    status = {"status": {"phase": phase}}
    assert searches.api.request("PATCH", f"{path}/status", status, MERGE_PATCH).ok
    return path


def assert_refused(answer: Answer, *words: str) -> None:
    assert answer.status == 403, answer
    for word in words:
        assert word in answer.message


# Deletion.


def test_not_even_a_cluster_administrator_deletes_an_unrecorded_search(
    searches: Searches, user_with: UserWith
) -> None:
    path = created(searches)
    for administrator in (searches.api, user_with(searches=["*"])):
        assert_refused(administrator.delete(path), NOT_RECORDED, "give a reason", ABANDON)


@pytest.mark.parametrize("reason", [None, ""], ids=["no-annotation", "empty-reason"])
def test_verb_alone_does_not_abandon(
    searches: Searches, user_with: UserWith, reason: str | None
) -> None:
    path = created(searches, reason=reason)
    user = user_with(searches=["delete", "abandon"])
    assert_refused(user.delete(path), NOT_RECORDED)


def test_annotation_alone_does_not_abandon(searches: Searches, user_with: UserWith) -> None:
    path = created(searches, reason="the operator is gone for good")
    user = user_with(searches=EVERYTHING)
    assert_refused(user.delete(path), NOT_RECORDED, "you lack the verb abandon")


def test_annotation_and_verb_abandon(searches: Searches, user_with: UserWith) -> None:
    path = created(searches, reason="the operator is gone for good")
    user = user_with(searches=["delete", "abandon"])
    assert user.delete(path).ok
    assert searches.listed() == []


def test_annotation_may_be_added_later(searches: Searches) -> None:
    path = created(searches)
    assert_refused(searches.api.delete(path), NOT_RECORDED)
    annotated = {"metadata": {"annotations": {ABANDON: "a test cluster"}}}
    assert searches.api.request("PATCH", path, annotated, MERGE_PATCH).ok
    assert searches.api.delete(path).ok


def test_deletecollection_is_guarded(searches: Searches, user_with: UserWith) -> None:
    created(searches)
    for user in (searches.api, user_with(searches=[*EVERYTHING, "abandon"])):
        assert_refused(user.delete(searches.path), NOT_RECORDED)
    assert len(searches.listed()) == 1


def test_deletecollection_takes_what_is_finished_only(searches: Searches) -> None:
    finished(searches, "Recorded", name="a-finished")
    created(searches, name="b-unrecorded")
    assert_refused(searches.api.delete(searches.path), NOT_RECORDED)
    assert "b-unrecorded" in {item["metadata"]["name"] for item in searches.listed()}


@pytest.mark.parametrize("phase", ["Recorded", "Skipped"])
def test_finished_searches_can_be_deleted(
    searches: Searches, user_with: UserWith, phase: str
) -> None:
    path = finished(searches, phase)
    assert user_with(searches=["delete"]).delete(path).ok
    assert searches.listed() == []


def test_pending_is_not_finished(searches: Searches) -> None:
    assert_refused(searches.api.delete(finished(searches, "Pending")), NOT_RECORDED)


# Status.


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_status_is_written_only_by_who_may_record(
    searches: Searches, user_with: UserWith, method: str
) -> None:
    path = created(searches)
    forger = user_with(searches=EVERYTHING, status=["get", "patch", "update"])
    assert_refused(set_phase(forger, path, method), "needs the verb record")
    assert searches.get("one").get("status") is None
    recorder = user_with(searches=["get", "record"], status=["get", "patch", "update"])
    assert set_phase(recorder, path, method).ok
    assert searches.get("one")["status"] == {"phase": "Recorded"}


def set_phase(user: Api, path: str, method: str) -> Answer:
    status: dict[str, Any] = {"status": {"phase": "Recorded"}}
    if method == "PATCH":
        return user.request("PATCH", f"{path}/status", status, MERGE_PATCH)
    return user.request("PUT", f"{path}/status", user.get(path) | status)


def test_status_in_a_new_search_or_a_plain_update_counts_for_nothing(
    searches: Searches, user_with: UserWith
) -> None:
    user = user_with(searches=EVERYTHING)
    forged = search(SPEC, "forged") | {"status": {"phase": "Recorded"}}
    assert user.request("POST", searches.path, forged).ok
    path = f"{searches.path}/forged"
    assert user.request("PATCH", path, {"status": {"phase": "Recorded"}}, MERGE_PATCH).ok
    assert searches.get("forged").get("status") is None
    assert_refused(user.delete(path), NOT_RECORDED)


def test_finished_is_not_made_unfinished_by_others(searches: Searches, user_with: UserWith) -> None:
    path = finished(searches, "Recorded")
    forger = user_with(searches=EVERYTHING, status=["patch"])
    answer = forger.request("PATCH", f"{path}/status", {"status": {"phase": None}}, MERGE_PATCH)
    assert_refused(answer, "needs the verb record")


# Requester and spec.


@stamps
def test_requester_is_the_caller_whatever_the_search_says(
    searches: Searches, user_with: UserWith
) -> None:
    user = user_with(searches=["create"])
    for name, spec in (("silent", SPEC), ("lying", {**SPEC, "requestedBy": "system:admin"})):
        assert user.request("POST", searches.path, search(spec, name)).ok
        assert searches.get(name)["spec"]["requestedBy"] == user.name


@pytest.fixture
def without_stamp(api: Api, searches: Searches) -> Iterator[None]:
    """Take the stamp away, as it is on clusters that have no MutatingAdmissionPolicy."""
    if not STAMPS_REQUESTERS:
        yield
        return
    lying = search({**SPEC, "requestedBy": "system:admin"}, "lying")
    binding = api.get(f"{STAMP_BINDINGS}/{STAMP}")
    del binding["metadata"]["resourceVersion"], binding["metadata"]["uid"]
    assert api.delete(f"{STAMP_BINDINGS}/{STAMP}").ok
    eventually(lambda: api.request("POST", f"{searches.path}?dryRun=All", lying).status == 403)
    yield
    api.create(STAMP_BINDINGS, binding)
    eventually(lambda: api.request("POST", f"{searches.path}?dryRun=All", lying).ok)


def test_without_the_stamp_another_name_is_refused(
    without_stamp: None, searches: Searches, user_with: UserWith
) -> None:
    user = user_with(searches=["create"])
    lying, silent, honest = (
        user.request("POST", searches.path, search({**SPEC, **requester}, name))
        for name, requester in (
            ("lying", {"requestedBy": "system:admin"}),
            ("silent", {}),
            ("honest", {"requestedBy": user.name}),
        )
    )
    assert_refused(lying, "spec.requestedBy is not your user name", "leave it out")
    assert silent.ok
    assert "requestedBy" not in searches.get("silent")["spec"]
    assert honest.ok


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"correlationId": "rr-other"}, id="correlation"),
        pytest.param({"requestedBy": "somebody"}, id="requester"),
        pytest.param({"query": {"text": "another question"}}, id="query"),
        pytest.param({"results": None, "failure": {"code": "Forged"}}, id="results"),
        pytest.param({"searchedAt": "2026-01-01T00:00:00Z"}, id="what-was-left-out"),
    ],
)
def test_spec_never_changes(searches: Searches, change: dict[str, Any]) -> None:
    path = created(searches)
    before = searches.get("one")["spec"]
    answer = searches.api.request("PATCH", path, {"spec": change}, MERGE_PATCH)
    assert answer.status == 422
    assert "spec" in answer.message
    assert "its spec must not change" in answer.message
    assert searches.get("one")["spec"] == before


def test_spec_never_changes_along_with_a_phase(searches: Searches) -> None:
    """Where the phase changes the specs are not compared: the API server keeps the two apart."""
    path = created(searches)
    before = searches.get("one")
    both = {"spec": {"query": {"text": "another question"}}, "status": {"phase": "Recorded"}}
    refused = searches.api.request("PATCH", path, both, MERGE_PATCH)
    assert (refused.status, "its spec must not change" in refused.message) == (422, True)
    assert searches.get("one") == before
    assert searches.api.request("PATCH", f"{path}/status", both, MERGE_PATCH).ok
    after = searches.get("one")
    assert (after["spec"], after["status"]["phase"]) == (before["spec"], "Recorded")
    assert searches.api.request("PATCH", path, both, MERGE_PATCH).status == 422, "once recorded too"


@stamps
def test_a_search_may_be_applied_again(searches: Searches) -> None:
    manifest = search(SPEC, "one")
    path = f"{searches.path}/one"
    first = searches.api.apply(path, manifest)
    assert (
        searches.api.apply(path, manifest)["metadata"]["resourceVersion"]
        == (first["metadata"]["resourceVersion"])
    )
    assert first["spec"]["requestedBy"] == searches.api.name

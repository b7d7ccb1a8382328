"""What all objects of policies have in common."""

import copy
from typing import Any

import pytest

from unit.policies import a_policy
from workflow_audit.domain.children.child import (
    APPLIED,
    Child,
    child,
    child_name,
    in_place,
    owner_key,
    owner_uid,
)
from workflow_audit.models.policy import PolicyKey
from workflow_audit.models.resource import CONFIG_MAP

OWN = a_policy("audit", namespace="team-a")


def a_child(data: str = "x", **labels: str) -> Child:
    return child(CONFIG_MAP, OWN, "team-a", {"data": {"a": data}}, labels)


def test_an_object_is_its_policys() -> None:
    manifest = a_child().manifest
    assert owner_uid(manifest) == str(OWN.uid)
    assert owner_key(manifest) == OWN.key
    (owner,) = manifest["metadata"]["ownerReferences"]
    assert owner["blockOwnerDeletion"] is False


def test_owners_that_are_not_policies() -> None:
    manifest = copy.deepcopy(a_child().manifest)
    manifest["metadata"]["ownerReferences"][0] |= {"apiVersion": "apps/v1", "kind": "Deployment"}
    assert owner_key(manifest) is None
    assert owner_uid({"metadata": {}}) is None
    assert owner_key({"metadata": {}}) is None


def test_names_of_both_kinds_differ_and_are_never_too_long() -> None:
    own, cluster = PolicyKey("AuditPolicy", "a", "x"), PolicyKey("ClusterAuditPolicy", None, "x")
    assert child_name(own) != child_name(cluster)
    long = [child_name(PolicyKey("AuditPolicy", "a", "x" * 252 + end)) for end in "ab"]
    assert {len(name) for name in long} == {253}
    assert long[0] != long[1]


def test_the_mark_changes_with_everything_that_is_asked_for() -> None:
    marks = {
        each.manifest["metadata"]["annotations"][APPLIED]
        for each in (a_child(), a_child("y"), a_child(extra="1"))
    }
    assert len(marks) == 3
    assert a_child().manifest == a_child().manifest


def test_our_own_labels_win() -> None:
    manifest = a_child(**{"app.kubernetes.io/managed-by": "helm"}).manifest
    assert manifest["metadata"]["labels"]["app.kubernetes.io/managed-by"] != "helm"


ANOTHER_OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}


def found(**changes: Any) -> dict[str, Any]:
    item = copy.deepcopy(a_child().manifest)
    item["metadata"] |= {"uid": "u", "resourceVersion": "7"}
    item |= changes
    return item


@pytest.mark.parametrize(
    ("item", "right"),
    [
        pytest.param(found(), True, id="as-wanted"),
        pytest.param(found(immutable=True), True, id="fields-of-others"),
        pytest.param(found(data={"a": "x", "b": "y"}), True, id="keys-of-others"),
        pytest.param(found(data={"a": "z"}), False, id="another-value"),
        pytest.param(found(data={}), False, id="a-key-is-gone"),
        pytest.param(found(data=None), False, id="not-a-map"),
    ],
)
def test_drift(item: dict[str, Any], right: bool) -> None:
    assert in_place(a_child().manifest, item) is right


def test_further_owners_are_no_drift() -> None:
    item = found()
    item["metadata"]["ownerReferences"].append(ANOTHER_OWNER)
    assert in_place(a_child().manifest, item)
    item["metadata"]["ownerReferences"].pop(0)
    assert not in_place(a_child().manifest, item)


def test_further_entries_of_a_list_are_drift() -> None:
    assert not in_place({"subjects": [1]}, {"subjects": [1, 2]})

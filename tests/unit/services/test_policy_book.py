"""A search's policy is known without asking anybody, and waited for where it is not."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from unit.policies import a_policy_body
from workflow_audit.errors import NamespaceUnknownError, PoliciesUnknownError, PolicyInvalidError
from workflow_audit.models.search import Metadata
from workflow_audit.services.policy_book import PolicyBook


def a_namespace(name: str = "team-a", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


def search(namespace: str = "team-a", **labels: str) -> Metadata:
    return Metadata(namespace, "rr-1", uuid4(), 1, datetime(2026, 11, 24, tzinfo=UTC), labels)


def a_book(*bodies: dict[str, Any], enabled: bool = True) -> PolicyBook:
    book = PolicyBook(enabled=enabled)
    book.namespace_changed(None, a_namespace())
    for body in bodies:
        book.policy_changed(None, body)
    return book


async def name(book: PolicyBook, metadata: Metadata | None = None) -> str:
    return (await book.applying(metadata or search(), 0)).name


async def test_without_policies_the_default_applies() -> None:
    policy = await a_book().applying(search(), 0)
    assert (policy.name, policy.rules.enabled) == ("default", True)


async def test_policies_come_change_and_go() -> None:
    book, body = a_book(), a_policy_body("own", namespace="team-a")
    book.policy_changed(None, body)
    assert await name(book) == "AuditPolicy/own"
    off = a_policy_body("own", {"enabled": False}, namespace="team-a", generation=2)
    book.policy_changed(body, off)
    assert not (await book.applying(search(), 0)).rules.enabled
    book.policy_changed(off, None)
    assert await name(book) == "default"
    assert book.policies() == []


async def test_a_namespaces_labels_count_as_they_are_now() -> None:
    book = a_book(a_policy_body("prod", {"namespaceSelector": {"matchLabels": {"s": "prod"}}}))
    assert await name(book) == "default"
    book.namespace_changed(a_namespace(), a_namespace(s="prod"))
    assert await name(book) == "ClusterAuditPolicy/prod"


async def test_labels_of_the_search_count() -> None:
    selector = {"selector": {"matchLabels": {"a": "1"}}}
    book = a_book(a_policy_body("own", selector, namespace="team-a"))
    assert await name(book, search(a="1")) == "AuditPolicy/own"
    assert await name(book, search(a="2")) == "default"


async def test_the_operators_own_switch_wins() -> None:
    book = a_book(a_policy_body("all", {"enabled": True}), enabled=False)
    policy = await book.applying(search("namespace-of-which-nobody-told"), 0)
    assert (policy.name, policy.rules.enabled) == ("default", False)


async def test_one_that_cannot_be_used_is_named() -> None:
    book = a_book(a_policy_body("bad", {"limits": {"maxWorkflows": 0}}))
    with pytest.raises(PolicyInvalidError, match=r"^ClusterAuditPolicy/bad cannot be used: spec\."):
        await name(book)


async def test_a_search_waits_until_policies_are_known() -> None:
    book, known = a_book(), asyncio.Event()
    book.follow([known])
    with pytest.raises(PoliciesUnknownError):
        await book.applying(search(), 0.01)
    waiting = asyncio.create_task(book.applying(search()))
    await asyncio.sleep(0)
    book.policy_changed(None, a_policy_body("late"))
    known.set()
    assert (await waiting).name == "ClusterAuditPolicy/late"


async def test_a_search_waits_until_its_namespace_is_known() -> None:
    book = a_book()
    waiting = asyncio.create_task(book.applying(search("new")))
    await asyncio.sleep(0)
    book.namespace_changed(None, a_namespace("another"))
    await asyncio.sleep(0)
    assert not waiting.done()
    book.namespace_changed(None, a_namespace("new"))
    assert (await waiting).name == "default"
    book.namespace_changed(a_namespace("new"), None)
    with pytest.raises(NamespaceUnknownError, match="no namespace 'new'"):
        await book.applying(search("new"), 0)


async def test_everything_is_given_once_all_of_it_was_told() -> None:
    body = a_policy_body("own", namespace="team-a")
    book, first, second = a_book(body), asyncio.Event(), asyncio.Event()
    book.follow([first, second])
    waiting = asyncio.create_task(book.wait_until_known())
    for event in (first, second):
        with pytest.raises(PoliciesUnknownError):
            book.everything()
        assert not waiting.done()
        event.set()
    await waiting
    known = book.everything()
    assert [policy.key.name for policy in known.policies] == ["own"]
    assert known.namespaces == {"team-a": {}}
    book.namespace_changed(a_namespace(), a_namespace(stage="production"))
    assert known.namespaces == {"team-a": {}}, "what was given does not change"
    assert book.everything().namespaces == {"team-a": {"stage": "production"}}


async def test_rules_are_compiled_once() -> None:
    book = a_book(a_policy_body("a", namespace="team-a"), a_policy_body("all", {"priority": 3}))
    book.namespace_changed(None, a_namespace("team-b"))
    own = await book.applying(search(), 0)
    other = await book.applying(search("team-b"), 0)
    assert (own.name, other.name) == ("AuditPolicy/a", "ClusterAuditPolicy/all")
    assert own.redactor is other.redactor


CATALOGUE = {"catalogue": {"url": "https://catalogue.example"}}


async def test_the_catalogue_is_that_of_the_cluster_policy() -> None:
    book = a_book(a_policy_body("own", namespace="team-a"), a_policy_body("all", CATALOGUE))
    named = book.catalogue(search())
    assert named is not None
    assert (named.policy, named.catalogue.url) == (
        "ClusterAuditPolicy/all",
        "https://catalogue.example",
    )
    assert (await book.applying(search(), 0)).name == "AuditPolicy/own"


def test_without_a_catalogue_there_is_none() -> None:
    assert a_book(a_policy_body("all")).catalogue(search()) is None


def test_a_catalogue_that_might_be_another_is_waited_for() -> None:
    book = a_book(
        a_policy_body("a", {"limits": {"maxWorkflows": 0}}), a_policy_body("b", CATALOGUE)
    )
    with pytest.raises(PolicyInvalidError, match=r"^ClusterAuditPolicy/a cannot be used: spec\."):
        book.catalogue(search())

"""kopf writes nothing on its own, and no outage makes it give up."""

from itertools import islice

import kopf
import pytest

from unit.searches import TINY, an_object
from workflow_audit.handlers.storages import NoDiffBase, NoMemories, NoProgress
from workflow_audit.handlers.tuning import (
    FIRST_BACKOFF_SECONDS,
    LONGEST_BACKOFF_SECONDS,
    EndlessBackoffs,
    kopf_settings,
)
from workflow_audit.settings.operating import OperatorSettings


def test_pauses_never_end() -> None:
    assert len(list(islice(EndlessBackoffs(), 10_000))) == 10_000


def test_pauses_are_bounded_from_the_first_to_the_last() -> None:
    for number, pause in enumerate(islice(EndlessBackoffs(), 200)):
        longest = min(FIRST_BACKOFF_SECONDS * 2**number, LONGEST_BACKOFF_SECONDS)
        assert longest / 2 <= pause <= longest


def test_pauses_start_anew_for_every_request() -> None:
    backoffs = EndlessBackoffs()
    list(islice(backoffs, 50))
    assert next(iter(backoffs)) <= FIRST_BACKOFF_SECONDS


def test_two_operators_do_not_pause_alike() -> None:
    backoffs = EndlessBackoffs()
    assert list(islice(backoffs, 10)) != list(islice(backoffs, 10))


@pytest.fixture
def tuned() -> kopf.OperatorSettings:
    return kopf_settings(OperatorSettings(exit_timeout_seconds=7))


def test_kopf_is_told_not_to_write(tuned: kopf.OperatorSettings) -> None:
    assert tuned.posting.enabled is False
    assert isinstance(tuned.persistence.diffbase_storage, NoDiffBase)
    assert isinstance(tuned.persistence.progress_storage, NoProgress)


def test_kopf_is_told_to_go_on(tuned: kopf.OperatorSettings) -> None:
    assert isinstance(tuned.networking.error_backoffs, EndlessBackoffs)
    assert tuned.scanning.disabled is True
    assert tuned.queueing.worker_limit is None
    assert tuned.queueing.idle_timeout <= 0.1
    assert tuned.queueing.exit_timeout == 7


def test_only_unrecorded_searches_are_listed(tuned: kopf.OperatorSettings) -> None:
    ((selector, unrecorded),) = tuned.watching.field_selectors.items()
    assert (selector.group, selector.version) == ("audit.kubernaut.ai", "v1alpha1")
    assert selector.any_name == "workflowsearches"
    assert unrecorded == "status.phase!=Recorded,status.phase!=Skipped"


def test_a_diff_base_remembers_and_compares_nothing() -> None:
    storage, body, patch = NoDiffBase(), kopf.Body(an_object(TINY)), kopf.Patch()
    essence = storage.build(body=body)
    storage.store(body=body, patch=patch, essence=essence)
    assert not patch
    assert storage.fetch(body=body) is None
    assert essence == {}


def test_progress_remembers_nothing() -> None:
    storage, body, patch = NoProgress(), kopf.Body(an_object(TINY)), kopf.Patch()
    storage.store(key="handler", record={"started": "now"}, body=body, patch=patch)
    storage.touch(body=body, patch=patch, value="now")
    storage.purge(key="handler", body=body, patch=patch)
    assert not patch
    assert storage.fetch(key="handler", body=body) is None
    assert storage.clear(essence={"spec": 1}) == {"spec": 1}


async def test_of_an_object_nothing_is_kept_after_its_event() -> None:
    memories, memo = NoMemories(), object()
    memory = await memories.recall(an_object(TINY), noticed_by_listing=True, memobase=[memo])
    assert memory.noticed_by_listing
    assert memory.memo == [memo]
    assert list(memories.iter_all_memories()) == []
    await memories.forget(an_object(TINY))

"""Parameters of the Kubernetes API are checked by name."""

import pytest

from workflow_audit.api.parameters import listed_up_to, watched_from
from workflow_audit.errors import InvalidFieldError


@pytest.mark.parametrize(
    ("version", "match", "watched", "listed"),
    [
        pytest.param("", "", None, None, id="nothing-is-now"),
        pytest.param("0", "", None, None, id="any-is-now"),
        pytest.param("1", "", 0, None, id="before-the-first-event"),
        pytest.param("78", "NotOlderThan", 77, None, id="the-newest-is-not-older"),
        pytest.param("78", "Exact", 77, 77, id="as-of-then"),
        pytest.param("1", "Exact", 0, 0, id="as-of-the-beginning"),
    ],
)
def test_where_lists_end_and_watches_begin(
    version: str, match: str, watched: int | None, listed: int | None
) -> None:
    parameters = {"resourceVersion": version, "resourceVersionMatch": match}
    assert watched_from(parameters) == watched
    assert listed_up_to(parameters) == listed


@pytest.mark.parametrize(
    ("version", "match", "field"),
    [
        ("0", "Exact", "resourceVersion"),
        ("", "Exact", "resourceVersion"),
        ("-1", "", "resourceVersion"),
        ("x", "Exact", "resourceVersion"),
        ("1", "exact", "resourceVersionMatch"),
    ],
)
def test_what_cannot_be_meant_is_named(version: str, match: str, field: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        listed_up_to({"resourceVersion": version, "resourceVersionMatch": match})
    assert caught.value.path == field

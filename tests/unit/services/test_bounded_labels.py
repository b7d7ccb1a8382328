"""What others write does not make series without end."""

from workflow_audit.services.bounded_labels import OTHER, BoundedLabels


def given(most: int, *values: str) -> list[str]:
    labels = BoundedLabels(most)
    return [labels.label(value) for value in values]


def test_the_first_values_are_kept_and_later_ones_are_other() -> None:
    assert given(2, "a", "b", "c", "a", "d", "b") == ["a", "b", OTHER, "a", OTHER, "b"]


def test_values_that_come_again_take_no_further_place() -> None:
    assert given(2, "a", "a", "a", "b") == ["a", "a", "a", "b"]


def test_without_any_place_all_are_other() -> None:
    assert given(0, "a", OTHER) == [OTHER, OTHER]

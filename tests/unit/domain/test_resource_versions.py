"""Every position has a version, also the one before the first event; 0 stays Kubernetes' own."""

import pytest

from workflow_audit.domain.resource_versions import position_of, resource_version


@pytest.mark.parametrize("position", [0, 1, 77, 2**62])
def test_a_version_leads_back_to_its_position(position: int) -> None:
    version = resource_version(position)
    assert int(version) > 0
    assert position_of(int(version)) == position


def test_zero_is_any() -> None:
    assert position_of(0) is None

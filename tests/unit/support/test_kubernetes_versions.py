import re

import pytest

from support.kubernetes_versions import (
    MODULES,
    OLDER_MINORS,
    VERSION_VARIABLE,
    patch_version,
    use_asked_version,
)
from workflow_audit.errors import LocalError


@pytest.mark.parametrize("minor", OLDER_MINORS)
def test_every_module_of_kubernetes_has_the_version(minor: str) -> None:
    version = patch_version(minor)
    assert version.startswith(f"v{minor}.")
    text = (MODULES / minor / "go.mod").read_text()
    staging = version.replace("v1.", "v0.")
    replaced = re.findall(r"^\s+k8s\.io/\S+ => k8s\.io/\S+ (\S+)$", text, re.MULTILINE)
    assert len(replaced) > 30
    assert set(replaced) == {staging}


def test_there_is_a_module_for_every_version_and_no_other() -> None:
    assert {path.name for path in MODULES.iterdir()} == set(OLDER_MINORS)


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(LocalError, match=r"'1\.20' is not built here; give one of 1\.35, 1\.36"):
        use_asked_version({VERSION_VARIABLE: "1.20"}, pytest.fail)


def test_without_the_variable_nothing_changes() -> None:
    environment: dict[str, str] = {}
    use_asked_version(environment, pytest.fail)
    assert environment == {}

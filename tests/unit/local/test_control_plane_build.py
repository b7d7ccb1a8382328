from workflow_audit.local.control_plane_build import version_variables


def test_version_is_written_into_the_programs() -> None:
    variables = version_variables("v1.37.2")
    assert "gitVersion=v1.37.2" in variables
    assert "gitMajor=1 " in variables
    assert variables.endswith("gitMinor=37")

"""Values that the documentation gives as examples: what the chart makes of them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.chart import CHART, ROOT, Json, Values, objects, one, rendered
from support.documents import blocks
from support.go_tools import Program

EXAMPLES = ROOT / "examples"
HOOK = "helm.sh/hook"


def example(name: str) -> Json:
    values: Json = yaml.safe_load((EXAMPLES / "helm" / name).read_text(encoding="utf-8"))
    return values


def migration(helm: Program, values: Values) -> Json:
    job = one(objects(rendered(helm, values)), "Job", "workflow-audit-migration")
    pod: Json = job["spec"]["template"]["spec"]
    return pod


def variables(pod: Json) -> dict[str, Any]:
    (container,) = pod["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def test_all_examples_are_tested() -> None:
    names = {each.name for each in (EXAMPLES / "helm").iterdir()}
    assert names == {"trial.yaml", "cloudnative-pg.yaml", "managed-service.yaml"}


def test_cloudnative_pg_gives_user_and_password(helm: Program) -> None:
    pod = migration(helm, example("cloudnative-pg.yaml"))
    volumes = {each["name"]: each["secret"] for each in pod["volumes"]}
    assert volumes["database-migration"]["secretName"] == "audit-app"
    assert volumes["database-migration"]["items"] == [{"key": "password", "path": "password"}]
    assert volumes["database-authority"]["secretName"] == "audit-ca"
    given = variables(pod)
    assert given["PGHOST"] == "audit-rw.workflow-audit.svc"
    assert given["PGSSLMODE"] == "verify-full"
    assert "AUDIT_DATABASE_URL_FILE" not in given


def test_the_cluster_of_cloudnative_pg_has_the_logins_that_the_chart_uses() -> None:
    page = (ROOT / "docs" / "how-to" / "connect-a-database.md").read_text(encoding="utf-8")
    (cluster,) = [
        yaml.safe_load(block.text) for block in blocks(page) if "kind: Cluster\n" in block.text
    ]
    roles = cluster["spec"]["managed"]["roles"]
    names = [role["name"] for role in roles]
    for place, role in enumerate(roles):
        assert set(role.get("inRoles", [])) <= set(names[:place]), "groups come first"
    secrets = {role["passwordSecret"]["name"] for role in roles if "passwordSecret" in role}
    logins = yaml.safe_load((CHART / "values.yaml").read_text())["database"]["logins"]
    assert secrets == {logins[each] for each in ("operator", "retention", "apiserver")}
    assert cluster["spec"]["bootstrap"]["initdb"]["owner"] in names
    host = example("cloudnative-pg.yaml")["database"]["host"]
    assert host.startswith(f"{cluster['metadata']['name']}-rw.{cluster['metadata']['namespace']}.")


def test_a_managed_service_gives_whole_urls(helm: Program) -> None:
    pod = migration(helm, example("managed-service.yaml"))
    given = variables(pod)
    assert given["AUDIT_DATABASE_URL_FILE"] == "/etc/workflow-audit/database/migration/url"
    assert given["PGSSLROOTCERT"] == "/etc/workflow-audit/database/authority/ca.crt"
    assert "PGHOST" not in given


def installation(name: str) -> Json:
    documents = yaml.safe_load_all((EXAMPLES / "gitops" / name).read_text(encoding="utf-8"))
    (found,) = [each for each in documents if each["kind"] in {"Application", "HelmRelease"}]
    spec: Json = found["spec"]
    return spec


def values_of(name: str) -> Json:
    spec = installation(name)
    values: Json = spec["values"] if "values" in spec else spec["source"]["helm"]["valuesObject"]
    return values


@pytest.mark.parametrize("name", ["argo-cd-installation.yaml", "flux-installation.yaml"])
def test_from_git_no_job_touches_the_definitions(helm: Program, name: str) -> None:
    found = objects(rendered(helm, values_of(name)))
    hooks = {
        each["metadata"]["name"]: each["metadata"]["annotations"][HOOK]
        for each in found
        if HOOK in each["metadata"].get("annotations", {})
    }
    assert hooks == {
        "workflow-audit-migration": "pre-install,pre-upgrade",
        "workflow-audit-test": "test",
    }
    assert not [each for each in found if each["kind"] == "ClusterAuditPolicy"]


def test_argo_cd_ignores_what_the_operator_writes(helm: Program) -> None:
    (ignored,) = installation("argo-cd-installation.yaml")["ignoreDifferences"]
    called = one(objects(rendered(helm)), ignored["kind"], ignored["name"])
    assert called["apiVersion"].startswith(f"{ignored['group']}/")
    assert ignored["jsonPointers"] == ["/spec/caBundle"]
    assert "caBundle" not in called["spec"]


def test_values_shown_in_pages_are_taken(helm: Program) -> None:
    page = (ROOT / "docs" / "how-to" / "install-with-helm.md").read_text(encoding="utf-8")
    (shown,) = [block.text for block in blocks(page) if block.language == "yaml"]
    made = rendered(helm, yaml.safe_load(shown))
    assert re.search(r"image: registry\.example\.com/workflow-audit@sha256:0{64}", made)


def test_values_in_the_page_about_git_are_those_of_the_examples() -> None:
    page: Path = ROOT / "docs" / "how-to" / "gitops.md"
    found = [block.text for block in blocks(page.read_text()) if block.language == "yaml"]
    argo_cd, flux = (yaml.safe_load(text) for text in found)
    assert argo_cd["source"]["helm"]["valuesObject"] == values_of("argo-cd-installation.yaml")
    assert flux["values"] == values_of("flux-installation.yaml")

"""Check the licences in an SBOM against those under which we may ship a dependency.

Licences are SPDX expressions: of `A OR B` one must be allowed, of `A AND B` both. A package that
declares several is taken to stand under all of them. What is allowed stands below, each with its
reason; a dependency under another licence is a decision for people, not for an update.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

from sbom import SBOM_FILE

ALLOWED = frozenset(
    {
        # Permissive: the notices go along, in the packages' own folders.
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "PSF-2.0",
        "Python-2.0",
        # Binds changes to its own files; we change none.
        "MPL-2.0",
    }
)

ALLOWED_CLASSIFIERS = frozenset(
    {
        "License :: OSI Approved :: Apache Software License",
        "License :: OSI Approved :: BSD License",
        "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
    }
)
"""What older packages say instead of an SPDX expression."""

EXCEPTIONS: Mapping[str, frozenset[str]] = {
    # The LGPL asks that users can put in their own version: a Python package in site-packages can
    # be replaced as it is.
    "psycopg": frozenset({"LGPL-3.0-only"}),
    "psycopg-binary": frozenset({"LGPL-3.0-only"}),
    "psycopg-pool": frozenset({"LGPL-3.0-only"}),
}
"""Licences that are allowed for one package each."""

REMEDY = (
    "take another package, or add the licence to ALLOWED or EXCEPTIONS in tools/licences.py "
    "with the reason why we may ship it"
)

_spdx = get_spdx_licensing()


def main() -> int:
    """Name every component that we may not ship; the exit code says whether there is one."""
    parser = argparse.ArgumentParser(description="Check the licences in an SBOM.")
    parser.add_argument("sbom", type=Path, nargs="?", default=SBOM_FILE)
    components = json.loads(parser.parse_args().sbom.read_text("utf-8")).get("components", [])
    if not components:
        print("components: the SBOM has none; write it with `make sbom`", file=sys.stderr)
        return 1
    refused = refusals(components)
    for line in refused:
        print(line, file=sys.stderr)
    if not refused:
        print(f"{len(components)} packages, all under licences that we may ship")
    return 1 if refused else 0


def refusals(components: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give a line for each component that we may not ship."""
    lines = []
    for component in components:
        name, said = component["name"], declared(component)
        allowed = ALLOWED | EXCEPTIONS.get(name, frozenset())
        if not said:
            lines.append(f"{name} {component['version']}: declares no licence; {REMEDY}")
        elif wrong := [licence for licence in said if not is_allowed(licence, allowed)]:
            which = ", ".join(wrong)
            lines.append(f"{name} {component['version']}: {which} is not allowed; {REMEDY}")
    return lines


def declared(component: Mapping[str, Any]) -> list[str]:
    """Give the expressions, identifiers and names of a component's licences."""
    found = []
    for choice in component.get("licenses", []):
        licence = choice.get("license", {})
        found.append(choice.get("expression") or licence.get("id") or licence["name"])
    return found


def is_allowed(licence: str, allowed: frozenset[str]) -> bool:
    """Tell whether a licence, or what an expression of several leaves to choose, is allowed."""
    if licence in ALLOWED_CLASSIFIERS:
        return True
    try:
        return _holds(_spdx.parse(licence, validate=True), allowed)
    except ExpressionError:
        return False


def _holds(expression: Any, allowed: frozenset[str]) -> bool:
    if isinstance(expression, _spdx.OR):
        return any(_holds(part, allowed) for part in expression.args)
    if isinstance(expression, _spdx.AND):
        return all(_holds(part, allowed) for part in expression.args)
    return str(expression) in allowed


if __name__ == "__main__":
    sys.exit(main())

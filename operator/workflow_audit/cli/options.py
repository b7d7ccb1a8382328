"""Options that several commands have are declared once, as the fields of a group.

typer knows options one by one only. A command that is `grouped` takes a group as one argument.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, cast


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Offer each field of the groups that a command takes as an option.

    Args:
        command: its arguments can be given by name; those whose type is a dataclass are groups.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: given.annotation
        for name, given in signature.parameters.items()
        if is_dataclass(given.annotation)
    }

    @wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    options = [
        option
        for name, given in signature.parameters.items()
        for option in (_options(groups[name]) if name in groups else [given])
    ]
    cast("Any", run).__signature__ = signature.replace(parameters=options)
    return run


def _options(group: Any) -> Iterable[inspect.Parameter]:
    for each in fields(group):
        default = inspect.Parameter.empty if each.default is MISSING else each.default
        kind = inspect.Parameter.KEYWORD_ONLY
        yield inspect.Parameter(each.name, kind, default=default, annotation=each.type)

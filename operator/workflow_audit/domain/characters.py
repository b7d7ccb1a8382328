"""Texts in JSON trees, and the characters that PostgreSQL's jsonb refuses in them.

A tree may be nested deeper than Python recurses, so nothing here calls itself.
"""

import re
from collections.abc import Callable, Iterable

import orjson
from pydantic import JsonValue

REPLACEMENT_CHARACTER = "\ufffd"
"""Unicode's own sign for a character that cannot be shown."""

KEY_CHARACTERS = 63
"""Longest label key, as in the resource definition: no key becomes too long by being cleaned."""

_NUL_AS_JSON = rb"\u0000"
_REFUSED = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> tuple[str, int]:
    """Give the text with U+FFFD for each NUL and lone surrogate, and how many there were.

    PostgreSQL answers `unsupported Unicode escape sequence` to the first and cannot be sent
    the second at all. Without any, the text comes back as the same object.
    """
    if not _REFUSED.search(text):
        return text, 0
    return _REFUSED.subn(REPLACEMENT_CHARACTER, text)


def clean_tree(value: JsonValue) -> tuple[JsonValue, int]:
    """Clean every text and every key of a tree; the tree itself stays as it is.

    Without anything to replace, it comes back as the same object.
    """
    if _is_surely_clean(value):
        return value, 0
    replaced = 0

    def cleaned(text: str) -> str:
        nonlocal replaced
        result, count = clean(text)
        replaced += count
        return result

    tree = rebuilt(value, of_key=cleaned, of_text=lambda _, text: cleaned(text))
    return (tree if replaced else value), replaced


def _is_surely_clean(value: JsonValue) -> bool:
    """Tell, by its JSON, that a tree has nothing to replace; five times as fast as looking."""
    try:
        return _NUL_AS_JSON not in orjson.dumps(value)
    except TypeError:  # a lone surrogate, or what is nested deeper than orjson goes
        return False


def texts(value: JsonValue) -> list[str]:
    """Give every text and every key of a tree, in no particular order."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            found.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return found


def rebuilt(
    value: JsonValue,
    *,
    of_key: Callable[[str], str],
    of_text: Callable[[str | None, str], str],
) -> JsonValue:
    """Give a copy of a tree with other keys and texts; shape and other values stay.

    Args:
        value: the tree; it is not changed.
        of_key: gives the new key for a key. Where two become equal, the later one gets a
            suffix such as `#2`: no entry is lost.
        of_text: gives the new text for a text and the key that it stands under, if any.
    """
    root: list[JsonValue] = [value]
    unfinished: list[dict[str, JsonValue] | list[JsonValue]] = [root]

    def copied(key: str | None, item: JsonValue) -> JsonValue:
        if isinstance(item, str):
            return of_text(key, item)
        if isinstance(item, dict):
            names = _unique_keys(item, of_key)
            branch: dict[str, JsonValue] = dict(zip(names, item.values(), strict=True))
            unfinished.append(branch)
            return branch
        if isinstance(item, list):
            items = list(item)
            unfinished.append(items)
            return items
        return item

    while unfinished:
        branch = unfinished.pop()
        if isinstance(branch, dict):
            branch.update({key: copied(key, item) for key, item in branch.items()})
        else:
            branch[:] = [copied(None, item) for item in branch]
    return root[0]


def _unique_keys(keys: Iterable[str], of_key: Callable[[str], str]) -> list[str]:
    pairs = [(key, of_key(key)) for key in keys]
    # A key that stays as it is has the first claim on its name.
    taken = {key for key, name in pairs if key == name}
    numbers: dict[str, int] = {}
    unique = []
    for key, name in pairs:
        candidate = name
        while key != name and candidate in taken:
            numbers[name] = numbers.get(name, 1) + 1
            suffix = f"#{numbers[name]}"
            room = max(len(key), KEY_CHARACTERS) - len(suffix)
            candidate = f"{name[:room]}{suffix}"
        taken.add(candidate)
        unique.append(candidate)
    return unique

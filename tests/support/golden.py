"""Golden files: what was generated, looked at once, and must not change unnoticed."""

from collections.abc import Callable

Golden = Callable[[str, str], None]
"""Compares a text with the golden file of a name."""

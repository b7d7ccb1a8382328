"""How an error that nobody thought of is told."""

import traceback
from pathlib import PurePath


def told(error: Exception) -> str:
    """Give kind, file and line; its message may repeat what must not be shown."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {PurePath(frame.filename).name}:{frame.lineno}"

"""A file that is there as a whole, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from workflow_audit.errors import InvalidFieldError


@contextmanager
def complete_file(path: Path) -> Iterator[TextIO]:
    """Write a file that nobody but its owner may read; it gets its name when the block is done.

    Raises:
        InvalidFieldError: it cannot be written there.
    """
    if path.exists() and not path.is_file():
        raise InvalidFieldError(
            "--output-file", str(path), "is no regular file", "leave it out, and redirect stdout"
        )
    try:
        target = path.resolve()
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
        try:
            with open(number, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - no path
                yield file
                file.flush()
                os.fsync(number)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidFieldError(
            "--output-file", str(path), f"cannot be written: {error}", "give another file"
        ) from error

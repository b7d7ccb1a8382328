"""What all measurements share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.corpus import Corpus
from bench.figures import Figure
from bench.sizes import Sizes
from workflow_audit.local.environment import LocalEnvironment


@dataclass
class Bench:
    """One run: where it measures, how much, and what it has found."""

    environment: LocalEnvironment
    sizes: Sizes
    corpus: Corpus
    wanted: frozenset[int]
    figures: list[Figure] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    """More than the table shows; for the JSON file."""

    def add(self, figures: Iterable[Figure]) -> None:
        """Keep those figures that were asked for."""
        self.figures += [figure for figure in figures if figure.number in self.wanted]

    def wants(self, *numbers: int) -> bool:
        """Tell whether one of these measurements was asked for."""
        return bool(self.wanted.intersection(numbers))

    @property
    def scratch(self) -> Path:
        """A folder that is gone after the run."""
        folder = self.environment.folder / "bench"
        folder.mkdir(exist_ok=True)
        return folder

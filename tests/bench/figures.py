"""What was measured: figures with unit, sample size and limit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

PERCENTS = (50, 95, 99)
MILLISECONDS = 1000.0


@dataclass(frozen=True)
class Limit:
    """What a figure has to be; an aim is wished for and not demanded."""

    sign: Literal["<", "<=", ">=", "="]
    value: float
    kind: Literal["limit", "aim"] = "limit"

    def met(self, value: float) -> bool:
        """Tell whether a value keeps it."""
        return {
            "<": value < self.value,
            "<=": value <= self.value,
            ">=": value >= self.value,
            "=": value == self.value,
        }[self.sign]

    def __str__(self) -> str:
        aim = "aim " if self.kind == "aim" else ""
        return f"{aim}{self.sign} {self.value:g}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table."""

    number: int
    """Of the measurement, as `--only` takes it."""

    name: str
    value: float
    unit: str
    sample: str
    """How much it was taken from."""

    limit: Limit | None = None
    rounds: Sequence[float] = field(default_factory=tuple)
    """The value of each round, where `value` is their median."""

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None without one."""
        return self.limit.met(self.value) if self.limit else None

    @property
    def shown(self) -> str:
        """The value for people."""
        return shown(self.value)


def shown(value: float) -> str:
    """Give a number with three significant digits, and whole from 100 on."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{min(max(digits, 0), 4)}f}"


def median_figure(
    number: int,
    name: str,
    rounds: Sequence[float],
    unit: str,
    sample: str,
    *,
    limit: Limit | None = None,
) -> Figure:
    """Give the median of several rounds, which the figure keeps."""
    return Figure(
        number=number,
        name=name,
        value=median(rounds),
        unit=unit,
        sample=sample,
        limit=limit,
        rounds=tuple(rounds),
    )


def latency_figures(
    number: int,
    name: str,
    seconds: Sequence[float],
    limits: Mapping[int, Limit] | None = None,
    of: str = "events",
) -> list[Figure]:
    """Give P50, P95 and P99 in milliseconds.

    Args:
        number: of the measurement.
        name: of the latency, without the percentile.
        seconds: every single one, none left out.
        limits: in milliseconds, by percentile.
        of: what each one is of.
    """
    return [
        Figure(
            number=number,
            name=f"{name}, P{percent}",
            value=percentile(seconds, percent) * MILLISECONDS,
            unit="ms",
            sample=f"{len(seconds):,} {of}",
            limit=(limits or {}).get(percent),
        )
        for percent in PERCENTS
    ]


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the nearest rank: the least value that `percent` % of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]

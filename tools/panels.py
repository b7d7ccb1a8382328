"""What the panels of the dashboard have in common: looks, data source, shapes of queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    VizOrientation,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
HERE = '{job=~"$job"}'
OF_EVENTS = '{job=~"$job", endpoint!="statistics"}'
"""Of the chosen installations; all by default."""

HALF, THIRD, QUARTER = 12, 8, 6
HEIGHT = 8

AnyPanel = timeseries.Panel | stat.Panel | bargauge.Panel
Panel = TypeVar("Panel", timeseries.Panel, stat.Panel, bargauge.Panel)
Coloured = TypeVar("Coloured", stat.Panel, bargauge.Panel)


@dataclass(frozen=True)
class Query:
    """What a panel asks Prometheus."""

    expression: str
    legend: str
    whole_period: bool = False
    """Asked once for all of the chosen period, not for each point of it."""

    buckets: bool = False
    """Cumulative buckets, of which Grafana is to show the differences."""


def panel(look: Panel, title: str, meaning: str, unit: str, width: int, *queries: Query) -> Panel:
    """Give a panel with all that it needs but its number.

    Args:
        look: an empty panel.
        title: as people call it.
        meaning: what it shows, in a sentence.
        unit: as Grafana names it.
        width: of 24 columns.
        queries: at most three.
    """
    look.title(title).description(meaning).unit(unit).span(width).height(HEIGHT)
    look.datasource(PROMETHEUS)
    for letter, query in zip("ABC", queries, strict=False):
        look.with_target(_target(query).ref_id(letter))
    return look


def lines(lowest: float | None = 0) -> timeseries.Panel:
    """Give a panel with figures over time."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    look = timeseries.Panel().fill_opacity(10)
    look.legend(legend.placement(LegendPlacement.BOTTOM).show_legend(show_legend=True))
    return look if lowest is None else look.min(lowest)


def figure(colour: str, limits: Mapping[float, str] | None = None) -> stat.Panel:
    """Give a panel with the present figure; from a limit on it has the limit's colour."""
    look = stat.Panel().graph_mode(BigValueGraphMode.NONE).reduce_options(_last())
    return _coloured(look, colour, limits)


def bars() -> bargauge.Panel:
    """Give a panel with figures side by side."""
    look = bargauge.Panel().display_mode(BarGaugeDisplayMode.BASIC).reduce_options(_last())
    return _coloured(look.orientation(VizOrientation.HORIZONTAL).min(0), "blue")


def rate(counter: str, by: str = "", labels: str = HERE) -> str:
    """Give how often a second something happens."""
    return f"sum{by} (rate({counter}{labels}[$__rate_interval]))"


def seen(gauge: str, labels: str = HERE) -> str:
    """Give what all replicas see, once."""
    return f"max({gauge}{labels})"


def quantile(share: float, histogram: str, labels: str = HERE) -> Query:
    """Give a quantile of what a histogram measures."""
    rates = rate(f"{histogram}_bucket", " by (le)", labels)
    return Query(f"histogram_quantile({share}, {rates})", f"P{share * 100:.0f}")


def _target(query: Query) -> Dataquery:
    target = Dataquery().expr(query.expression).legend_format(query.legend).datasource(PROMETHEUS)
    if query.buckets:
        target.format(PromQueryFormat.HEATMAP)
    return target.instant() if query.whole_period else target.range()


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _coloured(look: Coloured, colour: str, limits: Mapping[float, str] | None = None) -> Coloured:
    """Colour a figure; without any limits of ours Grafana shows all above 80 in red."""
    steps = [model.Threshold(None, colour)]
    steps += [model.Threshold(limit, above) for limit, above in (limits or {}).items()]
    return look.thresholds(ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))

"""What an export by REST adds to the metrics of reads."""

from contextlib import aclosing

from unit.services.test_exporting import NO_LIMITS, REQUEST, Access, Database
from workflow_audit import metrics
from workflow_audit.services.exporting import PAGE, Exporting


def queries() -> float:
    name, labels = "workflow_audit_query_duration_seconds_count", {"endpoint": REQUEST.endpoint}
    return metrics.REGISTRY.get_sample_value(name, labels) or 0


def results() -> float:
    return metrics.REGISTRY.get_sample_value("workflow_audit_query_results_total") or 0


async def test_each_page_is_a_query_and_events_count_at_the_end() -> None:
    service = Exporting(Database(3 * PAGE), Access(), NO_LIMITS)
    asked, given = queries(), results()
    async with aclosing(service.pages(REQUEST)) as pages:
        seen = [(queries() - asked, results() - given) async for _ in pages]
    assert seen == [(1, 0), (2, 0), (3, 0)]
    assert (queries() - asked, results() - given) == (3, 3 * PAGE)


async def test_what_a_cut_export_has_given_counts() -> None:
    service = Exporting(Database(3 * PAGE), Access(), NO_LIMITS)
    asked, given = queries(), results()
    async with aclosing(service.pages(REQUEST)) as pages:
        await anext(pages)
    assert (queries() - asked, results() - given) == (1, PAGE)

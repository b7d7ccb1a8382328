"""When something runs next."""

from datetime import UTC, datetime

from cronsim import CronSim


def next_time(schedule: str, after: datetime) -> datetime:
    """Give the first instant after another one that a cron expression in UTC names.

    Args:
        schedule: as the settings have checked it, so that there is such an instant.
        after: exclusive.
    """
    return next(CronSim(schedule, after.astimezone(UTC)))

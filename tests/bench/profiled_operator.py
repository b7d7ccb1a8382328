"""`python -m bench.profiled_operator operator ...`: the same entry point, under a profiler.

BENCH_PROFILE names the file, and by its ending the profiler: `.calls` is cProfile, `.samples` looks
every few milliseconds of CPU time which function runs. The profile begins and ends with a signal
each, so that imports and the start are left out.
"""

import cProfile
import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from bench.operating import PROFILE_BEGINS, PROFILE_ENDS, PROFILE_VARIABLE
from workflow_audit.cli import main

SAMPLE_SECONDS = 0.002
"""Of CPU time; the system rounds it up to its own clock, 4 ms for most."""


class Samples:
    """Counts which Python function is the innermost one, by CPU time.

    A handler of signals runs between two instructions of Python, so time in compiled code counts
    for the function that called it, and no function is slowed down.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int, str]] = Counter()

    def enable(self) -> None:
        """Begin."""
        signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)

    def disable(self) -> None:
        """End."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def dump_stats(self, file: Path) -> None:
        """Write the counts."""
        rows = [[*function, count] for function, count in self._counts.items()]
        file.write_text(json.dumps(rows), encoding="utf-8")

    def _take(self, _: int, frame: FrameType | None) -> None:
        if frame is not None:
            code = frame.f_code
            self._counts[code.co_filename, code.co_firstlineno, code.co_qualname] += 1


PROFILERS: dict[str, Callable[[], cProfile.Profile | Samples]] = {
    ".calls": cProfile.Profile,
    ".samples": Samples,
}


def run() -> None:
    """Run the command line with the profiler at hand."""
    file = Path(os.environ[PROFILE_VARIABLE])
    profile = PROFILERS[file.suffix]()

    def begin(_: int, __: FrameType | None) -> None:
        profile.enable()

    def end(_: int, __: FrameType | None) -> None:
        profile.disable()
        unfinished = file.with_suffix(".unfinished")
        profile.dump_stats(unfinished)
        unfinished.rename(file)

    signal.signal(PROFILE_BEGINS, begin)
    signal.signal(PROFILE_ENDS, end)
    main()


if __name__ == "__main__":
    run()

"""`python -m bench.profiled_operator operator ...`: the same entry point, under cProfile.

BENCH_PROFILE names the file. The profile begins and ends with a signal each, so that imports
and the start are left out.
"""

import cProfile
import os
import signal
import time
from pathlib import Path
from types import FrameType

from bench.operating import PROFILE_BEGINS, PROFILE_ENDS, PROFILE_VARIABLE
from workflow_audit.cli import main


def run() -> None:
    """Run the command line with the profiler at hand."""
    # CPU time and not the clock: others work on the same cores meanwhile.
    profile = cProfile.Profile(time.thread_time_ns, 1e-9)
    file = Path(os.environ[PROFILE_VARIABLE])

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

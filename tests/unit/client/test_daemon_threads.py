"""Work that blocks holds up nobody's end."""

import asyncio
import subprocess
import sys
import threading

import pytest

from workflow_audit.client.daemon_threads import DaemonThreads


def test_work_is_done_in_threads_that_do_not_keep_a_process_alive() -> None:
    threads = DaemonThreads()
    assert threads.submit(lambda a, b: a + b, 1, b=2).result(10) == 3
    assert threads.submit(lambda: threading.current_thread().daemon).result(10)


def test_an_error_is_for_whoever_waits() -> None:
    with pytest.raises(ZeroDivisionError):
        DaemonThreads().submit(lambda: 1 // 0).result(10)


async def test_an_event_loop_takes_it() -> None:
    asyncio.get_running_loop().set_default_executor(DaemonThreads())
    assert await asyncio.to_thread(lambda: "done") == "done"


def test_neither_a_lookup_that_hangs_nor_the_end_itself_is_in_the_way() -> None:
    program = (
        "import atexit, time\n"
        "from workflow_audit.client.daemon_threads import DaemonThreads\n"
        "threads = DaemonThreads()\n"
        "atexit.register(lambda: print(threads.submit(lambda: 'at the end').result(10)))\n"
        "threads.submit(time.sleep, 600)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "at the end\n"), done.stderr

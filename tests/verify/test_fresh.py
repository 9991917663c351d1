"""The process of its own in which a row runs, and the guard over what a row touches there."""
import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from refvi.verify.document import Fault
from refvi.verify.fresh import Guard, alone, servant
from refvi.verify.tracing import is_own

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="where the system cannot fork, calls are made here")


def guarded(task):
    """What a task returns under the guard, in a process of its own."""

    def call():
        with Guard(is_own):
            return task()

    return alone(call)


@pytest.mark.parametrize("task, told", [(lambda: sys.exit(3), "exit code 3"), (lambda: sys.exit("no"), "exit code 1"),
                                        (lambda: os.kill(os.getpid(), signal.SIGTERM), "exit code -15"),
                                        (lambda: time.sleep(9), "did not return within 0.3 s")])
def test_how_a_process_ended_is_told(task, told):
    with pytest.raises(Fault, match=told):
        alone(task, 0.3)


def test_a_row_may_read_files_and_write_compiled_code_and_to_the_null_device(tmp_path):
    file, folder = tmp_path / "numbers.txt", tmp_path / "__pycache__"
    file.write_text("1")
    folder.mkdir()
    assert guarded(file.read_text) == "1"
    assert guarded(lambda: Path(os.devnull).write_text("1")) == 1
    assert guarded(lambda: (folder / "code.pyc").write_bytes(b"1")) == 1


@pytest.mark.parametrize("mode", ["r+", "a", "w", "x"])
def test_a_row_may_open_no_file_in_a_way_that_writes(tmp_path, mode):
    file = tmp_path / "numbers.txt"
    if mode != "x":
        file.write_text("1")
    with pytest.raises(Fault, match=r"\(open\)"):
        guarded(lambda: open(file, mode).close())


def test_what_a_row_touched_first_is_told_though_it_hides_it():
    def hides():
        try:
            eval("1")
        except RuntimeError:
            pass
        os.system("true")

    with pytest.raises(Fault, match=r"\(compile\)"):
        guarded(hides)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own signal")
def test_a_servant_at_work_ends_with_the_process_that_asked():
    reading, writing = os.pipe()        # which ends when nobody can write any more
    asking = os.fork()
    if asking == 0:
        try:
            os.close(reading)
            servant(lambda: (os.write(writing, b"at work"), time.sleep(9)))()
        finally:
            os._exit(1)
    os.close(writing)
    assert os.read(reading, 7) == b"at work"
    os.kill(asking, signal.SIGKILL)
    os.waitpid(asking, 0)
    assert select.select([reading], [], [], 5.0)[0] and os.read(reading, 1) == b""
    os.close(reading)

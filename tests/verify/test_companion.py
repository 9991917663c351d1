"""What a companion is asked for: its stages, a stage by its label, that it loads, without threads."""
import sys

import pytest

from refvi.verify.companion import load, parts_of, stages_of
from refvi.verify.document import Fault
from tests.verify.proof import write_page


def stage():
    return {}


def test_stages_are_the_functions_of_that_name():
    names = dict(stage=stage, stage_two=stage, stage_count=2, staged=stage, backstage_one=stage)
    assert stages_of(names) == dict(stage=stage, two=stage)


def test_a_label_is_a_stage_s_or_that_of_one_of_its_settings():
    stages = {"stage": stage, "two-1": stage}
    assert [parts_of(label, stages) for label in ("stage", "stage-3", "two-1", "two-1-2")] == [
        ("stage", 0), ("stage", 3), ("two-1", 0), ("two-1", 2)]
    for label in ("stage-x", "moon-1", "moon", "stage-"):
        with pytest.raises(LookupError, match=f"no stage '{label}'"):
            parts_of(label, stages)


def test_a_companion_may_start_no_thread_as_it_is_loaded(tmp_path):
    page = write_page(tmp_path, "", """
        import threading
        end = threading.Event()
        thread = threading.Thread(target=end.wait)
        thread.start()
        def stage():
            return {}
        """, "threaded")
    try:
        with pytest.raises(Fault, match="threaded.py starts threads as it is loaded"):
            load(page)
    finally:
        sys.modules["companion_threaded"].end.set()
        sys.modules.pop("companion_threaded").thread.join()


def test_the_line_of_a_companion_s_error_is_the_last_in_its_file(tmp_path):
    page = write_page(tmp_path, "", """\
        def helper():
            raise LookupError("no more")
        helper()
        """, "raising")
    with pytest.raises(Fault, match=r"no more \(raising.py:2\)"):
        load(page)

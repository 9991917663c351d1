"""A file is whole or not there; a folder that cannot be written to is refused before the work."""
import os

import pytest

from refvi.base import files
from refvi.base.progress import Progress


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "deep" / "report.txt"
    files.write(path, "first – ü")
    files.write(path, b"second")
    assert path.read_bytes() == b"second" and os.listdir(path.parent) == ["report.txt"]


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "report.txt"
    files.write(path, "old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write(path, "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["report.txt"]


def test_a_folder_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot write the figures to .*file.*; choose another folder"):
        files.require_folder(tmp_path / "file", "the figures")


def test_progress_speaks_only_to_a_terminal(capsys, monkeypatch):
    with Progress("work", 3) as bar:
        bar(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress("work", 3) as bar:
        bar(3, "ELBO -2.0 nats")
    assert "work [########################] 3/3" in capsys.readouterr().err


@pytest.mark.parametrize("room, marks", [(200, 24), (80, 11), (50, 6)])
def test_progress_is_one_line_of_the_terminal_however_much_it_says(capsys, monkeypatch, room, marks):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("refvi.base.progress.columns", lambda: room)
    with Progress("fit", 3) as bar:
        bar(3, "ELBO -203.12 = -200.00 - 3.12, held out -204.1")
    line = capsys.readouterr().err.split("\r\033[K")[1]
    assert len(line) < room and line.startswith(f"fit [{'#' * marks}] 3/3  0 s left  ELBO")

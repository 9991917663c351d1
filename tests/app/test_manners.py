"""How the command line behaves: its help, its end by a signal, a checkout that is read-only, pictures for a talk."""
import io
import signal
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest
from matplotlib.colors import to_hex

import refvi
from refvi import CHAPTERS
from refvi.__main__ import main
from refvi.app import everything, figures, fit
from refvi.base import files


@pytest.mark.parametrize("command, names", [("verify", list(CHAPTERS)), ("fit", fit.names()),
                                            ("figures", figures.load_press().names())])
def test_help_lists_what_may_be_named(command, names, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = capsys.readouterr().out
    assert all(name in told for name in names)


@pytest.mark.parametrize("number, word, status",
                         [(signal.SIGTERM, "terminated", 143), (signal.SIGINT, "interrupted", 130)])
def test_a_signal_ends_it_without_a_traceback(number, word, status):
    call = [sys.executable, "-m", "refvi", "verify"]
    # what a shell starts in the background ignores Ctrl-C, and so do its children
    run = subprocess.Popen(call, cwd=files.checkout(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           preexec_fn=partial(signal.signal, number, signal.SIG_DFL))
    run.stdout.readline()       # the first chain is told: it is at work
    run.send_signal(number)
    out, told = run.communicate()
    assert run.returncode == status and "Traceback" not in told and word in out + told


def test_what_was_not_played_has_not_passed():
    assert everything.passed([]) == "nothing played"
    assert everything.passed([SimpleNamespace(how="exact", verdict="PASS")]) == "1 of 1 checks PASS"


def test_pictures_go_to_the_cache_where_the_checkout_is_read_only(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    right = files.require_folder

    def read_only(path, purpose):
        if files.checkout() in path.parents:
            raise OSError("cannot write")
        return right(path, purpose)

    monkeypatch.setattr(files, "require_folder", read_only)
    options = SimpleNamespace(update=False, out=None)
    assert figures.folder(options) == tmp_path / "refvi" / "figures"


def test_a_picture_for_a_talk_has_the_size_asked_for(tmp_path):
    call = ["figures", "elbo_plus_kl", "--format", "png", "--out", str(tmp_path)]
    assert main([*call, "--size", "6x4", "--dpi", "50", "--font-size", "16"]) == 0
    header = (tmp_path / "elbo_plus_kl.png").read_bytes()[:24]
    assert (int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")) == (300, 200)


@pytest.mark.parametrize("call, told", [(["--size", "6"], "invalid size in inches"),
                                        (["--size", "0x3"], "as in 6x4, got 0x3"),
                                        (["--font-size", "-1"], "must be greater than zero")])
def test_sizes_that_are_none_are_refused(call, told, capsys):
    with pytest.raises(SystemExit):
        main(["figures", "banana", *call])
    assert told in capsys.readouterr().err


def test_pages_keep_their_pictures_as_they_are(capsys):
    assert main(["figures", "banana", "--update", "--size", "3x2"]) == 2
    assert "leave out --size" in capsys.readouterr().err


def test_a_picture_comes_to_a_notebook_with_its_numbers():
    figure, numbers = refvi.figure("elbo_plus_kl", size=(7, 4), font_size=12)
    assert tuple(figure.get_size_inches()) == (7, 4) and numbers["exact_elbo"].ndim == 1
    assert figure.axes[0].xaxis.label.get_fontsize() == 12
    assert to_hex(figure.axes[0].lines[0].get_color()) == "#1b4f91"      # the house's, whatever the notebook's cycle
    with pytest.raises(LookupError, match="no figure 'mona_lisa', expected one of"):
        refvi.figure("mona_lisa")


class Lines(list):
    """The least that print asks of a file."""
    write = list.append

    def flush(self):
        pass


@pytest.mark.parametrize("call, told", [
    ("data", "mnist"), ("slides intractable gradient", "UA.072"), ("verify approximations --settings 0", "PASS"),
    ("fit regression --data toy", "log evidence"), ("figures banana --out OUT", "banana.svg"),
])
@pytest.mark.parametrize("stream", [io.StringIO, Lines])
def test_it_works_where_stdout_is_no_terminal_s(monkeypatch, tmp_path, stream, call, told):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, stream())
    before = signal.getsignal(signal.SIGTERM)
    assert main(call.replace("OUT", str(tmp_path)).split()) == 0
    out = sys.stdout
    assert told in ("".join(out) if stream is Lines else out.getvalue())
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("size, font_size", [((6, 4), 16), ((3.3, 2.5), 9)])
@pytest.mark.parametrize("name", ["elbo_plus_kl", "score_function_error", "two_divergences", "variance_of_cures",
                                  "log_average_bias", "banana", "vae_gap", "linear_anchors", "distribution_table",
                                  "bbvi_run"])
def test_words_find_room_on_half_a_slide_and_in_a_column(name, size, font_size):
    """Titles, labels, notes and legends lie inside the picture, none on another, and legends leave most of the axes
    free.
    """
    figure, _ = refvi.figure(name, size=size, font_size=font_size)
    figure.draw_without_rendering()
    words = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts)]
    words += figure.texts
    boxes = [text.get_window_extent().padded(-0.12 * text.get_fontsize() / 72 * figure.dpi)       # what letters leave
             for text in words if text.get_text()]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    for place, box in enumerate(boxes):
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1
        assert not any(box.overlaps(other) for other in boxes[:place])
    for axes in figure.axes:
        own, legend = axes.get_window_extent(), axes.get_legend()
        if legend:
            assert legend.get_window_extent().width * legend.get_window_extent().height < 0.25 * own.width * own.height


def test_words_that_find_no_room_are_smaller_and_say_so(capsys, recwarn):
    figure, _ = refvi.figure("bbvi_run", size=(3.3, 2.5), font_size=9)
    height = figure.axes[0].title.get_fontsize()
    assert 4 < height < 9
    assert f"words are {height:.2g} points high, not 9, for want of room" in capsys.readouterr().err


def test_words_of_a_diagram_stay_within_its_shapes(capsys):
    figure, _ = refvi.figure("vae_networks", size=(3.3, 2.5), font_size=9)
    figure.draw_without_rendering()
    for axes in figure.axes:
        blocks = [patch.get_window_extent() for patch in axes.patches]
        for word in (text.get_window_extent() for text in axes.texts if text.get_text()):
            for block in blocks:
                if block.contains(*(word.min + word.max) / 2):
                    assert block.x0 <= word.x0 + 1 and word.x1 <= block.x1 + 1

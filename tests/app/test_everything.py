"""refvi without a word: one table of what was verified, drawn and fitted, whole or cut short."""
from pathlib import Path

import pytest

from refvi import CHAPTERS
from refvi.__main__ import main
from refvi.app import figures, fit, verify
from refvi.app.fits.outcome import CutShort


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Every step done in no time, with nothing played, drawn or fitted."""
    monkeypatch.setattr(figures, "folder", lambda options: tmp_path)
    monkeypatch.setattr(
        verify, "played", lambda options, show: ({Path(f"{name}.md"): [] for name in CHAPTERS}, 5, 0.0, None)
    )
    monkeypatch.setattr(figures, "draw", lambda options: iter([Path("banana.svg"), Path("beta_wide.svg")]))
    monkeypatch.setattr(fit, "fit", lambda options: iter([("regression (--entropy 0x5)", ["ELBO -13 nats"])]))
    return monkeypatch


def test_one_table_tells_all(quick, capsys):
    assert main([]) == 0
    told = capsys.readouterr().out
    assert (all(f"verified  {name}" in told for name in CHAPTERS) and "drawn     banana" in told
            and "ELBO -13 nats" in told and "interrupted" not in told)


def test_ctrl_c_leaves_the_table_of_what_is_finished(quick, capsys):
    def draw(options):
        yield Path("banana.svg")
        raise KeyboardInterrupt

    quick.setattr(figures, "draw", draw)
    assert main([]) == 130
    told = capsys.readouterr().out
    assert ("verified  elbo" in told and "drawn     banana" in told and "interrupted: after banana was drawn" in told
            and "ELBO" not in told)


def test_a_fit_cut_short_ends_the_run(quick, capsys):
    quick.setattr(
        fit,
        "fit",
        lambda options: iter([("regression (--entropy 0x5)", [CutShort("3 steps, interrupted after step 3 of 4000")]),
                              ("classifier", ["never"])]),
    )
    assert main([]) == 130
    told = capsys.readouterr().out
    assert "interrupted: the fit regression was cut short" in told and "never" not in told

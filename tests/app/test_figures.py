"""Every figure: its committed numbers are what its script computes, and what was measured lies on its exact line."""
import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import stats

from refvi.__main__ import main
from refvi.app.figures import load_press
from refvi.base import files
from refvi.reading import moving

PRESS = load_press()
NAMES = PRESS.names()
# a measured value this many standard errors off is wrong; about one run in 10^5 would say so by chance
SE = -stats.norm.ppf(1e-7 / 2)


def measured(data):
    return [key.removeprefix("measured_") for key in data if key.startswith("measured_")]


def require_on_line(data):
    for name in measured(data):
        off = np.abs(data[f"measured_{name}"] - data[f"exact_{name}"]) / data[f"error_{name}"]
        assert np.all(off < SE), (name, off)


@pytest.mark.parametrize("name", NAMES)
def test_fresh_numbers_agree_with_the_committed_ones(name, rng):
    """Exact arrays tightly; measured ones, the committed and the fresh, within their error bars. A QUICK run may be
    shorter along each axis.
    """
    script, kept = PRESS.load(name), PRESS.stored(name)
    quick = getattr(script, "QUICK", {})
    new = {key: np.asarray(value) for key, value in script.data(rng, **quick).items()}
    form = (lambda value: value.ndim) if quick else (lambda value: value.shape)
    assert {key: form(value) for key, value in new.items()} == {key: form(value) for key, value in kept.items()}
    for key in kept:
        # which depends on the data at hand
        if key.partition("_")[0] not in ("measured", "error", "random") and not getattr(script, "EXPENSIVE", False):
            if kept[key].dtype.kind == "U":
                assert kept[key].tolist() == new[key].tolist()
                continue
            np.testing.assert_allclose(kept[key], new[key], rtol=1e-9, atol=1e-12, err_msg=key)
    require_on_line(kept)
    require_on_line(new)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_has_a_claim_and_a_committed_picture(name):
    assert PRESS.load(name).__doc__.strip().endswith(".")
    assert (PRESS.place(name).with_suffix("." + getattr(PRESS.load(name), "FORMAT", "svg"))).exists()


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_a_picture_is_the_same_twice_and_logging_takes_no_chance(tmp_path, form):
    first, second = (next(PRESS.write("score_function_error", tmp_path / str(i), form)).read_bytes() for i in range(2))
    assert first == second and len(first) > 5000


MOVED = [name for name in NAMES if hasattr(PRESS.load(name), "SLIDER")]


@pytest.mark.parametrize("name", MOVED)
def test_a_picture_moved_by_hand_shows_the_middle_of_its_frames(name):
    script, path = PRESS.load(name), PRESS.place(name).with_name(f"{name}_frames.svg")
    root, labels = ElementTree.parse(path).getroot(), script.SLIDER[1]
    assert (root.get("data-slider"), json.loads(root.get("data-labels"))) == script.SLIDER
    parts = root.findall(".//*[@data-frame]")
    assert {part.get("data-frame") for part in parts} == {str(frame) for frame in range(len(labels))}
    assert {part.get("data-frame") for part in parts if part.get("display") != "none"} == {str(len(labels) // 2)}
    assert path.stat().st_size < 300_000


def test_a_frame_of_what_moves_is_the_picture_drawn_alone(monkeypatch):
    script, numbers = PRESS.load("relaxed_bias"), PRESS.stored("relaxed_bias")
    monkeypatch.setattr(script, "SLIDER", (script.SLIDER[0], script.SLIDER[1][:3]))
    alone = [moving.plain(frame) for frame in PRESS.frames(script, numbers)]
    whole = ElementTree.fromstring(moving.picture(list(PRESS.frames(script, numbers)), *script.SLIDER))
    for frame, one in enumerate(alone):
        shown = [part for part in whole.iter() if part.get("data-frame", str(frame)) == str(frame)]
        told, wanted = ([part.text for part in parts if part.tag.endswith("text")] for parts in (shown, one.iter()))
        assert told == wanted and f"bias {numbers['line_slope'][4 * frame] - numbers['discrete']:.4f}" in told[-1]


def test_frames_that_hold_more_and_more_share_what_they_begin_and_end_with():
    frames = ["<svg><g><a/>" + "<b/>" * count + "<c/></g></svg>" for count in range(3)]
    first = moving.merged([ElementTree.fromstring(frame) for frame in frames])[0]
    assert [(part.tag, len(part)) for part in first[0]] == [("a", 0), ("g", 0), ("g", 1), ("g", 2), ("c", 0)]


def test_the_beta_densities_have_the_slides_numbers():
    """WI.29 and WI.30, by SciPy and by the binomial identity."""
    for name, a, b, peak, above in (("beta_narrow", 50, 70, 8.850, 0.033146), ("beta_wide", 5, 7, 2.759, 562 / 2048)):
        data, q = PRESS.stored(name), stats.beta(a, b)
        np.testing.assert_allclose(data["density"], q.pdf(data["pi"]), rtol=1e-9)
        np.testing.assert_allclose(
            [data["mean"], data["mode"], data["sd"]], [5 / 12, (a - 1) / (a + b - 2), q.std()], rtol=1e-12
        )
        np.testing.assert_allclose([data["peak"], data["above_half"]], [peak, above], rtol=2e-4)
        np.testing.assert_allclose(data["above_half"], stats.binom.cdf(a - 1, a + b - 1, 0.5), rtol=1e-10)


def test_elbo_and_kl_add_up_and_the_bound_stays_below():
    data = PRESS.stored("elbo_plus_kl")
    np.testing.assert_allclose(data["elbo"] + data["kl"], data["log_evidence"], rtol=1e-10)
    assert np.all(data["kl"] > 0)
    np.testing.assert_allclose(data["log_evidence"], stats.norm.logpdf(1.3, 0, np.hypot(1.5, 0.7)), rtol=1e-10)


def test_the_standard_error_falls_with_the_root_of_s():
    data = PRESS.stored("score_function_error")
    np.testing.assert_allclose(
        data["exact_sd"] * np.sqrt(data["S"])[:, None], np.tile(data["exact_sd"][0], (len(data["S"]), 1)), rtol=1e-12
    )


def test_the_classifier_s_confidence_is_that_of_mnist():
    data = PRESS.stored("calibration")
    assert data["name"] == "MNIST test" and data["random_count"].sum() == 10_000 and data["random_overall"][0] < 0.025


def test_the_minibatch_s_variance_has_the_finite_population_factor():
    data = PRESS.stored("minibatch_variance")
    np.testing.assert_allclose(data["exact_without"] / data["exact_with"], (40 - data["M"]) / 39, rtol=1e-10)
    np.testing.assert_allclose(data["exact_with"] * data["M"], data["exact_with"][0], rtol=1e-10)


def test_the_star_is_the_top_and_adam_ends_near_it():
    data = PRESS.stored("likelihood_paths")
    assert np.max(data["surface"]) < 0 and np.all(np.abs(data["large"][-1] - data["top"]) < 1e-3)
    assert np.linalg.norm(data["adam"][-1] - data["top"]) < 0.2


def test_the_frozen_schedule_stops_where_the_product_says():
    data = PRESS.stored("robbins_monro")
    bias = 3 * np.sin(np.pi * 0.5**0.5) / (np.pi * 0.5**0.5)
    assert data["line_frozen"][-1] > bias and data["line_one_over_t"][-1] == pytest.approx(1 / np.sqrt(400))
    assert data["line_constant"][-1] == pytest.approx(np.sqrt(0.2 / 1.8), rel=1e-6)


def test_the_plate_says_what_the_model_is():
    """UA.063: z has no parents, x has z and theta, and both are repeated; the joint is p(z) p(x|z, theta)."""
    data = {key: value.tolist() for key, value in PRESS.stored("latent_plate").items()}
    assert {parent for parent, child in data["edges"] if child == "x"} == {"z", "θ"} and not [
        edge for edge in data["edges"] if edge[1] == "z"
    ]
    assert set(data["plate"]) == {"z", "x"} == set(data["random"]) and data["observed"] == ["x"]


def test_the_failures_have_the_slides_numbers():
    """WI.44: the true slope at an edge of 2 is -0.14556 where the identity says -0.5; quotients .60, .97, 1.34, 1.70
    at 1e-1..1e-4.
    """
    data = PRESS.stored("identity_fails")
    np.testing.assert_allclose(np.interp(2., data["edge"], data["true_slope"]), -0.14556, atol=1e-5)
    np.testing.assert_allclose(np.interp(np.log([1e-1, 1e-2, 1e-3, 1e-4]), np.log(data["h"]), data["quotients"]),
                               [0.60, 0.97, 1.34, 1.70], atol=5e-3)
    np.testing.assert_allclose(data["true_slope"], data["identity"] + data["boundary"], rtol=1e-12)


def test_the_bias_is_exact_where_it_can_be():
    data = PRESS.stored("log_average_bias")
    np.testing.assert_allclose(data["leading"] * data["S"], data["leading"][0], rtol=1e-12)
    assert np.all(np.diff(data["bias_by_rule"]) < 0) and np.all(data["bias_by_rule"] > 0)


# ---- the command

def test_the_command_draws_where_it_is_told(tmp_path, capsys):
    assert main(["figures", "beta_wide", "--format", "png", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "beta_wide.png")
    assert (tmp_path / "beta_wide.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "beta_wide.json").read_text())["a"] == 5


def test_fresh_figures_take_fresh_entropy(tmp_path):
    for folder in ("one", "two"):
        assert main(["figures", "elbo_plus_kl", "--fresh", "--out", str(tmp_path / folder)]) == 0
    one, two = (json.loads((tmp_path / folder / "elbo_plus_kl.json").read_text()) for folder in ("one", "two"))
    assert one["elbo"] == two["elbo"] and one["measured_elbo"] != two["measured_elbo"]


def test_an_expensive_figure_is_drawn_from_its_stored_numbers(tmp_path, monkeypatch):
    script = PRESS.load("beta_wide")
    script.EXPENSIVE, script.data = True, lambda rng: pytest.fail("computed although stored")
    assert PRESS.numbers("beta_wide", script, fresh=False, update=False)["a"] == 5


def test_wrong_calls_say_what_was_expected(tmp_path, capsys):
    assert main(["figures", "mona_lisa"]) == 2
    assert f"no figure 'mona_lisa', expected one of {', '.join(NAMES)}" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["figures", "--out", str(tmp_path / "file")]) == 2
    assert "cannot write the figures to" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["figures", "--fresh", "--update"])


def test_without_a_checkout_the_command_says_where_the_chapters_are(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(files, "__file__", str(tmp_path / "refvi" / "files.py"))
    monkeypatch.chdir(tmp_path)
    assert main(["figures"]) == 2
    assert "clone the repository" in capsys.readouterr().err


@pytest.mark.parametrize("own", ["axes.grid: True\nfont.family: serif\n", "text.usetex: True\n", "figure.dpi: 30\n"])
def test_a_reader_s_own_settings_change_no_picture(own, tmp_path):
    (tmp_path / "matplotlibrc").write_text(own, encoding="utf-8")
    call = [sys.executable, "-m", "refvi", "figures", "beta_narrow", "--out", "out"]
    environment = os.environ | {"PYTHONPATH": str(files.checkout())}
    subprocess.run(call, cwd=tmp_path, env=environment, check=True, capture_output=True)
    drawn, committed = tmp_path / "out" / "beta_narrow.svg", PRESS.place("beta_narrow").with_suffix(".svg")
    assert drawn.read_bytes() == committed.read_bytes()

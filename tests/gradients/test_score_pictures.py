"""The pictures of the score function: arrows, contours, the run of black-box inference, its moving picture, the plate.

Truth comes from SciPy's densities and Gauss-Hermite nodes, which are exact here: a log weight is quadratic, a squared
term of degree six.
"""
import io
import tempfile

import numpy as np
import pytest
from matplotlib.animation import writers
from scipy import stats

from refvi import diagonal_normal, noise
from refvi.__main__ import main
from refvi.app.figures import load_press
from refvi.base import models
from refvi.gradients.score_function import weighted_score
from refvi.verify.trial import PASS, escalate, moments

PRESS = load_press()
ARROWS = ["does_it_work", "different_samples", "different_m"]
SHARED = PRESS.load("does_it_work")
RUN = PRESS.load("bbvi_run")
CENTRE, SD = np.array([1.5, 0.6]), 0.2      # q of the slide


def log_weight(theta):
    """log p(theta, D) - log q(theta) by SciPy, for the model read off the slide.

    Targets 1.054 and 1.489 at 0 and 1, noise 0.1, prior N(0, I).
    """
    fit = theta @ np.array([[1., 1.], [0., 1.]])
    joint = stats.norm.logpdf(theta).sum(axis=-1) + stats.norm.logpdf([1.054, 1.489], fit, 0.1).sum(axis=-1)
    return joint - stats.norm.logpdf(theta, CENTRE, SD).sum(axis=-1)


def one_term():
    """(mean, variance) (2,) of one black arrow, exactly."""
    t, w = np.polynomial.hermite_e.hermegauss(12)
    grid = np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1).reshape(-1, 2)
    weights = np.outer(w, w).ravel() / w.sum()**2
    terms = log_weight(CENTRE + SD * grid)[:, None] * grid / SD
    return weights @ terms, weights @ terms**2 - (weights @ terms)**2


# ---- the arrows

@pytest.mark.parametrize("name", ARROWS)
def test_green_is_the_average_of_black_and_black_is_red_times_the_log_weight(name, rng):
    for numbers in (PRESS.stored(name), PRESS.load(name).data(rng)):
        theta, red, black = (np.asarray(numbers[f"random_{key}"]) for key in ("theta", "red", "black"))
        np.testing.assert_allclose(red, (theta - CENTRE) / SD**2, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(black, red * log_weight(theta)[:, None], rtol=1e-10)
        for green, own in zip(numbers["random_green"], np.split(black, np.cumsum(numbers["M"])[:-1]), strict=True):
            np.testing.assert_allclose(green, own.sum(axis=0) / len(own), rtol=0, atol=1e-12 * np.max(np.abs(own)))


def test_the_panels_hold_what_the_slides_hold():
    assert [list(PRESS.stored(name)["M"]) for name in ARROWS] == [[5], [5, 5, 5, 5], [3, 5, 10, 25]]
    assert SHARED.SHRINK == 0.002
    samples = np.split(PRESS.stored("different_samples")["random_theta"], 4)
    assert all(not np.any(np.isin(samples[i], samples[j])) for i in range(4) for j in range(i))


@pytest.mark.parametrize("name", ARROWS)
def test_the_cross_is_the_exact_gradient_and_its_bars_the_exact_standard_error(name):
    """Variance over M: one panel's bars tell the next one's."""
    mean, variance = one_term()
    numbers = PRESS.stored(name)
    np.testing.assert_allclose(numbers["gradient"], mean, rtol=1e-10)
    np.testing.assert_allclose(numbers["exact_sd"]**2, variance / numbers["M"][:, None], rtol=1e-10)


@pytest.mark.parametrize("M", [3, 5, 10, 25])
def test_green_scatters_about_the_exact_gradient_as_its_variance_says(M, rng):
    """Three strikes on fresh draws, so a true variance is called false once in 5e7 runs.

    One that is a half too large does not pass.
    """
    mean, variance = one_term()

    def squares(n, strike):
        eps = noise(diagonal_normal, SHARED.LAM)
        sizes = np.diff(np.linspace(0, n, 1 + -(-n // 10_000)).astype(int))
        averages = (weighted_score(eps.draw(rng, size, M), SHARED.log_joint, diagonal_normal, SHARED.LAM, 0.)
                    for size in sizes)
        return moments((average[:, :2] - mean)**2 for average in averages)

    trial = escalate(squares, variance / M, n1=40_000)
    assert trial.verdict == PASS, (trial.last.mean, variance / M)
    assert np.all(trial.first.resolution < 0.3 * variance / M)
    if M == 3:
        assert escalate(squares, 1.5 * variance / M, n1=40_000).verdict != PASS


# ---- the contours

def test_the_model_read_off_the_slide_has_the_slide_s_posterior():
    """Mean (1.048, 0.437), covariance .0098, -.0097, .0195, to the digits given."""
    mean, precision = models.posterior(SHARED.X, SHARED.THETA)
    np.testing.assert_allclose(mean, [1.048, 0.437], rtol=0, atol=5e-4)
    np.testing.assert_allclose(np.linalg.inv(precision), [[0.0098, -0.0097], [-0.0097, 0.0195]], rtol=0, atol=5e-5)


def test_contours_lie_at_their_parts_of_the_peak():
    for name in ARROWS:
        numbers = PRESS.stored(name)
        for ellipse, level in zip(numbers["q"], (0.8, 0.6, 0.4, 0.2), strict=True):
            part = stats.norm.pdf(ellipse, CENTRE, SD).prod(axis=-1) / stats.norm.pdf(CENTRE, CENTRE, SD).prod()
            np.testing.assert_allclose(part, level, rtol=1e-10)
        assert_on_levels(numbers["posterior"], SHARED)
    assert_on_levels(PRESS.stored("bbvi_run")["posterior"], RUN)


def assert_on_levels(ellipses, script):
    """A posterior has the shape of its joint, whose peak is the posterior's mean."""
    peak = models.linear_gaussian.log_joint(models.posterior(script.X, script.THETA)[0], script.X, script.THETA)
    assert len(ellipses) == len(SHARED.POSTERIOR_LEVELS) == 5
    for ellipse, level in zip(ellipses, SHARED.POSTERIOR_LEVELS):
        np.testing.assert_allclose(models.linear_gaussian.log_joint(ellipse, script.X, script.THETA) - peak,
                                   np.log(level), rtol=0, atol=1e-9)


# ---- the run

OFF = np.array([0.025, 0.040, 0.100, 0.070])


def test_the_run_has_the_slide_s_posterior_and_optimum():
    """Posterior mean (1.041, .508) and standard deviations (.0775, .1265); the best q has (.0447, .0730)."""
    mean, _ = models.posterior(RUN.X, RUN.THETA)
    numbers = PRESS.stored("bbvi_run")
    np.testing.assert_allclose(mean, [1.041, 0.508], rtol=0, atol=5e-4)
    np.testing.assert_allclose(numbers["posterior_sd"], [0.0775, 0.1265], rtol=0, atol=6e-5)
    np.testing.assert_allclose(np.exp(numbers["best"][2:]), [0.0447, 0.0730], rtol=0, atol=5e-5)
    np.testing.assert_allclose(numbers["best"][:2], mean, rtol=0, atol=1e-9)


def test_a_fresh_run_ends_at_the_best_factorized_normal(rng):
    """None of 198 runs ended further off than OFF, so fewer than 15 in 1000 do (at 95 %), and five in a row less than
    once in 10^9.

    These ends had a standard deviation of (.0055, .0086, .0114, .0069) about the optimum, the first spread being still
    .0255 too wide.
    """
    for trial in range(5):
        path = np.asarray(RUN.data(rng)["random_lam"])
        best = models.mean_field(RUN.X, RUN.THETA)
        assert path.shape == (51, 4) and np.array_equal(path[0], np.log([1, 1, 1.5, 1.5]))
        if np.all(np.abs(path[-1] - best) < OFF):
            break
    else:
        pytest.fail(f"five runs ended off by more than {OFF}, the last by {path[-1] - best}")
    assert np.all(np.exp(path[-1, 2:]) < PRESS.stored("bbvi_run")["posterior_sd"])


def test_the_committed_run_ends_there_too():
    numbers = PRESS.stored("bbvi_run")
    off = np.abs(numbers["random_lam"] - numbers["best"])
    assert np.all(off[-1] < OFF) and np.all(off[20, 2:] > OFF[2:])       # not yet at step 800


# ---- the moving picture

def delays(gif):
    """Hundredths of a second of every frame of a GIF, read block by block."""
    file = io.BytesIO(gif)
    assert file.read(6) == b"GIF89a"
    skip_table(file, file.read(7)[4])
    found = []
    while (kind := file.read(1)) != b";":
        if kind == b"!":
            label = file.read(1)
            block = skip_blocks(file)
            if label == b"\xf9":
                found.append(int.from_bytes(block[1:3], "little"))
        else:
            assert kind == b",", kind
            skip_table(file, file.read(9)[8])
            file.read(1)
            skip_blocks(file)
    return found


def skip_table(file, flags):
    if flags & 0x80:
        file.read(3 * 2**((flags & 7) + 1))


def skip_blocks(file):
    """The first block of a chain, and the file behind the last."""
    first = None
    while size := file.read(1)[0]:
        block = file.read(size)
        first = first or block
    return first


def test_the_committed_moving_picture_has_51_frames_at_6_a_second_and_is_small():
    gif = (PRESS.place("bbvi_run").with_suffix(".gif")).read_bytes()
    assert delays(gif) == [16] * 51     # 1/6 s, in the hundredths that the format counts in
    assert len(gif) < 500_000


def test_the_command_writes_and_names_both_pictures(tmp_path, capsys):
    assert main(["figures", "bbvi_run", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "bbvi_run.svg"), str(tmp_path / "bbvi_run.gif")]
    assert len(delays((tmp_path / "bbvi_run.gif").read_bytes())) == 51
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bbvi_run.gif", "bbvi_run.json", "bbvi_run.svg"]


@pytest.fixture
def short(monkeypatch):
    """The script with its first six frames only."""
    script = PRESS.load("bbvi_run")
    script.FRAMES = 6
    monkeypatch.setattr(PRESS, "load", lambda name: script)
    return script


def test_a_moving_picture_is_the_same_twice(short):
    numbers = PRESS.stored("bbvi_run")
    first, second = (PRESS.animate(short, numbers) for _ in range(2))
    assert first == second and delays(first) == [16] * 6


def test_without_pillow_the_strip_is_written_and_the_loss_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(writers, "is_available", lambda name: False)
    assert main(["figures", "bbvi_run", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.out.split() == [str(tmp_path / "bbvi_run.svg")] and "Pillow is missing" in told.err
    assert not (tmp_path / "bbvi_run.gif").exists()


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError])
def test_a_rendering_cut_short_changes_no_picture_and_leaves_no_rubbish(tmp_path, monkeypatch, short, end):
    out, scratch, draw_frame = tmp_path / "out", tmp_path / "scratch", short.draw_frame
    out.mkdir(), scratch.mkdir()
    for ending in ("svg", "gif"):
        (out / f"bbvi_run.{ending}").write_text("old")

    def cut(figure, frame, **numbers):
        if frame == 3:
            raise end
        draw_frame(figure, frame, **numbers)

    short.draw_frame = cut
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with pytest.raises(end):
        list(PRESS.write("bbvi_run", out))
    assert [(out / f"bbvi_run.{ending}").read_text() for ending in ("svg", "gif")] == ["old", "old"]
    assert not list(scratch.iterdir()) and len(list(out.iterdir())) == 3      # the numbers come first


# ---- the plate

def test_the_plate_reads_as_the_regression(rng):
    """p(theta|sigma_theta) prod_i p(Y_i|x_i, theta, sigma_y), off the edges, has the density of the model that the run
    climbs."""
    numbers = {key: value.tolist() for key, value in PRESS.stored("regression_plate").items()}
    parents = {node: {parent for parent, child in numbers["edges"] if child == node} for node in numbers["random"]}
    assert parents == {"$θ$": {"$σ_θ$"}, "$Y_i$": {"$x_i$", "$θ$", "$σ_y$"}}
    assert set(numbers["plate"]) == {"$x_i$", "$Y_i$"} and numbers["observed"] == ["$Y_i$"]
    inputs, theta = np.linspace(0, 1, 5), rng.normal(size=2)
    value = {"$σ_θ$": RUN.THETA.prior_sd, "$σ_y$": RUN.THETA.noise_sd, "$θ$": theta}
    density = {"$θ$": lambda own: stats.norm.logpdf(value["$θ$"], 0, own["$σ_θ$"]).sum(),
               "$Y_i$": lambda own: stats.norm.logpdf(own["$Y_i$"], own["$θ$"][0] + own["$θ$"][1] * own["$x_i$"],
                                                      own["$σ_y$"])}
    total = 0.
    for node in numbers["random"]:
        for i in range(5) if node in numbers["plate"] else [0]:
            known = value | {"$x_i$": inputs[i], "$Y_i$": RUN.X[i]}
            total += density[node]({name: known[name] for name in parents[node] | {node}})
    np.testing.assert_allclose(models.linear_gaussian.log_joint(theta, RUN.X, RUN.THETA), total, rtol=1e-10)

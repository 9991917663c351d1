"""The pictures of the VAE say what their captions say, from their committed numbers.

The autoencoder's step, its two-sample distance, planted faults.
"""
from importlib import import_module

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy import stats

from refvi.app.figures import load_press
from refvi.base import files
from refvi.generative.vae import autoencoder, evaluate, fast, model, store, training
from refvi.likelihood.networks import forward, rectified

PRESS = load_press()
vae_manifold = PRESS.load("vae_manifold")       # which makes figures/ a place to import from
digits = import_module("digits")

SURE = 4                # standard errors
KINDS = ("", "_typeset")
SHAPES = [model.architecture(12, 2, (9, 5)), model.architecture(12, 3, (7,), ()),
          model.architecture(12, 2, (9, 5), (4,), "gaussian", 0.4)]


def images(rng, N=200, n=12):
    """Binary images of two kinds: the left or the right half on, a tenth of the pixels turned."""
    return (np.arange(n) < n // 2)[None] ^ (rng.random((N, 1)) < 0.5) ^ (rng.random((N, n)) < 0.1)


# ---- the autoencoder

def at_the_code(weights, x, shape):
    """The average of log p(x | z = mu), for autograd."""
    phi, theta = model.split(weights, shape)
    output = forward(theta, forward(phi, x, shape.encoder, rectified)[-1][:, :shape.D], shape.decoder, rectified)[-1]
    if shape.likelihood == "bernoulli":
        return anp.mean(anp.sum(x * output - anp.logaddexp(0., output), axis=1))
    return anp.mean(anp.sum(-0.5 * ((x - output) / shape.sd)**2 - 0.5 * np.log(2 * np.pi * shape.sd**2), axis=1))


def awake(rng, shape):
    return model.start(rng, shape, float) + 0.3 * rng.standard_normal(sum(shape.counts))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_autoencoder_s_step_is_autograd_s(shape, rng):
    x, weights = images(rng, 7).astype(float), awake(rng, shape)
    room, into = fast.buffers(shape, 7, float), np.empty_like(weights)
    room.x[:] = x
    room.eps[:] = np.nan                    # whatever lies in the noise does not matter
    reconstruction, kl = autoencoder.step(fast.both(weights, shape), fast.both(into, shape), shape, room)
    assert kl == 0 and reconstruction / 7 == pytest.approx(at_the_code(weights, x, shape), rel=1e-12)
    truth = grad(at_the_code)(weights, x, shape)
    np.testing.assert_allclose(into / 7, truth, atol=1e-11 * np.max(np.abs(truth)))
    np.testing.assert_allclose(autoencoder.backward_without_noise(weights, x, shape), truth,
                               atol=1e-11 * np.max(np.abs(truth)))


def test_its_ascent_raises_the_likelihood_leaves_log_sd_alone_and_ends_where_the_vae_does_not(rng):
    shape, x = model.architecture(12, 2, (40, 20)), images(rng, 400)        # wide enough for some unit to be on
    first = training.begin(rng, shape, training.Settings(M=50, rate=3e-3))
    begun = evaluate.encoded(shape, first.weights, x)
    last, other = (next(fit for fit in ascent(first, x) if fit.epochs == 25)
                   for ascent in (autoencoder.epochs, training.epochs))
    assert last.history[-1, 0] > last.history[0, 0] + 1 and np.all(last.history[:, 1] == 0)
    assert np.all(np.isnan(last.history[:, 2:]))
    head = [fast.both(fit.weights, shape)[0][-1] for fit in (first, last, other)]
    before, after, variational = (layer[:, 2:] for layer in head)
    assert np.array_equal(before, after) and not np.any(np.all(before == variational, axis=0))
    assert not np.allclose(begun[:, :2], evaluate.encoded(shape, last.weights, x)[:, :2])
    again = next(fit for fit in autoencoder.epochs(first, x) if fit.epochs == 25)
    assert np.array_equal(again.weights, last.weights)


# ---- two samples

def test_the_kernel_distance_is_its_double_sum_and_leaves_out_what_is_paired_with_itself(rng):
    a, b, width = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 4, 3)) + 0.5, 1.3

    def pairs(u, v, own):
        return np.mean([np.exp(-np.sum((p - q)**2) / (2 * width**2)) for i, p in enumerate(u) for j,
                        q in enumerate(v) if own or i != j])

    for k in range(2):
        value = pairs(a[k], a[k], False) + pairs(b[k], b[k], False) - 2 * pairs(a[k], b[k], True)
        assert autoencoder.kernel_distance(a, b, width)[k] == pytest.approx(value, rel=1e-10, abs=1e-12)
        # the fault
        assert pairs(a[k], a[k], True) + pairs(b[k], b[k], True) - 2 * pairs(a[k], b[k], True) > value + 0.1
    assert autoencoder.median_distance(a[0]) == pytest.approx(np.median([np.linalg.norm(p - q) for i,
                                                                         p in enumerate(a[0]) for q in a[0][:i]]))


def test_one_distribution_is_not_told_from_itself_and_two_are(rng):
    same, other = (rng.standard_normal((3000, 2)) for _ in range(2))
    limit = stats.t.isf(1e-7, 99)
    for made, apart in ((other, False), (other + [0.6, 0], True)):
        found = autoencoder.two_sample(same, made, 1., 100)
        assert (found.value > limit * found.error) == apart
    # E k = width^2/(width^2 + 2) exp(-m^2/(2 (width^2 + 2))) in the plane
    exact = 2 * (1 / 3 - np.exp(-0.36 / 6) / 3)
    assert abs(found.value - exact) < limit * found.error


def test_the_spread_of_codes_is_that_of_their_normal(rng):
    standard = rng.standard_normal((50, 2))
    whitened = (standard - standard.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(standard.T))).T
    assert autoencoder.spread(whitened) == pytest.approx(0, abs=1e-12)
    assert autoencoder.spread(3 * whitened + [1, 0]) == pytest.approx(0.5 * (18 + 1 - 2) - np.log(9), rel=1e-10)


def test_wrong_calls_say_what_was_expected(rng):
    a = rng.standard_normal((10, 2))
    with pytest.raises(ValueError, match="width must be > 0, got 0"):
        autoencoder.kernel_distance(a, a, 0)
    with pytest.raises(ValueError, match="10 and 10 images in parts=20: at least two parts of two images each"):
        autoencoder.two_sample(a, a, 1.)
    with pytest.raises(ValueError, match="parts must be an integer"):
        autoencoder.two_sample(a, a, 1., 2.5)


# ---- images on paper, fits in the user's folder

def test_images_survive_their_string_and_find_their_place(rng):
    pictures = rng.integers(0, 256, (7, 784)).astype(np.uint8)
    assert np.array_equal(digits.unpacked(digits.packed(pictures / 255)), pictures)
    paper = digits.sheet(pictures, 4)
    assert paper.shape == (2 * 29 + 1, 4 * 29 + 1)
    assert np.array_equal(paper[30:58, 59:87], pictures[6].reshape(28, 28)) and np.all(paper[0] == 110)


def test_a_user_s_own_fit_is_what_his_pictures_show(rng, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(digits.vae, "TYPESET", dict(train=200, validation=40, test=100))
    seed = rng.integers(2**63, size=2).tolist()
    own = digits.load(rng, "typeset", seed=seed)
    fit = digits.climbed(rng, own, model.SLIDE, 2)
    store.save(fit, digits.vae.default_place("typeset", 2))
    found, shown = digits.fitted(rng, "typeset", 2)
    assert shown.epochs == 2 and np.array_equal(shown.weights, fit.weights) and found.stamp == own.stamp
    assert str(PRESS.load("vae_latent_typeset").data(rng)["random_fit"]) == "typeset digits, 2 epochs"
    store.save(digits.climbed(rng, own, model.NOTEBOOK, 1), digits.vae.default_place("typeset", 2))
    with pytest.raises(ValueError, match=r"vae-typeset-2d.npz holds a fit of 784-500-\(2,2\).* expected "
                                         r"784-256-64-\(2,2\).*--fresh"):
        digits.fitted(rng, "typeset", 2)


# ---- what the committed pictures claim

@pytest.mark.parametrize("kind", KINDS)
def test_the_strip_reads_as_the_slide_does(kind):
    data = PRESS.stored("digit_strip" + kind)
    assert data["reads"].tolist() == [5, 7, 4, 4, 2, 6, 3, 5, 9, 2] and data["on"].tolist() == [0, 255]
    assert digits.unpacked(data["random_strip"]).shape == (10, 784)


def test_the_hourglass_has_the_slide_s_weights():
    assert PRESS.stored("hourglass")["weights"].tolist() == [217_668, 218_320]


@pytest.mark.parametrize("kind", KINDS)
def test_the_grid_is_the_notebook_s_and_its_second_axis_points_up(kind):
    data = PRESS.stored("vae_manifold" + kind)
    np.testing.assert_allclose(data["z"], stats.norm.ppf(np.linspace(0.001, 0.999, 15)), rtol=1e-12)
    grid = vae_manifold.grid()
    assert grid[0, 0] == grid[15, 0] < grid[1, 0] and grid[0, 1] == grid[1, 1] > grid[15, 1]
    assert digits.unpacked(data["random_means"]).shape == (225, 784)


@pytest.mark.parametrize("kind", KINDS)
def test_two_dimensions_keep_less_than_twenty(kind):
    """Mean absolute distance of a pixel from its image."""
    image, two, twenty = np.split(digits.unpacked(PRESS.stored("vae_reconstructions"
                                                               + kind)["random_images"]).astype(float), 3)
    assert np.mean(np.abs(image - two)) > 1.5 * np.mean(np.abs(image - twenty))


@pytest.mark.parametrize("kind", KINDS)
def test_the_held_out_bound_stays_behind_and_more_dimensions_raise_it(kind):
    data = PRESS.stored("vae_elbo" + kind)
    for D in (2, 20):
        reconstruction, kl, held, error = data[f"random_history_{D}"][-1]
        assert reconstruction - kl > held + 2 * error
    two, twenty = (data[f"random_history_{D}"] for D in (2, 20))
    assert twenty[-1, 2] > two[-1, 2] + 20 and twenty[-1, 1] > 2 * two[-1, 1]
    assert np.max(two[:, 2]) > two[-1, 2]                   # the best epoch was an earlier one
    if not kind:
        assert -two[-1, 2] < 150 and -twenty[-1, 2] < 100


@pytest.mark.parametrize("kind", KINDS)
def test_codes_fill_the_prior_and_digits_keep_apart(kind):
    data = PRESS.stored("vae_codes" + kind)
    step = data["grid"][1] - data["grid"][0]
    masses = data["random_density"].sum(axis=(1, 2)) * step**2
    assert np.all((0.95 < masses) & (masses < 1.01))
    prior = np.exp(-0.5 * np.add.outer(data["grid"]**2, data["grid"]**2)) / (2 * np.pi)
    overlap = [np.minimum(density, prior).sum() * step**2 for density in data["random_density"]]
    assert overlap[0] > 0.75 and np.median(overlap[1:]) < 0.5
    codes, labels = (PRESS.stored("vae_latent" + kind)[key] for key in ("random_code", "random_label"))
    distance = np.sum((codes[:, None] - codes[None])**2, axis=-1) + 1e9 * np.eye(len(codes))
    # of nearest neighbours; by chance 0.1
    assert np.mean(labels[np.argmin(distance, axis=1)] == labels) > (0.4 if kind else 0.6)


@pytest.mark.parametrize("kind", KINDS)
def test_an_autoencoder_decodes_codes_as_well_and_random_points_worse(kind):
    """RAI.080, RAI.081: the difference is in the random z, not in the reconstructions."""
    data = PRESS.stored("autoencoder_or_vae" + kind)
    (plain, plain_error), (variational, error) = data["random_mmd"][:, 0]
    assert plain - variational > SURE * np.hypot(plain_error, error)
    assert np.all(data["random_mmd"][:, 0, 0] > data["random_mmd"][:, 1, 0])
    assert abs(data["random_control"][0]) < SURE * data["random_control"][1]
    assert data["random_spread"][0] > 5 * data["random_spread"][1] and data["random_spread"][1] < 0.3


def test_no_random_z_comes_near_an_autoencoder_s_ones():
    """On MNIST: of 10^5 draws of N(0, I) in the plane one lies further out than 4.8."""
    data = PRESS.stored("autoencoder_or_vae")
    codes, variational = data["random_code"]
    ones = data["random_label"] == 1
    far, near = (np.mean(np.linalg.norm(own[ones], axis=1) > 4.8) for own in (codes, variational))
    assert far > 0.95 and near < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_bounds_rise_as_they_must(kind):
    data = PRESS.stored("vae_gap" + kind)
    for D in (2, 20):
        (gain, error), (rest, rest_error) = data[f"random_differences_{D}"][:2]
        assert gain > SURE * error and rest > SURE * rest_error
        assert abs(data[f"random_bounds_{D}"][0, 0]
                   - data[f"random_test_{D}"][0]) < SURE * np.hypot(data[f"random_bounds_{D}"][0, 1],
                                                                    data[f"random_test_{D}"][1])
    missed, error = data["random_differences_2"][2]         # by draws, of log p(x)
    assert missed > 3 * error
    if not kind:
        assert data["random_S"] == 5000 and data["random_test_2"][0] > -150


@pytest.mark.parametrize("kind", KINDS)
def test_capacity_raises_the_bound_and_then_only_that_of_the_images_seen(kind):
    data = PRESS.stored("vae_decoders" + kind)
    final, (held, error) = data["random_elbo"][:, -1], data["random_held_out"].T
    assert np.all(np.diff(final) > 0) and np.all(final > held)
    assert held[2] - held[0] > SURE * np.hypot(error[2], error[0])
    assert held[2] - held[4] > SURE * np.hypot(error[2], error[4])


def told(pair, places):
    return f"{pair[0]:.{places}f} ± {pair[1]:.{places}f}"


def test_the_page_s_numbers_are_those_of_its_pictures():
    page = " ".join(files.page("vae").read_text(encoding="utf-8").split())
    gap, beside, decoders = (PRESS.stored(name) for name in ("vae_gap", "autoencoder_or_vae", "vae_decoders"))
    rows = [("ELBO of the 10,000 test images, one draw each", "", 1, lambda D: gap[f"random_test_{D}"]),
            ("ELBO of 400 of them", "", 1, lambda D: gap[f"random_bounds_{D}"][0]),
            ("importance-weighted bound, S = 5000", "", 1,
             lambda D: gap[f"random_bounds_{D}"][2]), ("of it KL", "", 2, lambda D: gap[f"random_kl_{D}"]),
            ("gained by climbing each image's own $`\\lambda_i`$", "+", 1, lambda D: gap[f"random_differences_{D}"][0]),
            ("gained further by weighting 5000 draws", "+", 2, lambda D: gap[f"random_differences_{D}"][1])]
    for words, sign, places, of in rows:
        assert f"| {words} | {sign}{told(of(2), places)} | {sign}{told(of(20), places)} |" in page, words
    for words, sign, pair in (("$`\\log p(x)`$ on a grid", "", gap["random_bounds_2"][3]),
                              ("not seen by the 5000 draws", "+", gap["random_differences_2"][2])):
        assert f"| {words} | {sign}{told(pair, 1)} | |" in page, words
    for pair in beside["random_mmd"].reshape(-1, 2):
        assert told(pair, 4) in page
    assert f"at {np.abs(beside['random_control'][0]):.4f} ± {beside['random_control'][1]:.4f}" in page
    plain, variational = beside["random_spread"]
    assert f"codes lie {plain:.0f} nats from" in page and f"are {variational:.2f} nats from it" in page
    assert "some, beyond the picture's edge, more than 40 from the origin" in page
    assert 40 < np.max(np.linalg.norm(beside["random_code"][0], axis=1)) < 50
    curves = PRESS.stored("vae_elbo")
    epoch, held = curves["random_epoch_2"], curves["random_history_2"][:, 2:]
    assert "passes -150 nats in the fourth epoch" in page and epoch[np.argmax(held[:, 0] > -150)] == 4
    assert f"best around epoch 80, at {told(held[np.argmax(held[:, 0])], 1)}" in page
    assert abs(epoch[np.argmax(held[:, 0])] - 80) < 10
    assert all(f"--epochs {curves[f'random_epoch_{D}'][-1]}`" in page for D in (2, 20))
    assert all(told(pair, 1) in page for pair in decoders["random_held_out"])
    assert all(f"{value:.0f}" in page for value in decoders["random_elbo"][:, -1])

"""Amortized inference: planted faults that the rule of the noise refuses, right variants that pass, training against
what is known exactly, bad input, pictures.

The points are the stages of derivations/generative/amortization.md, whose truths are integrals by SciPy.
"""
from functools import partial
from inspect import signature

import numpy as np
import pytest
from autograd import grad

from refvi.app.figures import load_press
from refvi.base import files
from refvi.base.families.lam import halves
from refvi.base.optimize import Ascent
from refvi.generative.amortization import fit as training, rows
from refvi.generative.amortization.exact import one_pass
from refvi.generative.amortization.fit import estimated_elbo, fit
from refvi.generative.amortization.gradient import gradient_by_autograd, gradient_by_hand, through_decoder
from refvi.generative.amortization.minibatch import batches
from refvi.generative.amortization.model import (bound_and_gradients, closed_divergence, drawn, encode, log_likelihood,
                                                 require_data)
from refvi.generative.amortization.rows import highest_amortized_bound
from refvi.generative.linear_latent.network import encoder_network, from_network
from refvi.likelihood.heads import Network, back, bernoulli, normal, normal_heads, normal_of, output, through
from refvi.likelihood.networks import count, initial, rectified, sigmoid
from refvi.verify.companion import load
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove, rule

COMPANION = load(files.page("amortization"))
MODEL = ("phi", "theta", "x", "encoder", "decoder")


def setting(label, rng):
    """A stage whose truths hold the values that they ask for."""
    stage = COMPANION.stages[label](rng)

    def bound(truth):
        return partial(truth, **{name: stage[name] for name in signature(truth).parameters if name in stage})

    return stage | {name: bound(stage[name]) for name in {"bound_by_scipy", "evidence_by_scipy"} & set(stage)}


def reconstruction(eps, phi, theta, x, encoder, decoder, sd=lambda log_sd: np.exp(log_sd),
                   divergence=closed_divergence, read=lambda outputs: outputs, share=1.):
    """reconstruction_by_draws with its parts open to slips."""
    lam = encode(x, phi, encoder)
    mu, log_sd = halves(lam)
    fit = decoder.observed.log_prob(x, read(output(theta, mu + sd(log_sd) * eps, decoder)))
    return np.mean(share * fit - divergence(lam), axis=(1, 2))


def slip(**changed):
    return lambda eps, phi, theta, x, encoder, decoder: reconstruction(eps, phi, theta, x, encoder, decoder, **changed)


def kl(factor=0.5, log_factor=2., constant=1., reduce=np.sum):
    def divergence(lam):
        mu, log_sd = halves(lam)
        return factor * reduce(mu**2 + np.exp(2 * log_sd) - constant - log_factor * log_sd, axis=-1)
    return divergence


RIGHT = {"by hand": slip(),
         "a constant written twice": slip(divergence=lambda lam: kl()(lam) / 2 + closed_divergence(lam) / 2)}
WRONG = {"the variance for a standard deviation": ("pixels", slip(sd=lambda log_sd: np.exp(2 * log_sd))),
         "half the log standard deviation": ("pixels", slip(sd=lambda log_sd: np.exp(0.5 * log_sd))),
         "divergence averaged over latents": ("plane", slip(divergence=kl(reduce=np.mean))),
         "log sd for log variance in the divergence": ("pixels", slip(divergence=kl(log_factor=1.))),
         "no minus one": ("plane", slip(divergence=kl(constant=0.))),
         "one minus one for all latents": ("plane", slip(divergence=lambda lam: closed_divergence(lam) + 0.5)),
         "divergence added": ("pixels", slip(divergence=lambda lam: -closed_divergence(lam))),
         "pixels averaged": ("pixels", slip(share=0.25)), "sigmoid twice": ("pixels", slip(read=sigmoid)),
         "z = mu": ("pixels", slip(sd=np.zeros_like)),
         "scaled by N / M": ("pixels", lambda eps, *model: 2 * reconstruction(eps, *model)),
         "summed over data": ("gaussian", lambda eps, *model: 2 * reconstruction(eps, *model))}


def values_of(stage, function, truth):
    def bound(eps, phi, theta, x, encoder, decoder):
        return function(eps, phi, theta, x, encoder, decoder)

    return {name: stage[name] for name in (*MODEL, "noise", "S")} | dict(truth=stage[truth], estimate=bound)


def judge(entropy, stage, function, truth="bound_by_scipy"):
    return prove(entropy, r"truth; \approx estimate", values_of(stage, function, truth))["estimate"]


def by_rule(stage, function, truth="bound_by_scipy"):
    return rule(r"truth; \approx estimate", values_of(stage, function, truth))["estimate"]


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("label", ["pixels", "gaussian", "plane"])
def test_right_variants_pass(entropy, rng, name, label):
    result = judge(entropy, setting(label, rng), RIGHT[name])
    assert result.verdict == PASS and "rule" in result.how, result


@pytest.mark.parametrize("name", WRONG)
def test_the_rule_refuses_every_slip_in_the_bound(rng, name):
    label, wrong = WRONG[name]
    result = by_rule(setting(label, rng), wrong)
    assert result.verdict == FAIL and result.how.startswith("rule"), result


# ---- one noise for a batch: the mean is blind, the variance is not

def squared(estimate, mean):
    """(estimate - its mean)^2, whose expectation is the variance."""
    return lambda eps, phi, theta, x, encoder, decoder: (estimate(eps, phi, theta, x, encoder, decoder) - mean)**2


def test_shared_noise_shows_in_the_variance_and_nowhere_else(entropy, rng):
    stage = setting("alike", rng) | dict(S=1)
    mean = stage["bound_by_scipy"]()
    one_noise_for_all = COMPANION.names["one_noise_for_all"]
    for estimate in (rows.reconstruction_by_draws, one_noise_for_all):
        assert judge(entropy, stage, estimate).verdict == PASS
    own = judge(entropy, stage, squared(rows.reconstruction_by_draws, mean), "variance_by_scipy")
    shared = by_rule(stage, squared(one_noise_for_all, mean), "variance_by_scipy")
    assert own.verdict == PASS and shared.verdict == FAIL and shared.how.startswith("rule")
    model = [stage[name] for name in MODEL]
    # two terms that hardly differ: nearly twice
    assert rows.variance_of_shared_noise(*model, 1) > 1.8 * rows.variance_of_own_noise(*model, 1)


# ---- the gradient

def gradient_with(eps, phi, theta, x, encoder, decoder, sd=True, plus_one=True, prior=1., square=True, entropy=True):
    hs = through(phi, x, encoder)
    mu, log_sd = halves(hs[-1])
    _, into_z = through_decoder(drawn(eps, hs[-1]), x, theta, decoder)
    scale = np.exp(log_sd) if sd else 1.
    into_log_sd = np.mean(into_z * eps, axis=1) * scale - np.exp((2 if square else 1) * log_sd) + (1 if plus_one else 0)
    return back(phi, hs, np.concatenate([np.mean(into_z, axis=1) - prior * mu, into_log_sd], axis=-1) / len(x),
                encoder)[0]


@pytest.mark.parametrize("label", ["pixels", "variance_head"])
@pytest.mark.parametrize("changed",
                         [dict(sd=False), dict(plus_one=False), dict(prior=-1.), dict(prior=0.),
                          dict(square=False)], ids=str)
def test_slips_in_the_gradient_are_refused_by_the_rule(rng, label, changed):
    def estimate(eps, phi, theta, x, encoder, decoder):
        return gradient_with(eps, phi, theta, x, encoder, decoder, **changed)
    result = by_rule(setting(label, rng), estimate, "slope_in_phi")
    assert result.verdict == FAIL and result.how.startswith("rule"), result


@pytest.mark.parametrize("label", ["pixels", "variance_head"])
def test_the_gradient_by_hand_passes(entropy, rng, label):
    result = judge(entropy, setting(label, rng), gradient_with, "slope_in_phi")
    assert result.verdict == PASS and result.how.startswith("rule"), result


@pytest.mark.parametrize("observed", [bernoulli, normal_of(0.7), normal, normal_heads],
                         ids=lambda observed: observed.name)
def test_by_hand_is_by_autograd_for_rectified_networks_of_any_depth(rng, observed):
    decoder, encoder = Network((3, 4, 5, 6 * observed.heads), observed,
                               rectified), Network((6, 5, 4, 6), None, rectified)
    phi, theta = (0.5 * np.append(initial(rng, network.sizes), np.ones(network.free)) for network in (encoder, decoder))
    x = rng.uniform(0, 1, (7, 6)).round() if observed.binary else rng.normal(size=(7, 6))
    held = rng.normal(size=(2, 7, 3))
    model = held, x, phi, theta, encoder, decoder
    np.testing.assert_allclose(gradient_by_hand(*model), gradient_by_autograd(*model), rtol=1e-9, atol=1e-10)
    estimate = bound_and_gradients(phi, theta, x, encoder, decoder, held, np.full(2, 0.5))[0]
    lam = encode(x, phi, encoder)
    np.testing.assert_allclose(estimate,
                               np.mean(log_likelihood(drawn(held, lam), x, theta, decoder)
                                       - closed_divergence(lam)), rtol=1e-12)


@pytest.mark.parametrize("observed", [bernoulli, normal_of(0.7), normal, normal_heads],
                         ids=lambda observed: observed.name)
def test_draws_of_what_is_observed_have_its_mean(rng, observed):
    """20,000 draws of each entry; seven standard errors fail a right house once in 10^11 for each of three entries."""
    network = Network((2, 3 * observed.heads), observed)
    theta = rng.uniform(-0.8, 0.8, network.size)
    outputs = output(theta, np.tile(rng.normal(size=(1, 2)), (20_000, 1)), network)
    x = observed.draw(rng, outputs)
    assert x.shape == (20_000, network.n) == observed.mean(outputs).shape
    assert np.all(np.abs(np.mean(x, axis=0) - observed.mean(outputs)[0]) < 7 * np.std(x, axis=0) / np.sqrt(len(x)))


# ---- minibatches

def test_every_datum_once_and_the_last_batch_short():
    assert [np.arange(7)[part].tolist() for part in batches(7, 3)] == [[0, 1, 2], [3, 4, 5], [6]]


# ---- training

def components(rng, N=300):
    """Data of a linear decoder with one latent variable, and their log-likelihood in nats per datum where it is
    highest: PPCA in closed form."""
    W, sd = rng.uniform(0.8, 1.2, (1, 4)) * [1, -1, 1, 1], 0.6
    x = rng.normal(size=(N, 1)) @ W + sd * rng.normal(size=(N, 4))
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)))
    best_sd = np.sqrt(np.mean(eigenvalues[:3]))
    return x, best_sd, -0.5 * (4 * np.log(2 * np.pi) + np.log(eigenvalues[3]) + 3 * np.log(best_sd**2) + 4)


def test_at_the_likelihood_s_maximum_the_bound_has_no_slope_and_training_climbs_towards_it(rng):
    """RAI.095: nothing is lost where the encoder can be right.

    Of the way to the top seven tenths are done, whatever the draws.
    """
    x, sd, best = components(rng)
    encoder, decoder = Network((4, 2)), Network((1, 4), normal_of(sd))
    start = np.array([0.3, 0, -0.3, 0, 0.3, 0, 0.3, 0, 0, 0]), np.array([0.4, -0.4, 0.4, 0.4, 0, 0, 0, 0])
    before = rows.amortized_bound(*start, x, encoder, decoder)
    phi, theta, ascent = fit(rng, x, encoder, decoder, *start, epochs=60, M=50,
                             rate=lambda t: 0.03 * (1 - 0.98 * t / 360))
    reached = rows.amortized_bound(phi, theta, x, encoder, decoder)
    assert best - 0.3 * (best - before) < reached < best and ascent.steps == 360 and not ascent.stopped
    theta = maximum_likelihood(x)
    phi = encoder_network(from_network(theta, decoder.sizes, sd))
    assert rows.amortized_bound(phi, theta, x, encoder, decoder) == pytest.approx(best, abs=1e-9)
    slope = grad(lambda weights: rows.reconstruction_less_divergence(weights[:10], weights[10:], x, encoder, decoder))
    assert np.max(np.abs(slope(np.concatenate([phi, theta])))) < 1e-7


def maximum_likelihood(x):
    """Weights and bias of the linear decoder of the highest likelihood.

    The first eigenvector, as long as its variance above the noise's.
    """
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    return np.append(vectors[:, 3] * np.sqrt(values[3] - np.mean(values[:3])), np.mean(x, axis=0))


def test_the_encoder_alone_goes_where_the_linear_one_is(rng):
    """RAI.072: quasi-Newton ascent in phi ends at the posterior's own map, for any decoder held fixed."""
    stage = setting("linear", rng)
    highest = highest_amortized_bound(0.5 * initial(rng, stage["encoder"].sizes), *(stage[name] for name in MODEL[1:]))
    np.testing.assert_allclose(highest, stage["evidence_by_scipy"](), rtol=1e-9)


def test_the_gap_of_an_encoder_that_cannot_bend_is_positive(rng):
    """PML.132: no phi reaches what every datum reaches alone; the gap is a tenth of a nat at least."""
    stage = setting("bend", rng)
    x, theta, decoder = (stage[name] for name in ("x", "theta", "decoder"))
    best = rows.mean_of_best_local_bounds(x, theta, decoder, stage["lam"])
    for phi in (stage["phi"], stage["phi"] + 0.3):
        assert highest_amortized_bound(phi, theta, x, stage["encoder"], decoder) < best - 0.1


def test_training_raises_the_bound_and_tells_what_it_sees(rng):
    stage = setting("pixels", rng)
    x = (rng.random((120, 4)) < np.where(rng.random((120, 1)) < 0.5, 0.9, 0.15)).astype(float)
    encoder, decoder, seen = stage["encoder"], stage["decoder"], []
    before = rows.amortized_bound(stage["phi"], stage["theta"], x, encoder, decoder)
    phi, theta, ascent = fit(rng, x, encoder, decoder, stage["phi"], stage["theta"], 40, 32, 0.02, watch=lambda step,
                             estimate: seen.append((step, estimate)))
    after = rows.amortized_bound(phi, theta, x, encoder, decoder)
    assert after > before + 0.3 and after < np.mean(rows.log_marginals(x, theta, decoder))
    assert [step for step, _ in seen] == list(range(1, 161)) and ascent.steps == 160
    mean, error = estimated_elbo(rng, x, encoder, decoder, phi, theta, 400)
    assert abs(mean - after) < 7 * error < 0.2


def test_an_epoch_takes_every_datum_once_with_its_own_noise_and_a_short_batch_counts_by_its_size(rng, monkeypatch):
    """One noise a batch, a short batch that counts whole, a factor N/M.

    Adam hardly shows them, what it is handed does.
    """
    seen, handed, told = [], [], []

    def one(phi, theta, x, encoder, decoder, eps, w):
        seen.append((x, eps[0]))
        return float(len(seen)), np.ones_like(phi), np.ones_like(theta)

    def climb(gradient, start, steps, rate, watch):
        for step in range(1, steps + 1):
            handed.append(gradient(start))
            watch(step, start)
        return Ascent(start, steps, "")

    monkeypatch.setattr(training, "bound_and_gradients", one)
    monkeypatch.setattr(training, "adam", climb)
    x, encoder, decoder = rng.normal(size=(7, 4)), Network((4, 4)), Network((2, 4), normal_of(1.))
    fit(rng, x, encoder, decoder, np.zeros(20), np.zeros(12), 2, 3, 0.1, lambda step, estimate: told.append(estimate))
    for epoch in (seen[:3], seen[3:]):
        assert np.array_equal(np.sort(np.concatenate([batch for batch, _ in epoch]), axis=0), np.sort(x, axis=0))
    np.testing.assert_allclose(handed, np.outer([1, 1, 1 / 3] * 2, np.ones(32)))
    assert len(np.unique(np.concatenate([eps for _, eps in seen]))) == 2 * 7 * 2 and told == [1., 2., 3., 4., 5., 6.]


def test_the_error_that_is_told_is_that_of_draws_of_their_own(rng):
    """One noise for all data: the same mean and nearly twice the variance, on a stage where all data are alike."""
    model = [setting("alike", rng)[name] for name in MODEL]
    phi, theta, x, encoder, decoder = model
    _, error = estimated_elbo(rng, np.round(x), encoder, decoder, phi, theta, 20_000)
    exact = rows.variance_of_own_noise(phi, theta, np.round(x), encoder, decoder, 1)
    assert 20_000 * error**2 == pytest.approx(exact, rel=0.3)


def test_watching_changes_nothing(entropy, rng):
    stage, (first, second) = setting("pixels", rng), (np.random.Generator(np.random.SFC64(entropy)) for _ in range(2))
    model = stage["x"], stage["encoder"], stage["decoder"], stage["phi"], stage["theta"]
    plain, watched = fit(first, *model, 3, 1, 0.01), fit(second, *model, 3, 1, 0.01, watch=lambda *_: None)
    assert np.array_equal(plain[0], watched[0]) and np.array_equal(plain[1], watched[1])


# ---- bad input

BAD_DATA = {
    "integers": (np.full((3, 4), 255, np.uint8), "expected pixels that are booleans, got uint8 max 255: binarize them"),
    "another shape": (np.ones((3, 5)), r"x has shape \(3, 5\), expected \(any, 4\)"),
    "images as squares": (np.ones((3, 2, 2)), r"x has shape \(3, 2, 2\), expected \(any, 4\)"),
    "no rows": (np.ones((0, 4)), "no data: x has no rows"),
    "nan": (np.array([[0., 1, np.nan, 1]]), r"x\[0, 2\] is nan; 1 of 4 values non-finite"),
    "out of range": (np.array([[0., 1, 17., 1]]), r"pixels of a Bernoulli are 0 or 1, got values from 0 to 17"),
    "gray": (np.array([[0., 1, 0.3, 1]]), r"got gray values such as 0.3: binarize them"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_are_named(rng, name):
    x, message = BAD_DATA[name]
    encoder, decoder = Network((4, 2)), Network((1, 4), bernoulli)
    with pytest.raises(ValueError, match=message):
        require_data(x, decoder)
    with pytest.raises(ValueError, match=message):
        fit(rng, x, encoder, decoder, np.zeros(10), np.zeros(8), 1, 1, 0.1)


def test_real_data_may_lie_anywhere():
    assert require_data(np.array([[-3., 17.]]), Network((1, 2), normal)).shape == (1, 2)


@pytest.mark.parametrize("sd", [0., -1., np.nan])
def test_a_gaussian_s_spread_is_positive(sd):
    with pytest.raises(ValueError, match="sd must be > 0, got .*a standard deviation, not a variance"):
        normal_of(sd)


def test_networks_that_do_not_fit_are_named(rng):
    x, good, decoder = np.ones((3, 4)), Network((4, 2)), Network((1, 4), bernoulli)
    for encoder, pair, message in ((Network((4, 3)), decoder, r"4-3 ends in 3 numbers, the decoder 1-4 starts from "
                                                              r"D=1: expected 2 D = 2"),
                                   (good, Network((1, 5), bernoulli), r"1-5 ends in 5 numbers, the encoder 4-2 "
                                                                      r"starts from n=4: expected 4, 1 for"),
                                   (good, Network((1, 4), normal_heads), "expected 8, 2 for each entry of a datum")):
        with pytest.raises(ValueError, match=message):
            fit(rng, x, encoder, pair, np.zeros(10), np.zeros(8), 1, 1, 0.1)
    with pytest.raises(ValueError, match=r"theta has shape \(9,\), expected \(8,\): weights and biases of layers 1-4"):
        fit(rng, x, good, decoder, np.zeros(10), np.zeros(9), 1, 1, 0.1)
    with pytest.raises(ValueError, match=r"expected \(9,\): weights and biases of layers 1-4, then 1 for the normal "
                                         r"likelihood"):
        fit(rng, x, good, Network((1, 4), normal), np.zeros(10), np.zeros(8), 1, 1, 0.1)
    with pytest.raises(ValueError, match="M=4 out of N=3 data"):
        fit(rng, x, good, decoder, np.zeros(10), np.zeros(8), 1, 4, 0.1)
    with pytest.raises(ValueError, match="S must be at least 2"):
        estimated_elbo(rng, x, good, decoder, np.zeros(10), np.zeros(8), 1)
    with pytest.raises(ValueError, match="sd must be > 0"):
        one_pass(x, np.zeros(8), decoder, 0.)
    with pytest.raises(ValueError, match=r"only one of two, \(D, n\), is linear"):
        one_pass(x, np.zeros(20), Network((1, 2, 4)), 1.)


def test_large_logits_cost_what_they_should():
    np.testing.assert_array_equal(bernoulli.log_prob(np.array([[1., 0.], [0., 1.]]), np.array([800., -800.])),
                                  [0., -1600.])


# ---- the pictures

def kept(name):
    return {key: value.tolist() for key, value in load_press().stored(name).items()}


def test_the_plates_are_the_model_and_its_two_approximations():
    """PML.119, .135.

    Solid arrows into X are p(z) p(x|z, theta), the same in all panels; dashed ones into Z are q; theta and phi stand
    outside.
    """
    numbers = kept("vae_plates")
    assert sorted(numbers["edges"]) == [["$Z_i$", "$X_i$"], ["$θ$", "$X_i$"]]
    assert numbers["local"] == [["$X_i$", "$Z_i$"]]
    assert sorted(numbers["amortized"]) == [["$X_i$", "$Z_i$"], ["$φ$", "$Z_i$"]]
    assert sorted(numbers["plate"]) == sorted(numbers["random"]) == ["$X_i$", "$Z_i$"]
    assert numbers["observed"] == ["$X_i$"]


def test_the_networks_have_the_slides_layers_and_counts():
    """PML.146, .147, .130 and RAI.090: every layer's weights and biases, summed."""
    numbers = kept("vae_networks")
    layers = [numbers[name] for name in ("encoder", "decoder", "numbers")]
    assert layers == [[784, 256, 64, 4], [2, 64, 256, 784], [2, 64, 256, 2 * 784]]
    sums = [sum(m * n + n for m, n in zip(sizes, sizes[1:])) for sizes in layers]
    assert sums == numbers["weights"] == [217_668, 218_320, 419_808] and count((784, 500, 4)) == 394_504


def test_the_cycle_goes_round_clockwise():
    """PML.139: bound, samples, gradient, and back; on the page each arrow turns by 120 degrees to the right."""
    numbers = kept("vae_cycle")
    assert [[numbers["stations"][i] for i in pair]
            for pair in numbers["arrows"]] == [["bound", "samples"], ["samples", "gradient"], ["gradient", "bound"]]
    turns = [(numbers["angle"][end] - numbers["angle"][start]) % 360 for start, end in numbers["arrows"]]
    assert turns == [240., 240., 240.]

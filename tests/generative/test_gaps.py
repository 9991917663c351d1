"""Gaps taken wrongly do not add up, each has a sign where it has one, encoders are best where SciPy's ascent ends."""
import numpy as np
import pytest
from autograd import grad
from scipy import optimize, stats

from refvi.app.figures import load_press
from refvi.generative.gaps.encoder import (Moments, best_encoder, elbo, encode, log_evidence, mean_gap, moments_of,
                                           trained)
from refvi.generative.gaps.rows import (amortization_gap, each_climbed, family_gap, finite_sample_gap,
                                        gain_on_the_sample, ledger, left_on_the_sample, mean_divergence, model_gap,
                                        optimisation_gap, population_minus_sample)
from refvi.generative.linear_latent.encoder import bounds
from refvi.generative.linear_latent.model import covariance, linear, log_joint, log_likelihood
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove

SEES, STEPS, RATE = np.array([0, 2, 3]), 9, 0.02


def world(rng, N=8):
    """A decoder with D = 2 and n = 4, a population, a sample, and where training starts."""
    W = np.array([[1.1, 0.5], [0.4, 0.9], [0.9, 0.7], [0.3, -0.6]]) + rng.uniform(-0.1, 0.1, (4, 2))
    theta = linear(W, rng.uniform(-0.4, 0.4, 4), sd=rng.uniform(0.6, 0.8))
    x, y = (theta.b + rng.uniform(-1.8, 1.8, (N, 2)) @ W.T + rng.uniform(-0.9, 0.9, (N, 4)) for _ in range(2))
    start = np.concatenate([rng.uniform(-0.1, 0.1, 8), rng.uniform(-0.4, -0.1, 2)])
    return theta, x, moments_of(x), moments_of(y), start


def wrong_sums(theta, population, sample, start):
    """The sum of the gaps, right and wrong."""
    gaps = ledger(SEES, population, sample, theta, start, STEPS, RATE)
    total, last = sum(gaps.values()), trained(sample, start, SEES, theta, STEPS, RATE)
    best, fitted = best_encoder(population, SEES, theta), best_encoder(sample, SEES, theta)
    left = left_on_the_sample(SEES, sample, theta, start, STEPS, RATE)
    from_best = elbo(population, best, SEES, theta) - elbo(population, last, SEES, theta)
    gain = gain_on_the_sample(SEES, population, sample, theta)
    divergence = mean_divergence(SEES, population, sample, theta, start, STEPS, RATE)
    return {"right": total,
            **{f"{name} twice": total + gap for name, gap in gaps.items()},
            **{f"without {name}": total - gap for name, gap in gaps.items()},
            "optimisation on the sample": total - gaps["optimisation"] + left,
            "optimisation from the population's best": total - gaps["optimisation"] + from_best,
            "amortization on the sample": total - gaps["amortization"] + amortization_gap(SEES, sample, theta),
            "finite sample turned round": total - 2 * gaps["finite_sample"],
            "gain for loss": total - gaps["finite_sample"] + gain,
            "log sd for log variance": divergence + 0.5 * np.sum(last[-2:]),
            "evidence of the sample": total + log_evidence(sample, theta) - log_evidence(population, theta),
            "training forgotten": mean_gap(population, fitted, SEES, theta)}


NAMES = list(wrong_sums(*[world(np.random.Generator(np.random.SFC64()))[i] for i in (0, 2, 3, 4)]))


@pytest.mark.parametrize("name", NAMES)
def test_only_the_right_sum_is_the_gap(entropy, rng, name):
    theta, _, population, sample, start = world(rng)
    sums = wrong_sums(theta, population, sample, start)

    def whole():
        phi = trained(sample, start, SEES, theta, STEPS, RATE)
        return log_evidence(population, theta) - elbo(population, phi, SEES, theta)

    def claimed():
        return sums[name]

    result = prove(entropy, "whole; = claimed", dict(whole=whole, claimed=claimed))["claimed"]
    assert result.gap is not None and result.verdict == (PASS if name == "right" else FAIL), result


def test_every_gap_that_has_a_sign_has_it(rng):
    for _ in range(20):
        theta, _, population, sample, start = world(rng)
        gaps = ledger(SEES, population, sample, theta, start, STEPS, RATE)
        assert min(gaps["family"], gaps["amortization"], gaps["finite_sample"]) > 0
        assert gain_on_the_sample(SEES, population, sample, theta) > 0
        assert left_on_the_sample(SEES, sample, theta, start, STEPS, RATE) > 0
        assert model_gap(population, theta) > 0
        difference = population_minus_sample(SEES, population, sample, theta)
        assert gaps["finite_sample"] == pytest.approx(difference, rel=1e-8)


def test_the_optimisation_gap_is_a_difference_of_two_bounds_and_vanishes_at_the_end(rng):
    theta, _, population, sample, start = world(rng)
    end = best_encoder(sample, SEES, theta)
    assert abs(optimisation_gap(SEES, population, sample, theta, end, STEPS, RATE)) < 1e-12
    assert np.array_equal(trained(sample, start, SEES, theta, 0, RATE), start)


# ---- bounds and optima, by SciPy

def test_the_averages_are_those_of_the_data(rng):
    theta, x, population, _, start = world(rng)
    lam = encode(x, start, SEES, theta)
    assert elbo(population, start, SEES, theta) == pytest.approx(np.mean(bounds(x, lam, theta)), rel=1e-10)
    assert log_evidence(population, theta) == pytest.approx(log_likelihood(x, theta), rel=1e-10)
    gap = log_likelihood(x, theta) - np.mean(bounds(x, lam, theta))
    assert mean_gap(population, start, SEES, theta) == pytest.approx(gap, rel=1e-9)


def test_a_factor_analyser_has_the_same_ledger(rng):
    theta, _, population, sample, start = world(rng)
    theta = theta._replace(sd=rng.uniform(0.6, 1., 4))
    total = sum(ledger(SEES, population, sample, theta, start, STEPS, RATE).values())
    assert total == pytest.approx(mean_divergence(SEES, population, sample, theta, start, STEPS, RATE), rel=1e-9)


def test_the_best_encoder_is_where_scipy_s_ascent_ends(rng):
    theta, _, population, _, start = world(rng)

    def downhill(phi):
        return -elbo(population, phi, SEES, theta)
    found = optimize.minimize(downhill, start, jac=grad(downhill), method="BFGS", options=dict(gtol=1e-7))
    np.testing.assert_allclose(found.x, best_encoder(population, SEES, theta), atol=1e-4)


def test_every_climbed_lam_is_the_top_of_its_own_bound(rng):
    theta, x, *_ = world(rng)
    lam = each_climbed(x, theta)
    for _ in range(10):
        assert np.all(bounds(x, lam + rng.uniform(-0.1, 0.1, lam.shape), theta) < bounds(x, lam, theta))
    C = covariance(theta)
    np.testing.assert_allclose(lam[:, :2], (x - theta.b) @ np.linalg.solve(C, theta.W), atol=1e-10)


def test_more_sight_never_costs_on_the_population_and_full_sight_is_free(rng):
    theta, _, population, _, _ = world(rng)
    gaps = [amortization_gap(np.arange(k), population, theta) for k in range(5)]
    assert np.all(np.diff(gaps) < 0) and abs(gaps[-1]) < 1e-12
    best = best_encoder(population, np.arange(4), theta)
    left = log_evidence(population, theta) - elbo(population, best, np.arange(4), theta)
    assert left == pytest.approx(family_gap(theta), abs=1e-10)


def test_the_family_gap_vanishes_where_the_columns_are_orthogonal(rng):
    theta = world(rng)[0]
    U, s, _ = np.linalg.svd(theta.W, full_matrices=False)
    assert family_gap(theta) > 1e-3 > 1e-12 > abs(family_gap(theta._replace(W=U * s)))


def test_a_bound_by_draws_agrees(rng):
    """One datum, SciPy's densities, on the encoder's own draws: within six standard errors."""
    theta, x, _, _, start = world(rng)
    lam = encode(x[:1], start, SEES, theta)[0]
    z = lam[:2] + np.exp(lam[2:]) * rng.standard_normal((20_000, 2))
    weight = log_joint(z, x[0], theta) - stats.norm.logpdf(z, lam[:2], np.exp(lam[2:])).sum(axis=1)
    assert abs(weight.mean() - bounds(x[:1], lam[None], theta)[0]) < 6 * weight.std() / np.sqrt(len(weight))


# ---- the sample

def test_finite_samples_cost_about_one_over_n(rng):
    """A normal population, 40 and 640 data: the average gap of 60 samples falls by between eight and thirty-two.

    About eight numbers are fitted, so that an average of 60 has a relative error of 0.07 and their ratio, near 17, one
    of 0.1: both ends are more than five of these away.
    """
    theta, *_ = world(rng)
    population, root = Moments(theta.b, covariance(theta)), np.linalg.cholesky(covariance(theta))

    def average_gap(N):
        samples = [moments_of(theta.b + rng.standard_normal((N, 4)) @ root.T) for _ in range(60)]
        return np.mean([finite_sample_gap(SEES, population, sample, theta) for sample in samples])
    assert 8 < average_gap(40) / average_gap(640) < 32


def test_the_picture_s_parts_add_up_and_stopping_early_is_better_there():
    data = load_press().stored("gaps_stacked")
    names = ("family", "amortization", "finite_sample", "optimisation")
    sums = [sum(data[f"{name}_{side}"] for name in names) for side in ("seen", "step")]
    np.testing.assert_allclose(np.concatenate(sums), data["exact_gap"], rtol=1e-9)
    early = data["step"] >= 20
    assert np.all(data["optimisation_step"][early] < 0) and data["optimisation_step"][0] > 0


# ---- bad input

def test_too_few_data_for_what_is_seen_are_named(rng):
    theta, x, *_ = world(rng)
    words = r"the 3 seen coordinates have a singular covariance .*see fewer of them, or take more data than coordinates"
    with pytest.raises(ValueError, match=words):
        best_encoder(moments_of(x[:3]), SEES, theta)
    with pytest.raises(ValueError, match="x has N=1 data: a covariance takes at least 2"):
        moments_of(x[:1])
    with pytest.raises(ValueError, match=r"x\[1, 0\] is inf; 1 of 32 values non-finite"):
        moments_of(np.where(np.arange(32).reshape(8, 4) == 4, np.inf, x))
    with pytest.raises(ValueError, match=r"x has shape \(4,\), expected \(any, any\)"):
        moments_of(x[0])


def test_steps_and_rates_that_make_no_sense_are_named(rng):
    theta, _, population, sample, start = world(rng)
    with pytest.raises(ValueError, match="steps must be an integer >= 1, got -1"):
        trained(sample, start, SEES, theta, -1, RATE)
    with pytest.raises(ValueError, match="rate must be > 0"):
        trained(sample, start, SEES, theta, 3, -0.1)


@pytest.mark.parametrize("sees, message", [
    ([0, 9], r"sees is \[0, 9\], expected indices from 0 to 3, each at most once"),
    ([1, 1], r"sees is \[1, 1\]"),
    ([-1], r"sees is \[-1\]"),
    ([True, False, True, True], "sees is a mask, expected the indices")], ids=str)
def test_what_an_encoder_cannot_see_is_named(rng, sees, message):
    theta, moments = linear(rng.standard_normal((4, 2)), np.zeros(4), sd=0.5), moments_of(rng.standard_normal((30, 4)))
    other = moments_of(rng.standard_normal((30, 3)))
    for gap in (amortization_gap, lambda sees, moments, theta: best_encoder(moments, sees, theta)):
        with pytest.raises(ValueError, match=message):
            gap(np.array(sees), moments, theta)
        with pytest.raises(ValueError, match="moments of 3 coordinates, theta of n=4: take those of the same x"):
            gap(np.arange(3), other, theta)

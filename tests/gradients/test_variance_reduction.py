"""Faults planted in the cures of the score function's variance are refused, right variants pass.

The points are a normal with f = z^2, its gradient by hand, and a binary chain of three states whose gradient is a sum
over eight.
"""
import numpy as np
import pytest
from scipy import integrate, stats

from refvi import Noise, bernoulli, categorical, noise, normal
from refvi.base import files
from refvi.gradients.score_function import score_function
from refvi.gradients.variance_reduction.learned import average_over_pilots, coefficient, coefficient_from_a_pilot
from refvi.gradients.variance_reduction.leave_one_out import leave_one_out, sum_over_pairs
from refvi.gradients.variance_reduction.rao_blackwell import local_weight, total
from refvi.gradients.variance_reduction.rows import (expectation_of_f, variance_at_best, variance_at_mean,
                                                     variance_without, weighted_mean)
from refvi.verify.companion import load
from refvi.verify.compare import expectation
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove, rule

SLIPS = load(files.page("variance_reduction")).names
own_draw_included = SLIPS["own_draw_included"]
MU, SIGMA = 0.7, 0.6
LAM, F = np.array([MU, np.log(SIGMA)]), np.square
TRUTH = np.array([2 * MU, 2 * SIGMA**2])


def try_out(entropy, estimate, S, eps=None, truth=lambda: TRUTH, **options):
    values = dict(truth=truth, estimate=estimate, noise=eps or noise(normal, LAM), S=S)
    return prove(entropy, r"truth; \approx estimate", values, **options)["estimate"]


def by_rule(estimate, S):
    values = dict(truth=lambda: TRUTH, estimate=estimate, noise=noise(normal, LAM), S=S)
    return rule(r"truth; \approx estimate", values)["estimate"]


def bound(estimate, *values):
    """The estimator as a function of eps alone."""
    return lambda eps: estimate(eps, *values)


def scores(z):
    t = (z - MU) / SIGMA
    return np.stack([t / SIGMA, t**2 - 1], axis=-1)


def with_baseline(baseline):
    """(f - baseline(f)) times the score, for a baseline made of the values f (R, S)."""
    return lambda eps: np.mean((F(eps) - baseline(F(eps)))[..., None] * scores(eps), axis=1)


def others(f):
    return (np.sum(f, axis=1, keepdims=True) - f) / (f.shape[1] - 1)


RIGHT = {"a constant": bound(score_function, F, normal, LAM, 3.1),
         "a constant of its own for each coordinate": bound(score_function, F, normal, LAM, np.array([3.1, -0.4])),
         "leave one out": bound(leave_one_out, F, normal, LAM), "pairs": bound(sum_over_pairs, F, normal, LAM),
         "the next draw": with_baseline(lambda f: np.roll(f, 1, axis=1)),
         "an extra score": lambda eps: score_function(eps, F, normal, LAM, 0.) + 0.7 * np.mean(scores(eps), axis=1),
         "a pilot's coefficient": bound(coefficient_from_a_pilot, F, normal, LAM, 1)}
WRONG = {"baseline from the same draw": with_baseline(lambda f: 0.5 * f),
         "own draw included": bound(own_draw_included, F, normal, LAM),
         "own draw included, by hand": with_baseline(lambda f: np.mean(f, axis=1, keepdims=True)),
         "others over S": with_baseline(lambda f: others(f) * (f.shape[1] - 1) / f.shape[1] + f / f.shape[1]),
         "the largest value": with_baseline(lambda f: np.max(f, axis=1, keepdims=True)),
         "rescaled by S": lambda eps: own_draw_included(eps, F, normal, LAM) * np.shape(eps)[1],
         "baseline added": lambda eps: score_function(eps, F, normal, LAM, 0.) + leave_one_out(eps, F, normal, LAM)}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("use_rule", [True, False])
def test_right_variants_pass(entropy, name, use_rule):
    result = try_out(entropy, RIGHT[name], 2, use_rule=use_rule)
    assert result.verdict == PASS and ("rule" in result.how) == use_rule, result


@pytest.mark.parametrize("name", sorted(set(WRONG) - {"rescaled by S"}))
def test_the_rule_refuses_every_fault_at_two_draws(name):
    result = by_rule(WRONG[name], 2)
    assert result.verdict == FAIL and result.how.startswith("rule") and result.gap > 0.1, result


@pytest.mark.parametrize("name", ["own draw included", "rescaled by S"])
def test_the_rule_refuses_at_three_draws_what_may_hide_at_two(name):
    """S times too long looks like S/(S - 1) at S = 2."""
    result = by_rule(WRONG[name], 3)
    assert result.verdict == FAIL and result.how.startswith("rule"), result


def test_the_bias_of_an_own_draw_is_one_over_s():
    eps = noise(categorical, np.array([0.4, -0.2, -0.5]))
    table, pi = np.array([2.1, 3.6, 1.1]), np.exp([0.4, -0.2, -0.5]) / np.exp([0.4, -0.2, -0.5]).sum()
    for S in (2, 3, 5, 7):
        mean, _ = expectation(bound(own_draw_included, lambda z: table[z], categorical, np.log(pi)), eps, S)
        np.testing.assert_allclose(mean, (1 - 1 / S) * pi * (table - pi @ table), rtol=1e-12)


# ---- variances by SciPy's adaptive quadrature

def by_scipy(b, p):
    """Variance of one term (z^2 - b) u_p."""
    mean, square = (integrate.quad(lambda z: ((z**2 - b) * scores(z)[p])**power * stats.norm.pdf(z, MU, SIGMA),
                                   MU - 12, MU + 12, epsabs=1e-12)[0] for power in (1, 2))
    return square - mean**2


def test_the_variances_are_scipy_s_and_the_best_constant_is_the_best():
    mean, best = expectation_of_f(F, normal, LAM), weighted_mean(F, normal, LAM)
    for p in range(2):
        np.testing.assert_allclose(variance_without(F, normal, LAM, 1)[p], by_scipy(0., p), rtol=1e-8)
        np.testing.assert_allclose(variance_at_mean(F, normal, LAM, 1)[p], by_scipy(mean, p), rtol=1e-8)
        np.testing.assert_allclose(variance_at_best(F, normal, LAM, 1)[p], by_scipy(best[p], p), rtol=1e-8)
        assert by_scipy(best[p], p) < min(by_scipy(best[p] - 0.1, p), by_scipy(best[p] + 0.1, p))


@pytest.mark.parametrize("f, mu", [(lambda z: np.exp(-10 * z**2), 1.), (lambda z: np.exp(0.3 * z**2), 0.)])
def test_a_variance_that_the_nodes_do_not_settle_is_refused(f, mu):
    """One f is narrower than the distance of the nodes, the other's variance is infinite."""
    with pytest.raises(ValueError, match="f varies between them, or the variance is infinite"):
        variance_without(f, normal, np.array([mu, 0.]), 1)


# ---- Rao-Blackwell: z_1 - z_2 - z_3 binary, two links and one term for each state

PI = np.array([0.35, 0.6, 0.45])
LOGITS = np.log(PI / (1 - PI))
TOUCHES = np.array([[1, 0, 1, 0, 0], [1, 1, 0, 1, 0], [0, 1, 0, 0, 1]], bool)


def terms(z):
    links = np.stack([1.3 * z[..., 0] * z[..., 1], -0.9 * z[..., 1] * z[..., 2]], axis=-1)
    return np.concatenate([links, z * [0.4, -0.7, 1.1]], axis=-1)


def chain_gradient():
    """pi (1 - pi) times what a state changes on average, by hand."""
    return PI * (1 - PI) * np.array([0.4 + 1.3 * PI[1], -0.7 + 1.3 * PI[0] - 0.9 * PI[2], 1.1 - 0.9 * PI[1]])


def chain(entropy, estimate, **options):
    return try_out(entropy, estimate, 3, noise(bernoulli, LOGITS), chain_gradient, **options)


@pytest.mark.parametrize("use_rule", [True, False])
@pytest.mark.parametrize("estimate", [bound(score_function, total(terms), bernoulli, LOGITS, 0.),
                                      bound(local_weight, terms, TOUCHES, bernoulli, LOGITS),
                                      bound(local_weight, terms, TOUCHES | np.eye(3, 5, dtype=bool)[::-1], bernoulli,
                                            LOGITS)], ids=["whole", "local", "a term too many"])
def test_whole_and_local_weights_pass_and_a_term_too_many_does_no_harm(entropy, estimate, use_rule):
    assert chain(entropy, estimate, use_rule=use_rule).verdict == PASS


@pytest.mark.parametrize("variable, term", np.argwhere(TOUCHES).tolist())
def test_the_rule_refuses_every_needed_term_that_is_dropped(entropy, variable, term):
    fewer = TOUCHES.copy()
    fewer[variable, term] = False
    result = chain(entropy, bound(local_weight, terms, fewer, bernoulli, LOGITS))
    assert result.verdict == FAIL and result.how.startswith("rule") and result.gap > 0.02, result


# ---- bad input

@pytest.mark.parametrize("estimate", [leave_one_out, sum_over_pairs])
def test_a_single_draw_has_no_others(estimate, rng):
    with pytest.raises(ValueError, match="S=1 leaves no other draw to take the baseline from: take S of at least 2"):
        estimate(noise(normal, LAM).draw(rng, 5, 1), F, normal, LAM)


@pytest.mark.parametrize("M", [0, 3])
def test_a_pilot_leaves_draws_for_the_estimate(rng, M):
    with pytest.raises(ValueError, match=f"a pilot of M={M} of S=3 draws leaves none for the estimate, or is none"):
        coefficient_from_a_pilot(noise(normal, LAM).draw(rng, 5, 3), F, normal, LAM, M)


def test_a_pilot_beyond_its_rule_is_named():
    eps = noise(categorical, np.zeros(4))
    with pytest.raises(ValueError, match="the rule of M=12 pilot draws has too many points: take fewer"):
        average_over_pilots(lambda z: z, categorical, np.zeros(4), eps, 12, 2)
    with pytest.raises(ValueError, match="M must be an integer >= 1, got 0"):
        average_over_pilots(lambda z: z, categorical, np.zeros(4), eps, 0, 2)


def test_a_constant_added_to_f_moves_the_coefficient_by_as_much(rng):
    z = noise(normal, LAM).draw(rng, 5, 4)
    np.testing.assert_allclose(coefficient(z, lambda z: F(z) + 10., normal, LAM), coefficient(z, F, normal, LAM) + 10.,
                               rtol=1e-10)


def test_a_noise_without_a_rule_is_not_integrated():
    with pytest.raises(ValueError, match="has too many points"):
        average_over_pilots(F, normal, LAM, Noise(None, lambda S, order: None), 2, 2)

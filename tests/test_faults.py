"""Faults planted in estimators of the ELBO's gradient: the rule of the noise refuses them, correct variants pass.

Test point: mu = 0.4, sigma = 0.6, prior sd 1.5, likelihood sd 0.7, x = 1.3; the gradient in (mu, log sigma) by hand is
the truth. Draws alone must refuse a fault whenever its effect is at least twice their resolution, twelve standard
errors of the first strike, which they then miss less than once in 1e15.
"""
import itertools

import numpy as np
import pytest

from refvi import Noise, noise, normal, tied
from refvi.verify.compare import expectation
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove, rule

MU, SIGMA, PRIOR, LIKELIHOOD, X = 0.4, 0.6, 1.5, 0.7, 1.3
LAM, STANDARD = np.array([MU, np.log(SIGMA)]), np.zeros(2)


def log_normal(z, mean, sd):
    return -0.5 * ((z - mean) / sd)**2 - np.log(sd) - 0.5 * np.log(2 * np.pi)


def slope(z, mean, sd):
    return -(z - mean) / sd**2


def truth():
    """d/dmu and d/dlog sigma of E_q[log p(x, z)] + entropy, all quadratic."""
    precision = 1 / PRIOR**2 + 1 / LIKELIHOOD**2
    return np.array([-MU / PRIOR**2 + (X - MU) / LIKELIHOOD**2, 1 - precision * SIGMA**2])


def log_joint(z, prior_sd=PRIOR, likelihood_sd=LIKELIHOOD, prior=1.):
    return prior * log_normal(z, 0., prior_sd) + log_normal(X, z, likelihood_sd)


def joint_slope(z, likelihood_sd=LIKELIHOOD, prior=1.):
    return prior * slope(z, 0., PRIOR) - slope(X, z, likelihood_sd)


def scores(z, power=2, minus=1., unit=1.):
    return np.stack([(z - MU) / SIGMA**power, (((z - MU) / SIGMA)**2 - minus) * unit], axis=-1)


def score_function(weight=lambda z: log_joint(z) - log_normal(z, MU, SIGMA), score=scores, factor=1.,
                   draws=lambda z: z, more=lambda z: 0.):
    def estimate(eps):
        z = draws(eps)
        return np.mean(factor * weight(z)[..., None] * score(z) + more(z), axis=1)
    return estimate


def path(weight=joint_slope, entropy=1., jacobian=SIGMA, factor=1., sd=SIGMA):
    """Reparameterized, with the entropy's gradient (0, 1) in closed form."""
    def estimate(eps):
        g = weight(MU + sd * eps)
        return factor * np.mean(np.stack([g, g * jacobian * eps + entropy], axis=-1), axis=1)
    return estimate


def sticking_the_landing(eps):
    z = MU + SIGMA * eps
    g = joint_slope(z) - slope(z, MU, SIGMA)
    return np.mean(np.stack([g, g * SIGMA * eps], axis=-1), axis=1)


def own_baseline(eps):
    weight = log_joint(eps) - log_normal(eps, MU, SIGMA)
    return np.mean((weight - weight)[..., None] * scores(eps), axis=1)


SCORE_CORRECT = {"plain": score_function(),
                 "baseline": score_function(lambda z: log_joint(z) - log_normal(z, MU, SIGMA) + 3.1),
                 "zero-mean term": score_function(more=lambda z: 0.7 * scores(z))}
PATH_CORRECT = {"plain": path(), "sticking the landing": sticking_the_landing}

SCORE_FAULTS = {
    "sign flip": score_function(factor=-1.),
    "factor 2": score_function(factor=2.),
    "dropped entropy": score_function(log_joint),
    "dropped prior": score_function(lambda z: log_joint(z, prior=0.) - log_normal(z, MU, SIGMA)),
    "score over sigma, not its square": score_function(score=lambda z: scores(z, power=1)),
    "d sigma reported as d log sigma": score_function(score=lambda z: scores(z, unit=1 / SIGMA)),
    "log q uses the variance as sd": score_function(lambda z: log_joint(z) - log_normal(z, MU, SIGMA**2)),
    "draws use the variance as sd": score_function(draws=lambda z: MU + SIGMA * (z - MU)),
    "baseline from the same draw": own_baseline,
    "score of sigma misses -1": score_function(score=lambda z: scores(z, minus=0.)),
    "prior variance as sd": score_function(lambda z: log_joint(z, prior_sd=PRIOR**2) - log_normal(z, MU, SIGMA)),
}
PATH_FAULTS = {"sign flip": path(factor=-1.), "factor 2": path(factor=2.), "dropped entropy": path(entropy=0.),
               "no sigma in the Jacobian": path(jacobian=1.), "log-determinant sign": path(entropy=-1.),
               "variance as sd": path(sd=SIGMA**2, jacobian=SIGMA**2),
               "likelihood variance as sd": path(lambda z: joint_slope(z, likelihood_sd=LIKELIHOOD**2)),
               "no gradient through the prior": path(lambda z: joint_slope(z, prior=0.))}
CORRECT = [*(("score", name, row) for name, row in SCORE_CORRECT.items()),
           *(("path", name, row) for name, row in PATH_CORRECT.items())]
FAULTS = [*(("score", name, row) for name, row in SCORE_FAULTS.items()),
          *(("path", name, row) for name, row in PATH_FAULTS.items())]


def eps_of(kind):
    return noise(normal, LAM if kind == "score" else STANDARD)


def try_out(entropy, row, eps, S, truth=truth, **options):
    return prove(entropy, r"truth; \approx estimate", dict(truth=truth, estimate=row, noise=eps, S=S),
                 **options)["estimate"]


def by_rule(row, eps, truth=truth):
    return rule(r"truth; \approx estimate", dict(truth=truth, estimate=row, noise=eps, S=1))["estimate"]


@pytest.mark.parametrize("use_rule", [True, False])
@pytest.mark.parametrize("kind, name, row", CORRECT, ids=lambda v: v if isinstance(v, str) else "")
def test_correct_variants_pass(entropy, kind, name, row, use_rule):
    result = try_out(entropy, row, eps_of(kind), 1, use_rule=use_rule)
    assert result.verdict == PASS
    assert not use_rule or "rule" in result.how


@pytest.mark.parametrize("kind, name, row", FAULTS, ids=lambda v: v if isinstance(v, str) else "")
def test_the_rule_refuses_every_fault(kind, name, row):
    result = by_rule(row, eps_of(kind))
    assert result.verdict == FAIL and result.how.startswith("rule") and result.gap > 1e-3, result


@pytest.mark.parametrize("kind, name, row", FAULTS, ids=lambda v: v if isinstance(v, str) else "")
def test_draws_refuse_what_is_twice_their_resolution(entropy, kind, name, row):
    bias = np.abs(expectation(lambda eps: row(eps), eps_of(kind), 1)[0] - truth())
    result = try_out(entropy, row, eps_of(kind), 1, use_rule=False)
    if np.max(bias) >= 2 * result.resolution:
        assert result.verdict != PASS, (bias, result)
    assert np.max(bias) > 0.1 * result.scale or name in {"d sigma reported as d log sigma", "prior variance as sd"}


# ---- minibatches: log p(x, z) = log p(z) + sum_n log p(x_n | z), estimated from M of N terms

def minibatch(N, M):
    """(truth, noise, right estimator, wrong ones) for fixed data; eps (R, 1, 1 + M): a standard normal, M indices."""
    x = X + np.linspace(-1., 1.4, N)**3

    def pathwise(eps, scale, prior=1., entropy=1., used=None):
        z, index = MU + SIGMA * eps[:, 0, 0], eps[:, 0, 1:].astype(int)[:, :used]
        g = prior * slope(z, 0., PRIOR) - scale * np.sum(slope(x[index], z[:, None], LIKELIHOOD), axis=1)
        return np.stack([g, g * (z - MU) + entropy], axis=-1)

    def exact():
        precision = 1 / PRIOR**2 + N / LIKELIHOOD**2
        return np.array([-MU / PRIOR**2 + np.sum(x - MU) / LIKELIHOOD**2, 1 - precision * SIGMA**2])

    def draw(rng, R, S):
        index = np.argsort(rng.random((R, N)), axis=1)[:, :M]
        return np.concatenate([rng.standard_normal((R, 1)), index], axis=1)[:, None]

    def rule(S, order):
        subsets = np.array(list(itertools.combinations(range(N), M)))
        if len(subsets) * order > 2**17:
            return None
        z, w = noise(normal, STANDARD).rule(1, order)
        joint = np.concatenate([np.repeat(z, len(subsets), axis=0), np.tile(subsets, (len(z), 1))], axis=1)
        return joint[:, None], np.repeat(w, len(subsets)) / len(subsets)

    right = lambda eps: pathwise(eps, N / M)        # noqa: E731
    faults = {"missing N/M": lambda eps: pathwise(eps, 1.), "N/(M-1)": lambda eps: pathwise(eps, N / (M - 1)),
              "M/N": lambda eps: pathwise(eps, M / N), "short last batch": lambda eps: pathwise(eps, N / M, used=M - 1),
              "N/M applied to the prior too": lambda eps: pathwise(eps, N / M, prior=N / M),
              "entropy over N": lambda eps: pathwise(eps, N / M, entropy=1 / N),
              "prior once per point": lambda eps: pathwise(eps, N / M, prior=M)}
    return exact, tied(Noise(draw, rule), 1), right, faults


@pytest.mark.parametrize("name", minibatch(7, 3)[3])
def test_the_rule_refuses_every_minibatch_fault(name):
    exact, eps, _, faults = minibatch(7, 3)
    result = by_rule(faults[name], eps, exact)
    assert result.verdict == FAIL and result.how.startswith("rule")


@pytest.mark.parametrize("N, M", [(7, 3), (20, 5)])
@pytest.mark.parametrize("use_rule", [True, False])
def test_the_correct_minibatch_passes(entropy, N, M, use_rule):
    exact, eps, right, _ = minibatch(N, M)
    assert try_out(entropy, right, eps, 1, exact, use_rule=use_rule).verdict == PASS


@pytest.mark.parametrize("name", minibatch(50, 5)[3])
def test_draws_refuse_minibatch_faults_of_twice_their_resolution(entropy, name):
    exact, eps, right, faults = minibatch(50, 5)
    fault = faults[name]
    result = try_out(entropy, fault, eps, 1, exact, use_rule=False)
    z = noise(normal, STANDARD).rule(1, 64)[0]
    batches = np.repeat(np.arange(50).reshape(10, 5), 64, axis=0)       # each datum once: linear in the data
    every = np.concatenate([np.tile(z, (10, 1)), batches], axis=1)[:, None]
    w = np.tile(noise(normal, STANDARD).rule(1, 64)[1], 10) / 10
    bias = np.max(np.abs(w @ (fault(every) - right(every))))
    assert bias > 0
    if bias >= 2 * result.resolution:
        assert result.verdict != PASS, (bias, result)

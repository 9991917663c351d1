"""Bayesian linear regression on a UCI set by black-box variational inference, beside its exact posterior.

The model is refvi.base.models.linear_gaussian with standardized inputs and target, the noise's standard deviation set
to the residuals'
of least squares. The approximation is a diagonal normal, climbed by the score function alone.
"""
import numpy as np

from refvi.app.fits.outcome import ended
from refvi.base import models
from refvi.base.checks import require_bound
from refvi.base.families.gaussian import diagonal_normal
from refvi.base.optimize import robbins_monro
from refvi.base.progress import Progress
from refvi.data import store as data, uci
from refvi.gradients.bbvi import regression as by_hand

DATA = (*uci.SETS, "toy")
COLUMNS = ("exact mean", "BBVI mean", "exact sd", "best q sd", "BBVI sd")


def choose(rng, name):
    """The data asked for; without a name yacht, or a toy set where it is not at hand."""
    if name == "toy" or name is None and not uci.at_hand("yacht"):
        return data.toy_regression(rng)
    return uci.load(name or "yacht")


def problem(regression):
    """(x, theta): standardized target, and the model of its N inputs and an intercept.

    ValueError where no noise is left to estimate: a constant target, or one that the inputs explain to within rounding.
    """
    y = np.column_stack([np.ones(len(regression.target)), data.standardize(regression.inputs)])
    x = data.standardize(regression.target)
    if not np.any(x):
        raise ValueError(
            f"the target of {regression.name} is constant: there is nothing to explain, and no noise to estimate"
        )
    residual = x - y @ np.linalg.lstsq(y, x, rcond=None)[0]
    noise_sd = np.std(residual)
    if len(x) <= y.shape[1] or noise_sd <= 1e-7:
        raise ValueError(
            f"the inputs explain the target of {regression.name} to within rounding ({len(x)} data, "
            f"{y.shape[1]} weights, residuals of {noise_sd:.1g} sd): no noise can be estimated, take more data "
            "or fewer inputs"
        )
    return x, models.regression(y, prior_sd=1.5, noise_sd=noise_sd)


def start(D):
    """lam of the first q: away from the answer, narrower than the prior."""
    return np.concatenate([np.zeros(D), np.full(D, -1.5)])


def fit(x, theta, rng, steps=4000, S=64):
    """An Ascent from start() by black-box inference, its gradient by hand; the rate falls so that the noise of the
    gradient dies out.
    """
    with Progress("fit regression", steps) as bar:
        def watch(t, lam):
            if t % 100 == 0:
                bar(t, f"ELBO {models.elbo(lam, x, theta):.2f} nats")

        return by_hand.fit(x, theta, start(theta.y.shape[1]), rng, steps, S, rate=robbins_monro(0.05, delay=300),
                           watch=watch if bar.shown else None)


def run(rng, name=None, steps=4000):
    """The lines of the report: every weight beside its exact posterior, the ELBO and the log evidence in nats."""
    regression = choose(rng, name)
    x, theta = problem(regression)
    ascent = fit(x, theta, rng, steps)
    D = theta.y.shape[1]
    mean, sd = models.posterior(x, theta)[0], np.sqrt(np.diag(models.covariance(x, theta)))
    best = models.mean_field(x, theta)
    mu, q_sd = ascent.lam[:D], np.exp(ascent.lam[D:])
    z = diagonal_normal.sample(rng, ascent.lam, (1000,))
    weights = models.linear_gaussian.log_joint(z, x, theta) - diagonal_normal.log_prob(z, ascent.lam)
    evidence = models.log_evidence(x, theta)
    bound = require_bound(models.elbo(ascent.lam, x, theta), evidence)
    if name is None and not uci.at_hand("yacht"):
        yield uci.stands_in("yacht")
    yield ended(f"{regression.name}, N = {len(x)}, D = {D} weights, noise sd {theta.noise_sd:.4f}, "
                f"{ascent.steps} steps", ascent.stopped)
    yield " ".join([f"{'weight':>10}", *(f"{name:>11}" for name in COLUMNS)])
    columns = zip(["intercept", *(f"input {d}" for d in range(1, D))], mean, mu, sd, np.exp(best[D:]), q_sd)
    for label, *numbers in columns:
        yield " ".join([f"{label:>10}", *(f"{number:11.4f}" for number in numbers)])
    top = models.elbo(best, x, theta)
    yield (f"ELBO of q, exact        {bound:12.4f} nats      by 1,000 draws {np.mean(weights):.4f} "
           f"+- {np.std(weights) / np.sqrt(len(weights)):.4f}")
    yield f"best ELBO of any such q {top:12.4f} nats      the fit ends {top - bound:.4f} nats below it"
    yield f"log evidence            {evidence:12.4f} nats"
    yield (f"{regression.name}: ELBO {bound:.2f}, best factorized {top:.2f}, "
           f"log evidence {evidence:.2f} nats")

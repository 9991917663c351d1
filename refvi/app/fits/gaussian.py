"""Mean and precision of a normal by coordinate ascent, beside its exact posterior and beside stochastic gradients on
the same factors.

The model is that of refvi.bound.coordinate_ascent.gaussian: x_n ~ N(mu, 1/gamma) with a normal and a Gamma prior. The
data are the target of a UCI set in
units of its standard deviation, or a hundred draws around five. Every bound is exact, whichever algorithm found its
factors.
"""
from typing import NamedTuple

import numpy as np

from refvi.app.fits.outcome import ended
from refvi.base.checks import require_bound
from refvi.base.optimize import robbins_monro
from refvi.base.progress import Progress
from refvi.bound.coordinate_ascent import black_box, gaussian
from refvi.bound.coordinate_ascent.posterior import exact_moments, posterior
from refvi.data import uci
from refvi.gradients.bbvi.algorithm import bbvi

DATA = (*uci.SETS, "toy")
PRIOR = gaussian.prior(mean=0., precision=0.01, shape=1., rate=1.)
START = np.zeros(4)         # mu ~ N(0, 1), gamma ~ Gamma(1, 1), as the course's notebook starts


class Moments(NamedTuple):
    """Means and standard deviations of mu and gamma."""
    mu: float
    mu_sd: float
    gamma: float
    gamma_sd: float


def choose(rng, name):
    """(name, x (N,)) of the data asked for; without a name yacht, or a toy set where it is not at hand."""
    if name == "toy" or name is None and not uci.at_hand("yacht"):
        return "toy normal", 5. + rng.standard_normal(100)
    chosen = uci.load(name or "yacht")
    return f"{chosen.name}, target over its sd", chosen.target / np.std(chosen.target)


def stochastic(summary, rng, steps=1000, S=64, watch=None):
    """An Ascent by the score function on the same bound, from START."""
    def log_joint(z):
        return black_box.log_joint(z, summary, PRIOR)

    with Progress("fit gaussian", steps) as bar:
        def both(step, lam):
            bar(step)
            if watch:
                watch(step, lam)
        return bbvi(log_joint, black_box.factors, START, rng, steps, S, robbins_monro(0.1, delay=100), both)


def moments_of(q):
    """Moments of Factors."""
    return Moments(q.nu, q.tau**-0.5, q.a / q.b, q.a**0.5 / q.b)


def run(rng, name=None, steps=1000):
    """The lines of the report: each sweep's bound, three pairs of factors beside each other, and what is left to the
    log evidence in nats.
    """
    called, x = choose(rng, name)
    summary = gaussian.data_of(x)
    exact, start = posterior(summary, PRIOR), black_box.factors_of(START)
    fit = gaussian.fit(summary, PRIOR, start)
    ascent = stochastic(summary, rng, steps)
    noisy = black_box.factors_of(ascent.lam)
    bound = require_bound(gaussian.five_terms(summary, PRIOR, noisy), exact.log_evidence)
    if name is None and not uci.at_hand("yacht"):
        yield uci.stands_in("yacht")
    sweeps = len(fit.trace) - 1
    more = f", {fit.stopped}" if fit.stopped else ""
    yield ended(f"{called}, N = {len(x)}, {sweeps} sweeps{more}; {ascent.steps} steps of 64 draws", ascent.stopped)
    short = [f"{exact.log_evidence - value:.3g}" for value in fit.trace]
    yield f"log evidence less ELBO, sweep by sweep: {', '.join(short)}"
    yield (f"{'':>20} {'mean of mu':>12} {'sd of mu':>12} {'mean of gamma':>14} {'sd of gamma':>12} "
           f"{'ELBO':>12} {'below evidence':>15}")
    yield row("exact posterior", Moments(*exact_moments(summary, PRIOR)), exact.log_evidence, exact)
    yield row("coordinate ascent", moments_of(fit.found), fit.trace[-1], exact)
    yield row("stochastic gradients", moments_of(noisy), bound, exact)
    yield (f"{called}: {exact.log_evidence - fit.trace[-1]:.5f} nats below the log evidence after {sweeps} sweeps, "
           f"stochastic gradients {exact.log_evidence - bound:.5f} after {ascent.steps} steps")


def row(label, m, elbo, exact):
    """One line of the table: Moments, the bound in nats and what it lacks of the log evidence."""
    return (f"{label:>20} {m.mu:12.5f} {m.mu_sd:12.5f} {m.gamma:14.5f} {m.gamma_sd:12.5f} "
            f"{elbo:12.4f} {exact.log_evidence - elbo:15.5f}")

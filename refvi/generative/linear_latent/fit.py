"""Maximum likelihood by EM, for probabilistic PCA and for factor analysis. Shapes as in model.py; nats per datum."""
import warnings

import numpy as np

from refvi.base.checks import require_count, require_positive, spread
from refvi.base.core import Fit
from refvi.generative.linear_latent.em import em_step
from refvi.generative.linear_latent.maximum import closed_form, require_data
from refvi.generative.linear_latent.model import Linear, covariance, deviations, log_likelihood

NOTHING = 0.05      # of its column's standard deviation: a noise below it that still falls is on its way to zero


def fit(x, D, *, each=True, steps=5000, tolerance=1e-13):
    """Maximum likelihood by EM from the closed form of probabilistic PCA: factor analysis with each=True. A Fit
    of theta, its trace in nats per datum.

    It stops where a step changes no entry of the covariance by more than tolerance times its largest, for factor
    analysis in units of each column's standard deviation. Where a coordinate's noise falls to nothing (a Heywood case:
    the likelihood has no interior maximum there) it goes on slowly, and a RuntimeWarning names the coordinate.
    """
    require_count("steps", steps)
    require_positive("tolerance", tolerance, "relative to the largest entry of the covariance")
    x = require_data(x, D)
    if not each:
        return climbed(x, closed_form(x, D), steps, tolerance)
    units = require_moving(x)       # factor analysis does not feel the units of its columns, its start and stop would
    theta, trace, stopped = climbed(x / units, with_noise_of_each(closed_form(x / units, D)), steps, tolerance)
    return Fit(Linear(units[:, None] * theta.W, theta.b * units, theta.sd * units), trace - np.sum(np.log(units)),
               stopped)


def climbed(x, theta, steps, tolerance):
    """The Fit of EM from theta; see fit."""
    each = np.ndim(theta.sd) > 0
    values, C, halfway = [log_likelihood(x, theta)], covariance(theta), theta.sd
    stopped = f"still gaining after {steps} steps"
    for step in range(steps):
        theta, before = em_step(x, theta, each), C
        C = covariance(theta)
        values.append(log_likelihood(x, theta))
        if step == steps // 2:
            halfway = theta.sd
        if np.max(np.abs(C - before)) <= tolerance * np.max(np.abs(C)):
            stopped = ""
            break
    if each:
        warn_of_nothing(theta.sd, halfway)
    return Fit(theta, np.array(values), stopped)


def require_moving(x):
    """Each column's standard deviation (n,), or a ValueError where one never moves."""
    units = spread(x)
    still = np.flatnonzero(units == 0)
    if len(still):
        raise ValueError(f"x[:, {still[0]}] is {x[0, still[0]]} in every datum: its noise would fall to zero and the "
                         "likelihood grow without end; leave it out")
    return units


def warn_of_nothing(sd, halfway):
    """A RuntimeWarning that names a coordinate whose noise is on its way to zero."""
    gone = np.flatnonzero((sd < NOTHING) & (sd < 0.9 * halfway))
    if len(gone):
        warnings.warn(f"the noise of x[:, {gone[0]}] falls to zero: the likelihood has no maximum inside (a Heywood "
                      "case), take a smaller D or leave the column out", RuntimeWarning, stacklevel=4)


def with_noise_of_each(theta):
    """theta with its one sd repeated for every coordinate: factor analysis that happens to be probabilistic PCA."""
    return theta._replace(sd=deviations(theta))

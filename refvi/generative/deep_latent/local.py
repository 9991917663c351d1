"""Parameters lam_n of its own for every datum, climbed by all data at once; theta after every round. RAI, "Inference for Deep Latent Gaussian Models".

The step is Newton's where q is nearly right: by Bonnet's and Price's theorems the slope in log_sd tells the mean curvature. A datum keeps a step only if
its own bound rises by it, else it halves its next one: the E step never falls, whatever theta is.
"""
import numpy as np

from refvi.base.checks import require_count, require_shape
from refvi.base.families.lam import halves
from refvi.base.optimize import adam
from refvi.generative.deep_latent.model import bounds, hermite, observations

FLATTEST = np.exp(-2.)      # of the share of curvature in a step: log_sd grows by at most one a step


def start(N, D, sd=0.3):
    """lam (N, 2 D) of N normals at the prior's mean, narrower than the prior."""
    return np.tile(np.repeat([0., np.log(sd)], D), (N, 1))


def direction(lam, slope):
    """Where Newton would go: sd^2 times the mean curvature is one less the slope in log_sd, and one at the top."""
    _, log_sd = halves(lam)
    in_mu, in_log_sd = halves(slope)
    curvature = 1 - in_log_sd
    return np.concatenate([np.exp(2 * log_sd) * in_mu / np.maximum(curvature, 1.), -0.5 * np.log(np.maximum(curvature, FLATTEST))], axis=-1)


def ascend(x, theta, d, lam, steps, order=None, watch=None):
    """(lam (N, 2 D), ELBO_n (N,)) after so many steps of all data at once; watch(step, lam, ELBO_n) is called after each. One pass a step, and one before."""
    x, N, D = observations(x, d), len(x), d.sizes[0]
    lam = require_shape("lam", lam, (N, 2 * D), f"[mu, log_sd] of D={D} latent numbers for each of the N={N} data").astype(float)
    require_count("steps", steps)
    eps, w = hermite(D, order)
    value, slope, _ = bounds(x, lam, theta, d, eps, w)
    rate = np.ones((N, 1))
    for step in range(1, steps + 1):
        trial = lam + rate * direction(lam, slope)
        above, next_slope, _ = bounds(x, trial, theta, d, eps, w)
        better = (above > value)[:, None]
        lam, slope, value = np.where(better, trial, lam), np.where(better, next_slope, slope), np.maximum(above, value)
        rate = np.where(better, np.minimum(2 * rate, 1.), rate / 2)
        if watch:
            watch(step, lam, value)
    return lam, value


def fit(x, theta, d, rounds, inner, rate, order=None, watch=None):
    """(theta, lam (N, 2 D)): in every round all lam_n take `inner` steps, then theta one of Adam along the average bound's slope.

    watch(round, average bound in nats per datum) is called between the two.
    """
    x, D = observations(x, d), d.sizes[0]
    eps, w = hermite(D, order)
    kept, done = [start(len(x), D)], []

    def gradient(theta):
        kept[0], value = ascend(x, theta, d, kept[0], inner, order)
        done.append(float(np.mean(value)))
        if watch:
            watch(len(done), done[-1])
        return bounds(x, kept[0], theta, d, eps, w)[2] / len(x)

    theta = adam(gradient, theta, rounds, rate).lam
    return theta, ascend(x, theta, d, kept[0], inner, order)[0]

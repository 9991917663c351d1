"""Parameters lam_n of its own for every datum, climbed by all data at once; theta after every round.

The step is Newton's where q is nearly right: by Bonnet's and Price's theorems the slope in log_sd tells the mean
curvature. A datum keeps a step only if its own bound rises by it, else it halves its next one: the E step never falls,
whatever theta is. RAI, "Inference for Deep Latent Gaussian Models".
"""
import numpy as np

from refvi.base.checks import require_count, require_shape
from refvi.base.families.lam import halves
from refvi.base.optimize import adam
from refvi.generative.amortization.model import bounds
from refvi.generative.deep_latent.model import hermite, observations

FLATTEST = np.exp(-2.)      # of the share of curvature in a step: log_sd grows by at most one a step


def start(N, D, mean=0., sd=0.3):
    """lam (N, 2 D) of N normals, by default at the prior's mean, narrower than the prior."""
    return np.tile(np.repeat([mean, np.log(sd)], D), (N, 1))


def direction(lam, slope):
    """Where Newton would go: sd^2 times the mean curvature is one less the slope in log_sd, and one at the top."""
    _, log_sd = halves(lam)
    in_mu, in_log_sd = halves(slope)
    curvature = 1 - in_log_sd
    to_mu = np.exp(2 * log_sd) * in_mu / np.maximum(curvature, 1.)
    return np.concatenate([to_mu, -0.5 * np.log(np.maximum(curvature, FLATTEST))], axis=-1)


def ascend(x, theta, decoder, lam, steps, nodes=None, watch=None):
    """(lam (N, 2 D), ELBO_n (N,)) after so many steps of all data at once: one pass of the rule's nodes a step, and
    one before.

    nodes are (eps, w) as of `bounds`, Gauss and Hermite's if not given; watch(step, lam, ELBO_n) is called after each
    step.
    """
    x, N, D = observations(x, decoder), len(x), decoder.sizes[0]
    meaning = f"[mu, log_sd] of D={D} latent numbers for each of the N={N} data"
    lam = require_shape("lam", lam, (N, 2 * D), meaning).astype(float)
    require_count("steps", steps)
    eps, w = nodes or hermite(D)
    value, slope, _ = bounds(lam, x, theta, decoder, eps, w)
    rate = np.ones((N, 1))
    for step in range(1, steps + 1):
        trial = lam + rate * direction(lam, slope)
        above, next_slope, _ = bounds(trial, x, theta, decoder, eps, w)
        better = (above > value)[:, None]
        lam = np.where(better, trial, lam)
        slope = np.where(better, next_slope, slope)
        value = np.maximum(above, value)
        rate = np.where(better, np.minimum(2 * rate, 1.), rate / 2)
        if watch:
            watch(step, lam, value)
    return lam, value


def fit(x, theta, decoder, rounds, inner, rate, order=None, watch=None):
    """(theta, lam (N, 2 D)): in every round all lam_n take `inner` steps, then theta one of Adam along the average
    bound's slope.

    watch(round, average bound in nats per datum) is called between the two.
    """
    x, D = observations(x, decoder), decoder.sizes[0]
    nodes, kept, done = hermite(D, order), [start(len(x), D)], []

    def gradient(theta):
        kept[0], value = ascend(x, theta, decoder, kept[0], inner, nodes)
        done.append(float(np.mean(value)))
        if watch:
            watch(len(done), done[-1])
        return bounds(kept[0], x, theta, decoder, *nodes)[2] / len(x)

    theta = adam(gradient, theta, rounds, rate).lam
    return theta, ascend(x, theta, decoder, kept[0], inner, nodes)[0]

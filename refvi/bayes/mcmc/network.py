"""A network's weights by HMC, with the prior's and the noise's scale by the evidence: derivations/bayes/mcmc.md.

Shapes: y (N, D) inputs and x (N,) targets, both standardized; w (C, P) weights of C chains side by side.
RAI, "Hamiltonian Monte Carlo (HMC)". Neal (1996).
"""
import numpy as np

from refvi.base.checks import spread
from refvi.bayes.bayesian_nn import model
from refvi.bayes.bnn_inference.methods import initial
from refvi.bayes.mcmc import hmc

FADES = 0.1         # share of the newest draws in the averages that the scales are set by


def require_targets(x):
    """x (N,), or a ValueError where there are none, or all are alike: no noise could be told from none."""
    if not len(x):
        raise ValueError("no data: x has no rows")
    if not spread(x):
        told = "one datum" if len(x) == 1 else f"{len(x)} data that are all alike"
        raise ValueError(f"x holds {told}: there is nothing to explain, and no noise to estimate")
    return x


def scales(rng, x, y, hidden=(50,), chains=4, trajectories=300, steps=40, watch=None):
    """(net, w (C, P), size of a step): a BayesianNetwork whose prior and noise have the scales that the data ask for.

    Each layer has a prior_sd of its own. HMC draws weights, and both scales follow what the draws say, the E and the
    M step of an ascent on the evidence: beta = N / E[squared residuals], 1 / prior_sd^2 = P / E[squared weights].
    """
    require_targets(x)
    net = model.bayesian_network(y.shape[1], hidden, prior_sd=1.)
    x, y = model.require_data(x, y, net)
    ends = np.cumsum([(m + 1) * n for m, n in zip(net.sizes, net.sizes[1:])])
    found = [net._replace(prior_sd=np.ones(net.P), beta=10.), None]

    def means(w):
        squares = np.mean(w**2, axis=0)
        residual = np.mean((x - model.forward(w, y, net)[-1])**2)
        return np.append([np.mean(layer) for layer in np.split(squares, ends[:-1])], residual)

    def follow(w):
        now = means(w)
        found[1] = now if found[1] is None else (1 - FADES) * found[1] + FADES * now
        sd = np.sqrt(np.repeat(found[1][:-1], np.diff(ends, prepend=0)))
        found[0] = found[0]._replace(prior_sd=sd, beta=float(1 / found[1][-1]))

    w = np.stack([initial(rng, net) for _ in range(chains)])
    early = hmc.run(rng, w, lambda w: model.joint_and_slope(w, x, y, found[0]), 1, trajectories // 2, 0.01, steps,
                    watch=watch)
    late = hmc.run(rng, early.z[-1], lambda w: model.joint_and_slope(w, x, y, found[0]), 1, trajectories, early.size,
                   steps, between=follow, watch=watch)
    return found[0], late.z[-1], late.size


def posterior(rng, x, y, net, w, draws=300, warm=100, size=0.01, steps=40, watch=None):
    """Draws of the weights of net from w (C, P), which may have come from elsewhere: see hmc.run."""
    x, y = model.require_data(require_targets(x), y, net)
    return hmc.run(rng, w, lambda w: model.joint_and_slope(w, x, y, net), draws, warm, size, steps, watch=watch)

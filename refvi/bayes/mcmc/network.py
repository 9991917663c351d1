"""A network's weights by HMC, with the prior's and the noise's scale by the evidence: derivations/bayes/mcmc.md.

Shapes: y (N, D) inputs and x (N,) targets, both standardized; w (C, P) weights of C chains side by side.
RAI, "Hamiltonian Monte Carlo (HMC)". Neal (1996).
"""
import numpy as np

from refvi.base.checks import spread
from refvi.bayes.bayesian_nn import model
from refvi.bayes.bnn_inference.laplace import jacobian
from refvi.bayes.bnn_inference.methods import initial
from refvi.bayes.mcmc import hmc
from refvi.bayes.mcmc.fast import log_joint

FADES = 0.1         # share of the newest draws in the averages that the scales are set by


def require_targets(x):
    """x (N,), or a ValueError where there are none, or all are alike: no noise could be told from none."""
    if not len(x):
        raise ValueError("no data: x has no rows")
    if not spread(x):
        told = "one datum" if len(x) == 1 else f"{len(x)} data that are all alike"
        raise ValueError(f"x holds {told}: there is nothing to explain, and no noise to estimate")
    return x


def scales(rng, x, y, hidden=(50,), chains=4, trajectories=120, steps=40, watch=None):
    """(net, w (C, P), size (P,) of a step): a BayesianNetwork whose prior and noise have the scales that data ask for.

    Each layer has a prior_sd of its own. HMC draws weights, and both scales follow what the draws say, the E and the
    M step of an ascent on the evidence: beta = N / E[squared residuals], 1 / prior_sd^2 = P / E[squared weights].
    """
    net = model.bayesian_network(y.shape[1], hidden, prior_sd=1., beta=10.)
    net = net._replace(prior_sd=np.ones(net.P))
    x, y = model.require_data(require_targets(x), y, net)
    ends = np.cumsum([(m + 1) * n for m, n in zip(net.sizes, net.sizes[1:])])
    now = dict(net=net, squares=None, joint=log_joint(x, y, net))

    def follow(w):
        layers = [np.mean(layer**2) for layer in np.split(w, ends[:-1], axis=1)]
        new = np.append(layers, np.mean((x - model.forward(w, y, net)[-1])**2))
        now["squares"] = new if now["squares"] is None else (1 - FADES) * now["squares"] + FADES * new
        sd = np.sqrt(np.repeat(now["squares"][:-1], np.diff(ends, prepend=0)))
        now["net"] = net._replace(prior_sd=sd, beta=float(1 / now["squares"][-1]))
        now["joint"] = log_joint(x, y, now["net"])

    w, size = np.stack([initial(rng, net) for _ in range(chains)]), 0.01
    for between in (None, follow, follow):
        run = hmc.run(rng, w, lambda w: now["joint"](w), 10, trajectories, size, steps, between, watch)
        w, size = run.z[-1], run.size if between is None else unit_sizes(run.z[-1], y, now["net"])
    return now["net"], w, size


def unit_sizes(w, y, net):
    """A tenth of the deviation (P,) of each weight alone, all others held, by Gauss and Newton's curvature at w (C, P).
    """
    squares = np.mean([np.sum(jacobian(one, y, net)**2, axis=0) for one in w], axis=0)
    return 0.1 / np.sqrt(net.beta * squares + np.broadcast_to(net.prior_sd, net.P)**-2.)


def posterior(rng, x, y, net, w, size, draws=200, warm=80, steps=100, watch=None):
    """Draws of the weights of net from w (C, P), with steps of about this size: see hmc.run."""
    joint = log_joint(require_targets(x), y, net)
    return hmc.run(rng, w, joint, draws, warm, size, steps, watch=watch)

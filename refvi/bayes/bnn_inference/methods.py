"""Posteriors of a network's weights by optimisation: vi, laplace and swag return draws w (S, P) for a BayesianNetwork
net with inputs y (N, D) and targets x (N,) or (N, K): derivations/bayes/bnn_inference.md, "On a network".

model.log_predictive and model.predictive_moments take such draws. RAI, "Computing posterior over W".
"""
import numpy as np
from scipy.optimize import minimize

from refvi.base.checks import require_count, require_positive, require_shape
from refvi.bayes.bayesian_nn.model import forward, joint_and_slope, layers, require_data
from refvi.bayes.bnn_inference.fast import climb, deviations
from refvi.bayes.bnn_inference.laplace import drawn, gauss_newton, jacobian, kronecker_factors
from refvi.bayes.bnn_inference.swag import swag_draws

CURVATURES = ("full", "diagonal", "kronecker")


def initial(rng, net):
    """Weights (P,) of variance one over fan-in, zero biases."""
    w = np.zeros(net.P)
    for W, _ in layers(w, net):
        W[:] = rng.standard_normal(W.shape) / np.sqrt(len(W))
    return w


def mode(x, y, net, w, steps=2000):
    """The weights (P,) of a local maximum of log p(x, w | y), by L-BFGS from w, or where `steps` end before."""
    x, y = require_data(x, y, net)

    def downhill(w):
        value, slope = joint_and_slope(w, x, y, net)
        return -value, -slope

    options = dict(maxiter=require_count("steps", steps), ftol=1e-13, gtol=1e-6)
    return minimize(downhill, w, jac=True, method="L-BFGS-B", options=options).x


def vi(rng, x, y, net, S=100, steps=5000, rate=0.01, draws=1, watch=None, dtype=np.float32):
    """S draws (S, P) of the diagonal normal that Bayes by Backprop ends at; `draws` of them make a step.

    The rate falls to a hundredth of what it was. watch(step, lam) as for optimize.adam; Ctrl-C and a gradient that is
    not finite end the climb early, with what has been reached.
    """
    require_count("S", S)
    mu, sigma = mean_and_deviations(rng, x, y, net, steps, rate, draws, watch, dtype)
    return mu + sigma * rng.standard_normal((S, net.P))


def mean_and_deviations(rng, x, y, net, steps=5000, rate=0.01, draws=1, watch=None, dtype=np.float32):
    """(mu (P,), sigma (P,)) of that normal."""
    lam = np.concatenate([initial(rng, net), np.full(net.P, np.log(np.expm1(0.02)))]).astype(dtype)
    lam = climb(rng, x, y, net, lam, steps, draws, lambda t: rate * 0.01**(t / steps), watch).lam.astype(float)
    return lam[:net.P], deviations(lam[net.P:])[0]


def laplace(rng, x, y, net, S=100, curvature="full", steps=2000, w=None):
    """S draws (S, P) of Laplace's normal about a mode w (P,), which is climbed to from random weights if none is given.

    curvature, with that of the prior: "full", Gauss-Newton's (P, P); "diagonal", its diagonal; "kronecker", two
    factors a layer, layers independent. ValueError for another word, or a likelihood that is not normal.
    """
    require_normal(net)
    require_count("S", S)
    if curvature not in CURVATURES:
        raise ValueError(f"no curvature {curvature!r}, expected one of {', '.join(CURVATURES)}")
    x, y = require_data(x, y, net)
    w = mode(x, y, net, initial(rng, net), steps) if w is None else require_shape("w", w, (net.P,), "net's weights")
    eps, prior = rng.standard_normal((S, net.P)), np.broadcast_to(net.prior_sd, net.P)**-2.
    if curvature == "kronecker":
        return w + drawn_by_factors(eps, kronecker_factors(w, y, net), prior)
    if curvature == "diagonal":
        return w + eps / np.sqrt(net.beta * np.sum(jacobian(w, y, net)**2, axis=0) + prior)
    return w + drawn(eps, gauss_newton(w, y, net) + np.diag(prior))


def drawn_by_factors(eps, factors, prior):
    """Standard normals eps (S, P) as draws of normals of precision kron(A, B) + prior, layer by layer.

    prior (P,) must be one number in every layer: else the eigenvectors of the factors are not those of the sum.
    """
    found, start = [], 0
    for A, B in factors:
        (a, U), (b, V), shape = np.linalg.eigh(A), np.linalg.eigh(B), (len(A), len(B))
        end = start + len(A) * len(B)
        if np.ptp(prior[start:end]):
            raise ValueError("prior_sd differs within a layer: Kronecker factors ask for one number in each")
        scaled = eps[:, start:end].reshape(-1, *shape) / np.sqrt(np.outer(a, b) + prior[start])
        found.append((U @ scaled @ V.T).reshape(len(eps), -1))
        start = end
    return np.concatenate(found, axis=1)


def swag(rng, x, y, net, S=100, iterates=60, K=20, M=32, pace=1., w=None, watch=None):
    """S draws (S, P) of the normal that SWAG makes of iterates, one an epoch, of descent by constant steps from a mode.

    The step is `pace` over the largest curvature of minus the log joint in minibatches of M: how wide the normal is
    depends on it. watch(epoch, w) is called after every epoch. ValueError where descent runs away.
    """
    require_normal(net)
    require_count("S", S)
    x, y = require_data(x, y, net)
    N, M = len(y), min(require_count("M", M), len(y))
    if not 2 <= require_count("K", K) <= require_count("iterates", iterates):
        raise ValueError(f"K={K} deviations of {iterates} iterates: K must be at least 2, and at most their number")
    w = mode(x, y, net, initial(rng, net) if w is None else w)
    eta = require_positive("pace", pace, "a share of the largest step that is stable") / largest_curvature(w, y, net, M)
    found = []
    for epoch in range(1, iterates + 1):
        with np.errstate(over="ignore", invalid="ignore"):      # told below, in words
            for batch in rng.permutation(N)[:N // M * M].reshape(-1, M):
                w = w + eta * joint_and_slope(w, x[batch], y[batch], net, N)[1]
        if not np.all(np.isfinite(w)):
            raise ValueError(f"descent ran away in epoch {epoch} with pace={pace:g}: take a smaller pace or larger M")
        found.append(w)
        if watch:
            watch(epoch, w)
    return swag_draws(rng.standard_normal((S, net.P + K)), np.array(found), K)


def largest_curvature(w, y, net, M):
    """An upper bound of Gauss-Newton's largest eigenvalue for a minibatch of M of N data, times N / M, with the
    prior's: the sum of the M largest gradients' squared lengths.
    """
    lengths = np.sort(np.sum(jacobian(w, y, net)**2, axis=1).reshape(net.sizes[-1], -1).sum(axis=0))
    return len(y) / M * net.beta * np.sum(lengths[-M:]) + np.max(np.asarray(net.prior_sd)**-2.)


def require_normal(net):
    """A ValueError for a network whose observations are not normal of precision beta."""
    if net.observed:
        raise ValueError(f"the likelihood is {net.observed.name}: this method's curvature is that of normal noise, "
                         "leave observed out, or take vi")


def tangent(draws, w, y, net):
    """Outputs (S, N, K) for draws (S, P), of the network's tangent at the mode w: what Laplace's curvature knows of."""
    J = jacobian(w, y, net).reshape(net.sizes[-1], len(y), net.P)
    return forward(w, y, net)[-1] + np.einsum("sp,knp->snk", draws - w, J)

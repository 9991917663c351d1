"""The log of an average of S likelihoods lies below the evidence by about Var / (2 S p^2), once S is not tiny.

Logistic model p(x = 1|z) = sigmoid(w z + b), z ~ N(0, 1), as on SA's slide. Dots: mean of 40,000 estimates, two
standard errors; dashed: the leading term; squares: exact expectation for S = 1, 2 and 3 by the joint rule of the
noise.
"""
import numpy as np

from refvi import Model, noise, normal
from refvi.likelihood.networks import sigmoid
from refvi.marginal.approximations import log_of_average

R, W, B = 40_000, 3.0, 0.4
STANDARD = np.zeros(2)
P = Model(lambda z, theta: normal.log_prob(z, STANDARD), lambda x, z, theta: -np.logaddexp(0, -W * z - B))


def data(rng):
    z, w = normal.nodes(STANDARD, 400)
    density, likelihood = w * np.exp(normal.log_prob(z, STANDARD)), sigmoid(W * z + B)
    evidence = density @ likelihood
    leading = (density @ likelihood**2 - evidence**2) / (2 * evidence**2)
    S, eps = 2**np.arange(9), noise(normal, STANDARD)
    logs = [log_of_average(eps.draw(rng, R, s), P, 1, None) - np.log(evidence) for s in S]
    few = np.array([1, 2, 3])
    exact = np.array([np.log(evidence) - by_rule(eps, s) for s in few])
    bias, error = [-v.mean() for v in logs], [v.std() / np.sqrt(R) for v in logs]
    return dict(S=S, leading=leading / S, few=few, bias_by_rule=exact, measured_small=bias[:2], error_small=error[:2],
                exact_small=exact[:2], random_bias=bias, random_error=error)


def by_rule(eps, S):
    """Expected log of an average of S likelihoods, by the noise's own nodes; fewer of each for more draws."""
    nodes, weights = eps.rule(S, {1: 64, 2: 64, 3: 40}[S])
    return weights @ log_of_average(nodes, P, 1, None)


def draw(figure, S, leading, few, bias_by_rule, random_bias, random_error, **compared):
    axes = figure.add_subplot()
    axes.plot(S, leading, color="black", linestyle="--", label="Var / (2 S p²)")
    axes.plot(few, bias_by_rule, "s", markersize=9, markerfacecolor="none", color="C1", label="exact, by quadrature")
    axes.errorbar(S, random_bias, 2 * random_error, fmt="o", color="C2", capsize=2, label="measured")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set(xlabel="prior draws in the average S", ylabel="log evidence minus estimate, in nats",
             title="Bias of the log of an average")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.legend()

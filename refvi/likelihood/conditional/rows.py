"""Conditional models, line by line: derivations/likelihood/conditional.md. The problems and decisions stand beside this
file.

Shapes: scores hold one number for everything of which an outcome may be made (a class, an arc, a pair of neighbours),
statistics of an outcome have the shape of the scores; theta (P,), flat. Log probabilities in nats. Deterministic rows
return one number or (P,), estimators (R, P) for eps (R, S), indices into the list of all outcomes.
UA and SA, "Multiple problems, same language".
"""
from typing import Callable, NamedTuple

import autograd.numpy as np
from autograd import grad, jacobian


class Conditional(NamedTuple):
    """log p(x | y) = sum of scores times statistics of x, less the log total: an exponential family."""
    statistics: Callable        # (x, scores) -> like scores: how much x has of each
    log_total: Callable         # (scores, statistics) -> what is taken off so that the masses add up to one, in nats


def log_probability(x, y, theta, p, scores):
    """log p(x | y, theta) in nats, a log density for a continuous x; scores(y, theta) are what the model makes of y."""
    eta = scores(y, theta)
    observed = p.statistics(x, eta)
    return np.sum(eta * observed) - p.log_total(eta, observed)


def expected(eta, p, observed=None):
    """Expected statistics, like the scores: the gradient of the log total."""
    return grad(p.log_total)(eta, observed)


def observed_less_expected(x, y, theta, p, scores):
    """Gradient (P,) of log p(x | y, theta): observed less expected statistics, carried back through the scores."""
    eta = scores(y, theta)
    observed = p.statistics(x, eta)
    delta = observed - expected(eta, p, observed)
    return grad(lambda theta: np.sum(delta * scores(y, theta)))(theta)


def average_over_outcomes(x, y, theta, p, scores, outcomes):
    """Gradient (P,) with the expectation written out over all outcomes."""
    eta = scores(y, theta)
    delta = p.statistics(x, eta)
    for other in outcomes:
        delta = delta - np.exp(log_probability(other, y, theta, p, scores)) * p.statistics(other, eta)
    return np.tensordot(delta, jacobian(lambda theta: scores(y, theta))(theta), np.ndim(eta))


def observed_less_drawn(eps, x, y, theta, p, scores, outcomes):
    """Estimate (R, P) of the gradient: statistics of x less those of S outcomes drawn from the model, averaged."""
    eta = scores(y, theta)
    drawn = np.array([p.statistics(other, eta) for other in outcomes])[eps]
    delta = p.statistics(x, eta) - np.mean(drawn, axis=1)
    return np.tensordot(delta, jacobian(lambda theta: scores(y, theta))(theta), np.ndim(eta))

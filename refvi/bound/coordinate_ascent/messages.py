"""The updates of gaussian.py read off the graph: natural parameters, and the messages that add up to them.

(tau nu, -tau/2) for the normal with statistics (mu, mu^2), (a - 1, -b) for the Gamma with (log gamma, gamma). A message
from a datum is its expected log density as a function of one variable, in that variable's natural parameters.
Data x (N,); messages (1 + N, 2), the prior's first.
PML, "Recap & Conclusions"; Winn and Bishop (2005), Variational message passing.
"""
import autograd.numpy as np

from refvi.base.special import gammaln


def natural_of_mean(nu, tau):
    """Natural parameters (2,) of N(nu, 1/tau)."""
    return np.array([tau * nu, -0.5 * tau])


def mean_of_natural(eta):
    """(nu, tau) of a normal's natural parameters."""
    return -0.5 * eta[0] / eta[1], -2 * eta[1]


def natural_of_precision(a, b):
    """Natural parameters (2,) of Gamma(a, rate b)."""
    return np.array([a - 1, -b])


def precision_of_natural(eta):
    """(a, b) of a Gamma's natural parameters."""
    return eta[0] + 1, -eta[1]


def log_normalizer_of_mean(eta):
    """Log of the integral of exp(eta . statistics), for the normal."""
    return -0.25 * eta[0]**2 / eta[1] + 0.5 * (np.log(np.pi) - np.log(-eta[1]))


def log_normalizer_of_precision(eta):
    """Log of the integral of exp(eta . statistics), for the Gamma."""
    return gammaln(eta[0] + 1) - (eta[0] + 1) * np.log(-eta[1])


def messages_to_mean(x, prior, a, b):
    """(1 + N, 2): from the prior of mu, and from each datum while gamma ~ Gamma(a, rate b)."""
    from_data = np.column_stack([a / b * x, np.full(len(x), -0.5 * a / b)])
    return np.vstack([natural_of_mean(prior.nu, prior.tau), from_data])


def messages_to_precision(x, prior, nu, tau):
    """(1 + N, 2): from the prior of gamma, and from each datum while mu ~ N(nu, 1/tau)."""
    from_data = np.column_stack([np.full(len(x), 0.5), -0.5 * ((x - nu)**2 + 1 / tau)])
    return np.vstack([natural_of_precision(prior.a, prior.b), from_data])

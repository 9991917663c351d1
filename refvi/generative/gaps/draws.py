"""What more draws are worth: the gap of the bound with S weights, for one datum and a scalar z.

Shapes: draws eps (R, S) of q(lam), datum (n,), theta a Linear with D = 1; gaps in nats. Burda, Grosse and Salakhutdinov
(2016), Importance weighted autoencoders; Cremer, Li and Duvenaud (2018).
"""
from refvi.base.core import Model
from refvi.base.families.gaussian import normal
from refvi.base.models import isotropic
from refvi.bound.elbo.importance import bound, log_average_weight
from refvi.generative.linear_latent.model import log_joint, log_likelihood


def prior(z, theta):
    """log p(z) (..., S) of a scalar z."""
    return isotropic(z[..., None], 1.)


def likelihood(x, z, theta):
    """log p(x | z) (..., S) of one datum x (n,)."""
    return log_joint(z[..., None], x, theta) - prior(z, theta)


MODEL = Model(prior, likelihood)


def gap_of(S, lam, datum, theta):
    """log p(x) less the bound with S weights."""
    return log_likelihood(datum[None], theta) - bound(S, MODEL, normal, lam, datum, theta)


def gap_of_one(lam, datum, theta):
    """log p(x) - ELBO."""
    return gap_of(1, lam, datum, theta)


def gap_of_two(lam, datum, theta):
    """log p(x) less the bound with two weights."""
    return gap_of(2, lam, datum, theta)


def gap_of_three(lam, datum, theta):
    """log p(x) less the bound with three weights."""
    return gap_of(3, lam, datum, theta)


def gap_by_draws(eps, lam, datum, theta):
    """log p(x) less the log of the average of S weights z_s = eps_s ~ q(lam): each of either sign. Returns (R,)."""
    return log_likelihood(datum[None], theta) - log_average_weight(eps, MODEL, normal, lam, datum, theta)

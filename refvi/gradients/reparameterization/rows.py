"""The reparameterized gradient, line by line: derivations/gradients/reparameterization.md.

Shapes: noise eps (R, S, ...) or points of it (k, ...), both from q(0); z = q.transport(eps, lam) alike; log_joint(z)
one number in nats for each draw; lam (P,). Deterministic rows return (P,), rows at points (k, P), estimators (R, P),
variances an Estimate of (P,). PML, "The Reparametrization Trick" to "Summary"; Kingma and Welling (2014), Auto-encoding
variational Bayes; Roeder, Wu and Duvenaud (2017), Sticking the landing.
"""
import autograd.numpy as np
from autograd import elementwise_grad, grad

from refvi.base.checks import require_one_each
from refvi.base.core import axes_of, carried, expectation, gradient_of_each, score, settled
from refvi.base.families.lam import halves


def path_gradient(eps, f, q, lam):
    """The gradient in lam of the average of f(z_s, lam) over S draws z_s = transport(eps_s, lam). Returns (R, P).

    f(z, lam) returns (..., S). The lam that it gets has sample axes of its own, (..., P): read it as lam[..., p].
    It is differentiated wherever lam stands, in the transport and in f.
    """
    def average(eps, lam):
        lam = lam[..., None, :]
        z = carried(q, eps, lam)
        return np.mean(require_one_each("f", f(z, lam), np.shape(eps)[:2]), axis=-1)
    return gradient_of_each(average, eps, lam)


# ---- what the rows share

def over_noise(g, q, lam):
    """The expectation of g(eps) (n, ...) under the noise q(0), of which lam gives the length only."""
    return expectation(g, q, np.zeros(len(lam)))


def weight_of_carried(log_joint, q):
    """The log weight log p(x, z) - log q(z | lam) at z = transport(eps, lam), a function of eps and lam."""
    def weight(eps, lam):
        z = carried(q, eps, lam)
        return log_joint(z) - q.log_prob(z, lam)
    return weight


def along_path(eps, g, q, lam):
    """The gradient of g(z) in z times the Jacobian of z = transport(eps, lam) in lam, for every draw: (..., P)."""
    z = carried(q, eps, lam)
    slope, axes = elementwise_grad(g)(z), tuple(range(np.ndim(g(z)), np.ndim(z)))
    return gradient_of_each(lambda eps, lam: np.sum(slope * q.transport(eps, lam), axis=axes), eps, lam)


def path_of_each(eps, log_joint, q, lam):
    """The path part of every draw: the log weight differentiated in z, the lam inside log q held fixed. (..., P)"""
    return along_path(eps, lambda z: log_joint(z) - q.log_prob(z, lam), q, lam)


# ---- the density of carried draws

def density_of_transported(points, q, lam):
    """Log density of the noise less the log of the stretch, of a transport that carries each entry alone. (k,)"""
    stretch = np.log(np.abs(elementwise_grad(q.transport)(points, lam)))
    log_noise = q.log_prob(points, np.zeros(len(lam)))
    return log_noise - np.sum(stretch, axis=tuple(range(np.ndim(log_noise), np.ndim(points))))


# ---- the chain: from the gradient of an expectation to an expectation along paths

def gradient_of_expectation(log_joint, q, lam):
    """The bound as an integral over z: the nodes stand still, and lam moves the density and the log weight."""
    def bound(at):
        return expectation(lambda z: log_joint(z) - q.log_prob(z, at), q, at, q.nodes(lam))
    return grad(bound)(lam)


def in_terms_of_noise(log_joint, q, lam):
    """The bound as an integral over the noise: the density stands still, and lam moves the nodes."""
    return grad(lambda at: over_noise(lambda eps: weight_of_carried(log_joint, q)(eps, at), q, lam))(lam)


def gradient_exchanged(log_joint, q, lam):
    """Gradient and integral exchanged: the total derivative of the weight, averaged over the noise."""
    return over_noise(lambda eps: gradient_of_each(weight_of_carried(log_joint, q), eps, lam), q, lam)


def path_and_explicit_part(log_joint, q, lam):
    """The chain rule: lam acts through z, and through the lam that stands in -log q."""
    return over_noise(lambda eps: path_of_each(eps, log_joint, q, lam) - partial_of_density(eps, q, lam), q, lam)


def path_part(log_joint, q, lam):
    """The average of the path part alone."""
    return over_noise(lambda eps: path_of_each(eps, log_joint, q, lam), q, lam)


# ---- single draws, at points of the noise

def total_derivative(points, log_joint, q, lam):
    """The weight of a draw, differentiated in lam with its noise held fixed. (k, P)"""
    return gradient_of_each(weight_of_carried(log_joint, q), points, lam)


def minus_explicit_part(points, log_joint, q, lam):
    """Path part minus the partial derivative of log q. (k, P)"""
    return path_of_each(points, log_joint, q, lam) - partial_of_density(points, q, lam)


def total_of_density(points, q, lam):
    """The gradient in lam of log q(z | lam) where z = transport(eps, lam) goes along. (k, P)"""
    return gradient_of_each(lambda eps, lam: q.log_prob(carried(q, eps, lam), lam), points, lam)


def partial_of_density(points, q, lam):
    """The gradient in lam of log q(z | lam) where z is held fixed, the score of carried draws. (k, P)"""
    return score(q, carried(q, points, lam), lam)


def slope_of_the_model(points, log_joint, q, lam):
    """The gradient of log p(x, z) in z. (k,) or (k, D)"""
    return elementwise_grad(log_joint)(q.transport(points, lam))


def slope_of_the_weight(points, log_joint, q, lam):
    """The gradient of log p(x, z) - log q(z) in z: what the path part sends to the mean of q. (k,) or (k, D)"""
    return elementwise_grad(lambda z: log_joint(z) - q.log_prob(z, lam))(q.transport(points, lam))


# ---- averages of S draws

def path_estimate(eps, log_joint, q, lam):
    """The path part, averaged over S draws z_s = transport(eps_s, lam). Returns (R, P)."""
    return np.mean(path_of_each(eps, log_joint, q, lam), axis=-2)


def difference_of_slopes(eps, log_joint, q, lam):
    """The path part taken apart: the slope of the model along the path, less that of log q. Returns (R, P)."""
    of_model, of_q = along_path(eps, log_joint, q, lam), along_path(eps, lambda z: q.log_prob(z, lam), q, lam)
    return np.mean(of_model - of_q, axis=-2)


def score_of_carried_draws(eps, f, q, lam):
    """The score-function gradient from carried draws: values f(z, lam) (R, S), and no slope of f. Returns (R, P)."""
    z = q.transport(eps, lam)
    return np.mean(f(z, lam)[..., None] * score(q, z, lam), axis=-2)


# ---- variances of these averages, by quadrature over the noise

def variance_over_noise(terms, q, lam, S):
    """Variance of terms(eps) (n, P) over S, by quadrature that carries its error: an Estimate of (P,)."""
    zero = np.zeros(len(lam))

    def spread(order):
        eps, w = q.nodes(zero, order)
        mass, values = w * np.exp(q.log_prob(eps, zero)), terms(eps)
        return mass @ (values - mass @ values)**2 / S

    return settled(spread, axes_of(q, zero))


def variance_of_path(log_joint, q, lam, S):
    """Variance of path_estimate."""
    return variance_over_noise(lambda eps: path_of_each(eps, log_joint, q, lam), q, lam, S)


def variance_of_total(log_joint, q, lam, S):
    """Variance of path_gradient for the log weight, path and explicit part."""
    return variance_over_noise(lambda eps: total_derivative(eps, log_joint, q, lam), q, lam, S)


# ---- where log p jumps

def edge_added(log_joint, q, lam, edge, jump):
    """The path part, and what it cannot see: the jump of log p at the edge, weighted by what lam carries across.

    jump: log p beyond the edge less log p before it. Its weight: q's density there, times the transport's slope in lam.
    """
    mu, log_sigma = halves(lam)
    crossing = gradient_of_each(q.transport, (edge - mu) * np.exp(-log_sigma), lam)[0]
    path = over_noise(lambda eps: path_of_each(eps, log_joint, q, lam), q, lam)
    return path + jump * np.exp(q.log_prob(edge, lam)) * crossing

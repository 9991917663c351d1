"""The reparameterized gradient, line by line: derivations/gradients/reparameterization.md. Loops: algorithm.py, and regression.py by hand for one model.

Shapes: noise eps (R, S, ...) or (n, ...) ~ q(0), z = q.transport(eps, lam) alike, log_joint(z) one number in nats for each draw, lam (P,);
deterministic rows return (P,), rows at points of the noise (k, P), estimators (R, P). PML, "The Reparametrization Trick" to "Summary";
Kingma and Welling (2014), Auto-encoding variational Bayes; Roeder, Wu and Duvenaud (2017), Sticking the landing.
"""
import autograd.numpy as np
from autograd import elementwise_grad, grad

from refvi.base.checks import require_one_each
from refvi.base.core import carried, gradient_of_each, score
from refvi.base.families.lam import halves


def path_gradient(eps, f, q, lam):
    """The gradient in lam of the average of f(z_s, lam) over S draws z_s = transport(eps_s, lam): through the draws, and wherever else lam stands.

    f(z, lam) returns (..., S); lam comes to it with sample axes of its own, (..., P), to be read as lam[..., p]. Returns (R, P).
    """
    def average(eps, lam):
        lam = lam[..., None, :]
        z = carried(q, eps, lam)
        return np.mean(require_one_each("f", f(z, lam), np.shape(eps)[:2]), axis=-1)
    return gradient_of_each(average, eps, lam)


# ---- what the rows share

def on_noise(q, lam):
    """(eps (n, ...), density (n,)): density @ g(eps) is the expectation of g under q(0), the noise, which knows nothing of lam."""
    zeros = np.zeros(len(lam))
    eps, w = q.nodes(zeros)
    return eps, w * np.exp(q.log_prob(eps, zeros))


def weight_of_carried(log_joint, q):
    """The log weight log p(x, z) - log q(z | lam) at z = transport(eps, lam), a function of eps and lam."""
    def weight(eps, lam):
        z = carried(q, eps, lam)
        return log_joint(z) - q.log_prob(z, lam)
    return weight


def density_of_carried(q):
    """log q(z | lam) at z = transport(eps, lam): lam stands in it twice."""
    return lambda eps, lam: q.log_prob(carried(q, eps, lam), lam)


def along_path(eps, g, q, lam):
    """The gradient of g(z) in z, times the Jacobian of z = transport(eps, lam) in lam, for every draw: (..., P)."""
    z = carried(q, eps, lam)
    slope, axes = elementwise_grad(g)(z), tuple(range(np.ndim(g(z)), np.ndim(z)))
    return gradient_of_each(lambda eps, lam: np.sum(slope * q.transport(eps, lam), axis=axes), eps, lam)


def path_of_each(eps, log_joint, q, lam):
    """The path part of every draw: the log weight differentiated in z alone, lam inside log q held fixed."""
    return along_path(eps, lambda z: log_joint(z) - q.log_prob(z, lam), q, lam)


def score_of_each(eps, q, lam):
    """The explicit part of every draw: log q(z | lam) differentiated in lam alone, z held fixed."""
    return score(q, carried(q, eps, lam), lam)


def variance(density, terms):
    """Variance of terms (n, P), coordinate by coordinate."""
    return density @ (terms - density @ terms)**2


# ---- the same draws, from a noise that knows nothing of lam; points (k, ...) of the noise, values (k,)

def density_of_transported(points, q, lam):
    """Change of variables: the density of the noise, less the logarithm of the stretch. For a transport of each entry alone."""
    stretch = np.log(np.abs(elementwise_grad(q.transport)(points, lam)))
    log_noise = q.log_prob(points, np.zeros(len(lam)))
    return log_noise - np.sum(stretch, axis=tuple(range(np.ndim(log_noise), np.ndim(points))))


def second_argument_a_variance(points, q, lam):
    """N(mu, sigma) read as variance sigma, at the same z."""
    mu, log_sigma = halves(lam)
    return q.log_prob(q.transport(points, lam), np.concatenate([mu, log_sigma / 2]))


# ---- the chain: from the gradient of an expectation to an expectation along paths

def gradient_of_expectation(log_joint, q, lam):
    """The bound as an integral over z, on nodes that stay where they are while lam moves the density."""
    z, w = q.nodes(lam)
    return grad(lambda lam: np.sum(w * np.exp(q.log_prob(z, lam)) * (log_joint(z) - q.log_prob(z, lam))))(lam)


def in_terms_of_noise(log_joint, q, lam):
    """The same as an integral over the noise: the density stays, and lam moves the nodes."""
    eps, density = on_noise(q, lam)
    return grad(lambda lam: np.sum(density * weight_of_carried(log_joint, q)(eps, lam)))(lam)


def gradient_exchanged(log_joint, q, lam):
    """Gradient and integral exchanged: the total derivative of every node's weight, averaged."""
    eps, density = on_noise(q, lam)
    return density @ gradient_of_each(weight_of_carried(log_joint, q), eps, lam)


def path_and_explicit_part(log_joint, q, lam):
    """The chain rule: through z, and through the lam that stands in -log q."""
    eps, density = on_noise(q, lam)
    return density @ (path_of_each(eps, log_joint, q, lam) - score_of_each(eps, q, lam))


def plus_on_average(log_joint, q, lam):
    """The slide's sign: wrong for every draw, right on average, because the explicit part averages to zero."""
    eps, density = on_noise(q, lam)
    return density @ (path_of_each(eps, log_joint, q, lam) + score_of_each(eps, q, lam))


def total_derivative_added(log_joint, q, lam):
    """The slide to the letter: log q differentiated through z as well. That has no mean of zero."""
    eps, density = on_noise(q, lam)
    return density @ (path_of_each(eps, log_joint, q, lam) + gradient_of_each(density_of_carried(q), eps, lam))


def path_part(log_joint, q, lam):
    """The explicit part dropped."""
    eps, density = on_noise(q, lam)
    return density @ path_of_each(eps, log_joint, q, lam)


# ---- the same for single draws

def total_derivative(points, log_joint, q, lam):
    """The weight of a draw, differentiated in lam with its noise held fixed."""
    return gradient_of_each(weight_of_carried(log_joint, q), points, lam)


def minus_explicit_part(points, log_joint, q, lam):
    """Path part minus the partial derivative of log q."""
    return path_of_each(points, log_joint, q, lam) - score_of_each(points, q, lam)


def plus_explicit_part(points, log_joint, q, lam):
    """The slide's plus."""
    return path_of_each(points, log_joint, q, lam) + score_of_each(points, q, lam)


def total_for_partial(points, log_joint, q, lam):
    """The right sign, but log q differentiated through z as well: its path is counted twice."""
    return path_of_each(points, log_joint, q, lam) - gradient_of_each(density_of_carried(q), points, lam)


def path_alone(points, log_joint, q, lam):
    """The path part without the explicit part, for single draws."""
    return path_of_each(points, log_joint, q, lam)


def slope_of_the_model(points, log_joint, q, lam):
    """The gradient of log p(x, z) in z. (k,) or (k, D)"""
    return elementwise_grad(log_joint)(q.transport(points, lam))


def slope_of_the_weight(points, log_joint, q, lam):
    """The gradient of log p(x, z) - log q(z) in z: what the path part sends to the mean. (k,) or (k, D)"""
    return elementwise_grad(lambda z: log_joint(z) - q.log_prob(z, lam))(q.transport(points, lam))


# ---- partial and total: the gradient of log q(z | lam) with z held fixed, and with z = transport(eps, lam) going along

def total_of_density(points, q, lam):
    """Total derivative: the draw moves with the density."""
    return gradient_of_each(density_of_carried(q), points, lam)


def partial_of_density(points, q, lam):
    """Partial derivative, the score."""
    return score_of_each(points, q, lam)


def mean_partial(q, lam):
    """The score averages to zero, whoever made the draws."""
    eps, density = on_noise(q, lam)
    return density @ score_of_each(eps, q, lam)


def average_partial(eps, q, lam):
    """Average of S of them. Returns (R, P)."""
    return np.mean(score_of_each(eps, q, lam), axis=-2)


def mean_total(q, lam):
    """The total derivative does not average to zero: it is minus the gradient of the entropy."""
    eps, density = on_noise(q, lam)
    return density @ gradient_of_each(density_of_carried(q), eps, lam)


# ---- averages of S draws

def path_estimate(eps, log_joint, q, lam):
    """The path part of S draws z_s = transport(eps_s, lam), averaged. Returns (R, P)."""
    return np.mean(path_of_each(eps, log_joint, q, lam), axis=-2)


def difference_of_slopes(eps, log_joint, q, lam):
    """The logarithm of the quotient taken apart: one path through the model, one through the approximation. Returns (R, P)."""
    return np.mean(along_path(eps, log_joint, q, lam) - along_path(eps, lambda z: q.log_prob(z, lam), q, lam), axis=-2)


def score_of_carried_draws(eps, f, q, lam):
    """The score-function gradient from the same draws, f(z, lam) (R, S): no slope of f, no derivative of the transport. Returns (R, P)."""
    z = q.transport(eps, lam)
    return np.mean(f(z, lam)[..., None] * score(q, z, lam), axis=-2)


# ---- variances of one term

def variance_of_full(log_joint, q, lam):
    """Both parts together, the total derivative."""
    eps, density = on_noise(q, lam)
    return variance(density, gradient_of_each(weight_of_carried(log_joint, q), eps, lam))


def variance_of_path(log_joint, q, lam):
    """The path part alone."""
    eps, density = on_noise(q, lam)
    return variance(density, path_of_each(eps, log_joint, q, lam))


def variances_and_covariance(log_joint, q, lam):
    """Of a difference: two variances, less twice the covariance."""
    eps, density = on_noise(q, lam)
    path, explicit = path_of_each(eps, log_joint, q, lam), score_of_each(eps, q, lam)
    covariance = density @ (path * explicit) - (density @ path) * (density @ explicit)
    return variance(density, path) + variance(density, explicit) - 2 * covariance


def gap_of_variances(log_joint, q, lam):
    """What the path part alone has more than both."""
    eps, density = on_noise(q, lam)
    path, explicit = path_of_each(eps, log_joint, q, lam), score_of_each(eps, q, lam)
    return variance(density, path) - variance(density, path - explicit)


def variance_of_slopes(f, q, lam):
    """The path gradient of any f(z)."""
    eps, density = on_noise(q, lam)
    return variance(density, along_path(eps, f, q, lam))


# ---- where log p jumps

def edge_added(log_joint, q, lam, edge, jump):
    """The path part, and what it cannot see: the jump of log p, times the density at the edge, times how fast lam carries draws across it."""
    eps, density = on_noise(q, lam)
    mu, log_sigma = halves(lam)
    crossing = gradient_of_each(q.transport, (edge - mu) * np.exp(-log_sigma), lam)[0]
    return density @ path_of_each(eps, log_joint, q, lam) + jump * np.exp(q.log_prob(edge, lam)) * crossing

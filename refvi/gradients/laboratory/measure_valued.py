"""Measure-valued gradients of the normal: the derivative of its density is a difference of two densities that can be
drawn from.

Noise eps (R, S, 3) or, for D independent normals, (R, S, D, 3): a Rayleigh draw for right and left, a two-sided Maxwell
draw, and a uniform share, so that share times Maxwell is standard normal. Estimates (R, P), P = 2 D: gradients in the
means, then in the log standard deviations. Heidergott and Vazquez-Abad (2008),
Measure-valued differentiation for Markov chains; Mohamed et al. (2020), section 6.
"""
from functools import lru_cache

import autograd.numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.linalg import eigh_tridiagonal

from refvi.base.core import POINTS, Noise, settled
from refvi.base.families.gaussian import diagonal_normal, normal
from refvi.base.families.lam import trapezoid
from refvi.gradients.laboratory.rows import exact_variance, spread, weighted

FURTHEST = 12.          # where the rules of Rayleigh draws end
PANEL = 12              # Gauss-Legendre nodes side by side
FINE = 240              # nodes of a rule that a Gauss rule is made from,
NODES = 24              # and most nodes of a Gauss rule on one axis


# ---- a derivative of a density is a difference of two densities

def difference_of_two_densities(z, lam):
    """The gradient (k, 2) of the normal density at points z (k,) in mu and log sigma.

    In mu a Weibull density to the right less one to the left, over sigma sqrt(2 pi); in log sigma a two-sided Maxwell
    density less the normal one.
    """
    mu, sigma = lam[0], np.exp(lam[1])
    t = (z - mu) / sigma
    bell = np.exp(-0.5 * t**2)
    right, left = np.where(t > 0, t * bell / sigma, 0.), np.where(t < 0, -t * bell / sigma, 0.)
    maxwell, base = t**2 * bell / (sigma * np.sqrt(2 * np.pi)), bell / (sigma * np.sqrt(2 * np.pi))
    return np.stack([(right - left) / (sigma * np.sqrt(2 * np.pi)), maxwell - base], axis=-1)


def difference_of_two_means(f, q, lam):
    """The gradient (2,) of E[f] as two differences of two expectations, f of z alone, q the normal."""
    require_normal(q)
    at = values_at(f, q, lam)

    def of(order):
        (up, p), (wide, maxwell), (inner, base) = rayleigh(order), two_sided_maxwell(order), standard_normal(order)
        return np.array([steepness(lam)[0] * (p @ at(up) - p @ at(-up)), maxwell @ at(wide) - base @ at(inner)])

    return settled(of).value


# ---- the estimator

def measure_valued(eps, f, q, lam):
    """Measure-valued estimates (R, P) from noise of weak_noise().

    A coordinate that is not the gradient's own keeps its normal draw, the same in both halves: 3 D + 1 evaluations of f
    for 2 D gradients. What f changes by its own dependence on lam is added.
    """
    up, wide, share = parts(eps)
    inner = wide * share
    require_normal(q)
    at, D = values_at(f, q, lam), len(lam) // 2
    own = np.eye(D, dtype=bool)

    def moved(d, t):
        return at(np.where(own[d], t, inner)) if t.ndim == 3 else at(t)

    unmoved = at(inner)
    means = [c * (moved(d, up) - moved(d, -up)) for d, c in enumerate(steepness(lam))]
    spreads = [moved(d, wide) - unmoved for d in range(D)]
    itself = weighted(0., f, q, q.transport(inner, lam), lam)
    return np.mean(np.stack(means + spreads, axis=-1) + itself, axis=-2)


def steepness(lam):
    """1 / (sigma sqrt(2 pi)) of each coordinate, the constant of the gradient in the mean; in log sigma it is one."""
    return np.exp(-lam[len(lam) // 2:]) / np.sqrt(2 * np.pi)


def values_at(f, q, lam):
    """f at the place of standard noise t."""
    return lambda t: f(q.transport(t, lam), lam)


def parts(eps):
    """The noise's three parts, its last axis, or a ValueError where there are not so many."""
    if np.shape(eps)[-1] != 3:
        raise ValueError(f"eps has shape {np.shape(eps)}, expected (R, S, 3) or (R, S, D, 3): "
                         "take its draws from weak_noise()")
    return np.moveaxis(eps, -1, 0)


def require_normal(q):
    """A ValueError for a family whose derivative is not taken apart here."""
    if q.log_prob not in (normal.log_prob, diagonal_normal.log_prob):
        name = getattr(q.log_prob, "__name__", q.log_prob)
        raise ValueError(f"the weak derivative of {name} is not known here, only that of normal and diagonal_normal: "
                         "use the score-function gradient")


# ---- its noise

def weak_noise(D=None):
    """The Noise of measure_valued; D of diagonal_normal, None for normal."""
    shape = () if D is None else (D,)

    def draw(rng, R, S):
        size = (R, S) + shape
        up = np.sqrt(2 * rng.standard_exponential(size))
        wide = np.sqrt(2 * rng.standard_gamma(1.5, size)) * (2. * rng.integers(2, size=size) - 1)
        return np.stack([up, wide, rng.random(size)], axis=-1)

    def rule(S, order):
        copies = S * (D or 1)
        most = min(NODES, POINTS**(1 / (3 * copies)))
        if most < 3:        # its second order needs fewer, and one node is no rule
            return None
        n = max(2, int(most * min(1., order / 64)))
        rules = [gauss(*measure(FINE), n) for measure in (rayleigh, two_sided_maxwell, legendre)] * copies
        eps = np.stack(np.meshgrid(*[z for z, _ in rules], indexing="ij"), axis=-1).reshape((-1, S) + shape + (3,))
        return eps, np.prod(np.stack(np.meshgrid(*[w for _, w in rules], indexing="ij")), axis=0).ravel()

    return Noise(draw, rule)


@lru_cache
def legendre(n):
    """At least n nodes and weights on (0, 1): Gauss-Legendre, PANEL of them on each of equal panels."""
    t, p = leggauss(PANEL)
    panels = -(-n // PANEL)
    nodes = (np.arange(panels)[:, None] + (t + 1) / 2) / panels
    return nodes.ravel(), np.tile(p / 2 / panels, panels)


def rayleigh(n):
    """Nodes and weights of the Rayleigh density t exp(-t^2 / 2) on t > 0."""
    t, p = legendre(n)
    up = FURTHEST * t
    return up, FURTHEST * p * up * np.exp(-0.5 * up**2)


def two_sided_maxwell(n):
    """Nodes and weights of the density t^2 exp(-t^2 / 2) / sqrt(2 pi)."""
    t, p = standard_normal(n)
    return t, p * t**2


def standard_normal(n):
    """Nodes and weights of the standard normal density."""
    t, h = trapezoid(n)
    return t, h * np.exp(-0.5 * t**2) / np.sqrt(2 * np.pi)


def gauss(nodes, weights, n):
    """The Gauss rule of n nodes for a measure given on many: Stieltjes' recurrence, then the eigenvalues of Golub
    and Welsch."""
    before, now, diagonal, off = 0., np.full(len(nodes), np.sum(weights)**-0.5), [], [0.]
    for _ in range(n):
        diagonal.append(weights @ (nodes * now**2))
        after = (nodes - diagonal[-1]) * now - off[-1] * before
        off.append((weights @ after**2)**0.5)
        before, now = now, after / off[-1]
    z, vectors = eigh_tridiagonal(diagonal, off[1:-1])
    return z, np.sum(weights) * vectors[0]**2


# ---- its variance by quadrature, for an f of z alone under the normal

def variance_of_halves(f, q, lam, S):
    """Variance (2,) of measure_valued: an integral over the Rayleigh draw, and one over Maxwell draw and share."""
    at = values_at(f, q, lam)

    def in_mean(order):
        up, p = rayleigh(order)
        return spread(p, steepness(lam) * (at(up) - at(-up))[:, None])

    def in_log_sd(order):
        (wide, p), (share, flat) = two_sided_maxwell(order), legendre(order)
        return spread(np.outer(p, flat).ravel(), (at(wide)[:, None] - at(np.outer(wide, share))).ravel()[:, None])

    return np.concatenate([settled(in_mean).value, settled(in_log_sd, 2).value]) / S


def measure_valued_through_rule(f, q, lam, base, S):
    """Variance (2,) of measure_valued, computed from the estimator itself at every node of its noise."""
    return exact_variance(measure_valued, f, q, lam, base, S)

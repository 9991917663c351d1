"""Measure-valued gradients of the normal: the derivative of its density is a difference of two densities, and each of them can be drawn from.

Noise eps (R, S, 3) or, for D independent normals, (R, S, D, 3): w Rayleigh, m two-sided Maxwell, u uniform, so that m u is standard normal;
apart, (..., 4): w and v Rayleigh, m two-sided Maxwell, n normal. Estimators return (R, P), P = 2 D: gradients in the means, then in the
log standard deviations. Heidergott and Vazquez-Abad (2008), Measure-valued differentiation for Markov chains; Mohamed et al. (2020), section 6.
"""
from functools import lru_cache

import autograd.numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.linalg import eigh_tridiagonal

from refvi.base.core import Noise, POINTS, gradient_of_each
from refvi.base.families.gaussian import diagonal_normal, normal
from refvi.base.families.lam import trapezoid
from refvi.gradients.laboratory.rows import exact_variance, spread

FINE, FURTHEST, NODES = 240, 12., 24        # nodes of a fine rule, where it ends, and most nodes of a Gauss rule on one axis


# ---- a derivative of a density is a difference of two densities

def difference_of_two_densities(z, lam):
    """At points z (k,): Weibull to the right less Weibull to the left, and two-sided Maxwell less normal, each times its constant. (k, 2)"""
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
    (w, p), (m, maxwell), (n, base) = rayleigh(), two_sided_maxwell(), standard_normal()
    return np.array([steepness(lam)[0] * (p @ at(w) - p @ at(-w)), maxwell @ at(m) - base @ at(n)])


# ---- the estimators

def measure_valued(eps, f, q, lam):
    """Coupled halves: the same w to the right and to the left, and m beside m u. Returns (R, P)."""
    w, m, u = parts(eps, 3)
    return halves_apart(w, w, m, m * u, f, q, lam)


def measure_valued_apart(eps, f, q, lam):
    """Independent halves. Returns (R, P)."""
    w, v, m, n = parts(eps, 4)
    return halves_apart(w, v, m, n, f, q, lam)


def halves_apart(w, v, m, n, f, q, lam):
    """The estimate from draws to the right w, to the left v, wide m and standard normal n, each (R, S) or (R, S, D).

    A coordinate that is not the gradient's own keeps its normal draw, the same in both halves: 3 D + 1 evaluations of f for 2 D gradients.
    """
    require_normal(q)
    at, D = values_at(f, q, lam), len(lam) // 2
    own = np.eye(D, dtype=bool)

    def moved(d, t):
        return at(np.where(own[d], t, n)) if n.ndim == 3 else at(t)

    straight = at(n)
    means = [c * (moved(d, w) - moved(d, -v)) for d, c in enumerate(steepness(lam))]
    spreads = [moved(d, m) - straight for d in range(D)]
    itself = gradient_of_each(lambda z, lam: f(z, lam) + 0. * q.log_prob(z, lam), q.transport(n, lam), lam)      # zero for an f of z alone
    return np.mean(np.stack(means + spreads, axis=-1) + itself, axis=-2)


def steepness(lam):
    """1 / (sigma sqrt(2 pi)) of each coordinate, the constant of the gradient in the mean; in log sigma it is one."""
    return np.exp(-lam[len(lam) // 2:]) / np.sqrt(2 * np.pi)


def values_at(f, q, lam):
    return lambda t: f(q.transport(t, lam), lam)


def parts(eps, number):
    if np.shape(eps)[-1] != number:
        raise ValueError(f"eps has shape {np.shape(eps)}, expected (R, S, {number}) or (R, S, D, {number}): take its draws from weak_noise(coupled={number == 3})")
    return [eps[..., i] for i in range(number)]


def require_normal(q):
    if q.log_prob not in (normal.log_prob, diagonal_normal.log_prob):
        raise ValueError(f"the weak derivative of {getattr(q.log_prob, '__name__', q.log_prob)} is not known here, only that of normal and diagonal_normal: "
                         "use the score-function gradient")


# ---- their noise

def weak_noise(D=None, coupled=True):
    """The Noise of measure_valued, or, not coupled, of measure_valued_apart; D of diagonal_normal, None for normal."""
    shape, axes = () if D is None else (D,), 3 if coupled else 4

    def draw(rng, R, S):
        size = (R, S) + shape

        def w():
            return np.sqrt(2 * rng.standard_exponential(size))

        m = np.sqrt(2 * rng.standard_gamma(1.5, size)) * (2. * rng.integers(2, size=size) - 1)
        return np.stack([w(), m, rng.random(size)] if coupled else [w(), w(), m, rng.standard_normal(size)], axis=-1)

    def rule(S, order):
        copies = S * (D or 1)
        most = min(NODES, POINTS**(1 / (axes * copies)))
        if most < 3:        # its second order needs fewer, and one node is no rule
            return None
        n = max(2, int(most * min(1., order / 64)))
        fine = [rayleigh(), two_sided_maxwell(), legendre(FINE)] if coupled else [rayleigh(), rayleigh(), two_sided_maxwell(), standard_normal()]
        rules = [gauss(*measure, n) for measure in fine] * copies
        eps = np.stack(np.meshgrid(*[z for z, _ in rules], indexing="ij"), axis=-1).reshape((-1, S) + shape + (axes,))
        return eps, np.prod(np.stack(np.meshgrid(*[w for _, w in rules], indexing="ij")), axis=0).ravel()

    return Noise(draw, rule)


@lru_cache
def legendre(n):
    """Gauss-Legendre nodes and weights on (0, 1)."""
    t, p = leggauss(n)
    return (t + 1) / 2, p / 2


def rayleigh(n=FINE):
    """Nodes and weights of the density w exp(-w^2 / 2) on w > 0."""
    t, p = legendre(n)
    w = FURTHEST * t
    return w, FURTHEST * p * w * np.exp(-0.5 * w**2)


def two_sided_maxwell(n=FINE):
    """Nodes and weights of the density m^2 exp(-m^2 / 2) / sqrt(2 pi)."""
    m, p = standard_normal(n)
    return m, p * m**2


def standard_normal(n=FINE):
    t, h = trapezoid(n)
    return t, h * np.exp(-0.5 * t**2) / np.sqrt(2 * np.pi)


def gauss(nodes, weights, n):
    """The Gauss rule of n nodes for a measure given on many: Stieltjes' recurrence, then the eigenvalues of Golub and Welsch."""
    before, now, diagonal, off = 0., np.full(len(nodes), np.sum(weights)**-0.5), [], [0.]
    for _ in range(n):
        diagonal.append(weights @ (nodes * now**2))
        after = (nodes - diagonal[-1]) * now - off[-1] * before
        off.append((weights @ after**2)**0.5)
        before, now = now, after / off[-1]
    z, vectors = eigh_tridiagonal(diagonal, off[1:-1])
    return z, np.sum(weights) * vectors[0]**2


# ---- their variances by quadrature, for an f of z alone under the normal

def variance_of_halves(f, q, lam, S):
    """Variance (2,) of measure_valued: an integral over w, and one over m and u."""
    at = values_at(f, q, lam)
    (w, p), (m, wide), (u, flat) = rayleigh(), two_sided_maxwell(), legendre(FINE)
    mean = spread(p, steepness(lam) * (at(w) - at(-w))[:, None])
    log_sd = spread(np.outer(wide, flat).ravel(), (at(m)[:, None] - at(np.outer(m, u))).reshape(-1, 1))
    return np.concatenate([mean, log_sd]) / S


def variance_of_halves_apart(f, q, lam, S):
    """Variance (2,) of measure_valued_apart: those of the halves add up."""
    at = values_at(f, q, lam)
    (w, p), (m, wide), (n, base) = rayleigh(), two_sided_maxwell(), standard_normal()
    right, left, outer, inner = (spread(density, at(t)[:, None])[0] for density, t in ((p, w), (p, -w), (wide, m), (base, n)))
    return np.array([steepness(lam)[0]**2 * (right + left), outer + inner]) / S


def measure_valued_through_rule(f, q, lam, base, S):
    """The estimator itself, fed the nodes of its noise."""
    return exact_variance(measure_valued, f, q, lam, base, S)


def apart_through_rule(f, q, lam, base, S):
    """The estimator itself, fed the nodes of its noise."""
    return exact_variance(measure_valued_apart, f, q, lam, base, S)

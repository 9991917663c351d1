"""The slide's table of one-line transformations, put right.

Shapes: u and eps (..., S) or, where two numbers make one draw, (..., S, 2); lam (..., P) as the family of the same name
has it. PML, "Reparametrizable Distributions", a table of Shakir Mohamed's (2015), Machine learning trick of the day 4.
"""
import autograd.numpy as np

from refvi.base.core import POINTS, Noise
from refvi.base.families.lam import pair

EDGE = 33.              # a rule ends where exp(-EDGE) of a half is left


# ---- uniform noise

def uniform_noise(D=None, low=0.):
    """S draws of one number, or of D numbers, uniform from low to low + 1: a Noise.

    Its rule takes each half by itself, since formulas may have a kink or a pole in the middle, and crowds towards both
    ends of a half, where they have logarithms: u = expit(pi sinh t) / 2.
    """
    shape = () if D is None else (D,)

    def draw(rng, R, S):
        return 1 + low - rng.random((R, S, *shape))         # never low itself: it would ask for the logarithm of zero

    def rule(S, order):
        numbers = S * (D or 1)
        if (2 * order)**numbers > POINTS:
            return None
        end = np.arcsinh(EDGE / np.pi)
        t = 2 * end / order * (np.arange(order) - (order - 1) / 2)
        half = 0.5 / (1 + np.exp(-np.pi * np.sinh(t)))
        w = 2 * end / order * np.pi * np.cosh(t) * half * (1 - 2 * half)
        u, w = np.concatenate([half, 1 - half]), np.concatenate([w, w])
        index = np.indices((len(u),) * numbers).reshape(numbers, -1).T
        return low + u[index].reshape(-1, S, *shape), np.prod(w[index], axis=-1)

    return Noise(draw, rule)


# ---- one formula each

def exponential_line(u, lam):
    """log(1 / u) over the rate."""
    return -np.log(u) * np.exp(-lam[..., 0])


def cauchy_line(u, lam):
    """mu + gamma tan(pi u)."""
    mu, log_gamma = pair(lam)
    return mu + np.exp(log_gamma) * np.tan(np.pi * u)


def laplace_ratio(u, lam):
    """mu + b log(u_1 / u_2): the difference of two exponential draws."""
    mu, log_b = pair(lam)
    return mu + np.exp(log_b) * (np.log(u[..., 0]) - np.log(u[..., 1]))


def laplace_line(eps, lam):
    """mu - b sgn(eps) log(1 - 2 |eps|), for eps uniform from -1/2 to 1/2."""
    mu, log_b = pair(lam)
    return mu - np.exp(log_b) * np.sign(eps) * np.log(1 - 2 * np.abs(eps))


def box_muller(u):
    """Two independent standard normal draws from two uniform ones: a radius and an angle. Returns (..., S, 2)."""
    radius, angle = np.sqrt(-2 * np.log(u[..., 0])), 2 * np.pi * u[..., 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def normal_line(u, lam):
    """mu + sigma times the first of Box and Muller's two draws."""
    mu, log_sigma = pair(lam)
    return mu + np.exp(log_sigma) * box_muller(u)[..., 0]


def rademacher_line(u, p):
    """1 with probability p, else -1: the slide's 2 eps - 1 with eps = [u < p]."""
    return 2. * (u < p) - 1


def log_normal_line(eps, lam):
    """exp(mu + sigma eps), for eps standard normal."""
    mu, log_sigma = pair(lam)
    return np.exp(mu + np.exp(log_sigma) * eps)


def inverse_gamma_line(eps, lam):
    """theta / eps, for eps a gamma draw of the target's shape and rate one; lam = (log shape, log theta)."""
    return np.exp(lam[..., 1]) / eps


# ---- what their moments show

def mean_under(noise, f):
    """The expectation of f(eps) (n, ...) over one draw of a noise, by its rule."""
    points, mass = noise.rule(1, order=64)
    return mass @ f(points[:, 0])


def finite_and_below(noise, lam):
    """Which share of a noise laplace_line can take, and which share it carries to mu or below. Returns (2,)."""
    def shares(eps):
        with np.errstate(invalid="ignore"):
            z = laplace_line(eps, lam)
        return np.stack([np.isfinite(z), z <= lam[0]], axis=-1)
    return mean_under(noise, shares)


def moments_of_box_muller(base):
    """First, second and fourth moment of Box and Muller's draws, and that of both squares. Returns (4,)."""
    return mean_under(base, lambda u: moments_of_pair(box_muller(u)))


def moments_of_pair(z):
    """z, z^2 and z^4, averaged over a pair z (..., 2) of draws, and the product of their squares. Returns (..., 4)."""
    return np.stack([*(np.mean(z**k, axis=-1) for k in (1, 2, 4)), np.prod(z**2, axis=-1)], axis=-1)


def inverse_powers(q, lam, base):
    """E[1/z] and E[1/z^2] over the noise base. Returns (2,)."""
    return mean_under(base, lambda eps: np.stack([q.transport(eps, lam)**-k for k in (1, 2)], axis=-1))


# ---- a normal with any covariance

def factor_times_transpose(q, lam, D):
    """R R^T, R read off the transport: column j is where the unit vector e_j is carried, less where zero is. (D, D)"""
    R = (q.transport(np.eye(D), lam) - q.transport(np.zeros(D), lam)).T
    return R @ R.T


def average_of_squares(eps, q, lam, D):
    """The average of (z - mu)(z - mu)^T over S draws z = mu + R eps. Returns (R, D, D)."""
    away = q.transport(eps, lam) - lam[:D]
    return np.mean(away[..., :, None] * away[..., None, :], axis=1)

"""The slide's table of one-line transformations, put right, and beside each what the slide has.

Shapes: u and eps (..., S) or, where two numbers make one draw, (..., S, 2); lam (..., P) as the family of the same name has it. PML,
"Reparametrizable Distributions", a table of Shakir Mohamed's (2015), Machine learning trick of the day (4): Reparameterisation tricks.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import Noise
from refvi.base.families.gammas import gamma
from refvi.base.families.gaussian import normal
from refvi.base.families.lam import pair

EDGE = 33.              # a rule ends where exp(-EDGE) of a half is left


# ---- uniform noise

def uniform_noise(D=None, low=0.):
    """S draws of one number, or of D, uniform from low to low + 1. The rule takes each half by itself, since formulas may have a kink or a pole
    in the middle, and crowds towards both ends of a half, where they have logarithms: u = expit(pi sinh t) / 2."""
    def draw(rng, R, S):
        return 1 + low - rng.random((R, S) if D is None else (R, S, D))         # never low itself: it would ask for the logarithm of zero

    def rule(S, order):
        if S > 1:
            return None
        end = np.arcsinh(EDGE / np.pi)
        t = 2 * end / order * (np.arange(order) - (order - 1) / 2)
        half = 0.5 / (1 + np.exp(-np.pi * np.sinh(t)))
        w = 2 * end / order * np.pi * np.cosh(t) * half * (1 - 2 * half)
        u, w = np.concatenate([half, 1 - half]), np.concatenate([w, w])
        if D is None:
            return low + u[:, None], w
        index = np.indices((len(u),) * D).reshape(D, -1).T
        return low + u[index][:, None, :], np.prod(w[index], axis=-1)

    return Noise(draw, rule)


# ---- one formula each

def exponential_line(u, lam):
    """log(1 / u) over the rate."""
    return -np.log(u) * np.exp(-lam[..., 0])


def cauchy_line(u, lam):
    """tan(pi u), moved and stretched."""
    mu, log_gamma = pair(lam)
    return mu + np.exp(log_gamma) * np.tan(np.pi * u)


def laplace_ratio(u, lam):
    """log(u_1 / u_2), moved and stretched: the difference of two exponential draws."""
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
    """The first of Box and Muller's two, moved and stretched."""
    mu, log_sigma = pair(lam)
    return mu + np.exp(log_sigma) * np.sqrt(-2 * np.log(u[..., 0])) * np.cos(2 * np.pi * u[..., 1])


def rademacher_line(u, p):
    """1 with probability p, else -1: the slide's 2 eps - 1 with eps = [u < p]."""
    return 2. * (u < p) - 1


def log_normal_line(eps, lam):
    """exp(mu + sigma eps), for eps standard normal."""
    mu, log_sigma = pair(lam)
    return np.exp(mu + np.exp(log_sigma) * eps)


def inverse_gamma_line(eps, lam):
    """theta / eps, for eps a gamma draw of the same shape and rate one."""
    return np.exp(lam[..., 1]) / eps


# ---- what the slide has, where it is not that

def mean_under(noise, f):
    """The expectation of f(eps) (n, ...) by the rule of a noise."""
    points, mass = noise.rule(1, 64)
    return mass @ f(points[:, 0])


def two_sides(density, mu, b):
    """The integral of a density that has a kink at mu, by the uniform rule: x = mu -+ b log u."""
    return mean_under(uniform_noise(), lambda u: b / u * (density(mu + b * np.log(u)) + density(mu - b * np.log(u))))


def integral_of_laplace(mu, b):
    """The density exp(-|x - mu| / b) / (2 b) over the line: a number."""
    return two_sides(lambda x: np.exp(-np.abs(x - mu) / b) / (2 * b), mu, b)


def half_forgotten(mu, b):
    """The slide's L(0; 1) = exp(-|x|), moved and stretched: without the factor 1/2."""
    return two_sides(lambda x: np.exp(-np.abs(x - mu) / b) / b, mu, b)


def defined_and_below(eps):
    """Whether the Laplace formula has a value, and whether that is at most mu: eps has to be at most 0. Returns (n, 2)."""
    defined = np.abs(eps) < 0.5
    return np.stack([defined, defined & (np.sign(eps) * np.log(1 - 2 * np.where(defined, np.abs(eps), 0.)) >= 0) & (eps <= 0)], axis=-1)


def noise_around_zero():
    """Mass that has a value, and that lies at most at mu, with eps uniform from -1/2 to 1/2. Returns (2,)."""
    return mean_under(uniform_noise(low=-0.5), defined_and_below)


def noise_from_zero_to_one():
    """The same with the slide's eps, uniform from 0 to 1. Returns (2,)."""
    return mean_under(uniform_noise(), defined_and_below)


def powers(z):
    """z^2 and z^4, on a last axis of their own."""
    return np.stack([z**2, z**4], axis=-1)


def moments_of_box_muller():
    """Second and fourth moment of sqrt(2 log(1 / u_1)) cos(2 pi u_2). Returns (2,)."""
    return mean_under(uniform_noise(2), lambda u: powers(box_muller(u)[..., 0]))


def average_of_box_muller(eps):
    """The same from S draws. Returns (R, 2)."""
    return np.mean(powers(box_muller(eps)[..., 0]), axis=1)


def two_forgotten():
    """The same with the slide's sqrt(log(1 / u_1)) cos(2 pi u_2). Returns (2,)."""
    return mean_under(uniform_noise(2), lambda u: powers(np.sqrt(-np.log(u[..., 0])) * np.cos(2 * np.pi * u[..., 1])))


def difference_through_step(f, p):
    """The derivative of f(rademacher_line(u, p)) in p with u held fixed, averaged: the step stands still almost everywhere. A number."""
    h = 1e-12
    return mean_under(uniform_noise(), lambda u: (f(rademacher_line(u, p + h)) - f(rademacher_line(u, p - h))) / (2 * h))


# ---- a normal with any covariance

def factor_times_transpose(q, lam, D):
    """R R^T, R read off the transport: column j is where the unit vector e_j is carried, less where zero is. Returns (D, D)."""
    R = (q.transport(np.eye(D), lam) - q.transport(np.zeros(D), lam)).T
    return R @ R.T


def transpose_times_factor(q, lam, D):
    """R^T R, the covariance of mu + R^T eps. Returns (D, D)."""
    R = (q.transport(np.eye(D), lam) - q.transport(np.zeros(D), lam)).T
    return R.T @ R


def average_of_squares(eps, q, lam, D):
    """The average of (z - mu)(z - mu)^T over S draws z = mu + R eps. Returns (R, D, D)."""
    away = q.transport(eps, lam) - lam[:D]
    return np.mean(away[..., :, None] * away[..., None, :], axis=1)


# ---- noise that knows the parameters

def gradient_with_fixed_draws(f, lam, own_noise):
    """The slide's log-normal draws eps ~ N(mu, sigma^2) and takes exp(eps): held fixed, that draw leaves no parameter to differentiate. Returns (P,)."""
    points, mass = own_noise.rule(1, 64)
    return grad(lambda lam: mass @ f(np.exp(points) + 0. * lam[0], lam)[:, 0])(lam)


def moments_of_log(q, lam, base):
    """Mean and variance of log z over the noise. Returns (2,)."""
    points, mass = base.rule(1, 64)
    log_z = np.log(q.transport(points[:, 0], lam))
    mean = mass @ log_z
    return np.array([mean, mass @ (log_z - mean)**2])


def sd_for_variance(lam):
    """The same where the sd sigma of ln N(mu; sigma) is put for the variance in N(mu; sigma^2): the slide's two second arguments differ. Returns (2,)."""
    mu, log_sigma = pair(lam)
    z, w = normal.nodes(np.array([mu, log_sigma / 2]))
    density = w * np.exp(normal.log_prob(z, np.array([mu, log_sigma / 2])))
    return np.array([density @ z, density @ (z - density @ z)**2])


def inverse_powers(q, lam, base):
    """E[1/z] and E[1/z^2] over the noise. Returns (2,)."""
    points, mass = base.rule(1, 64)
    z = q.transport(points[:, 0], lam)
    return np.array([mass @ z**-1, mass @ z**-2])


def rate_for_scale(lam):
    """The same of 1/eps where the slide's eps ~ G(k; theta^-1) is read with a rate, as everywhere else in its deck. Returns (2,)."""
    eps, w = gamma.nodes(lam * np.array([1, -1]))
    density = w * np.exp(gamma.log_prob(eps, lam * np.array([1, -1])))
    return np.array([density @ eps, density @ eps**2])

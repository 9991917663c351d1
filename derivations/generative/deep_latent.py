"""Companion of deep_latent.md.

Its rows, its stages and its referees, which have a decoder, a grid and a closed form of their own.
"""
from typing import Callable, NamedTuple

import numpy as np
from scipy import optimize, stats
from scipy.spatial.distance import euclidean

from referees import bell, by_differences, complex_step
from refvi import Estimate, Noise
from refvi.generative.amortization.model import log_likelihood, standard_nodes, standard_noise
from refvi.generative.deep_latent import amortized, local
from refvi.generative.deep_latent.balance import (after_langevin, after_two_moves,      # noqa: F401
                                                  draws_after_langevin, flow_back, flow_there, under_posterior)
from refvi.generative.deep_latent.linear import normal_marginal, posterior_of_linear_decoder      # noqa: F401
from refvi.generative.deep_latent.mcmc import log_joint_and_slope, log_proposal
from refvi.generative.deep_latent.model import posterior_nodes
from refvi.generative.deep_latent.rows import (after_e_step, after_m_step, after_next_e_step,      # noqa: F401
                                               average_bound, average_over_outcomes, bound_of_new_datum_after_a_pass,
                                               bound_of_new_datum_at_its_top, divergence_at_the_top,
                                               evidence_at_new_theta, evidence_less_bound, gradient_by_draws,
                                               gradient_in_theta, gradient_of_average, gradient_of_own_bound,
                                               gradient_under_posteriors, gradient_under_q_and_gap, log_of_integral,
                                               means_apart, score_of_linear_decoder, top_of_every_bound, total_mass)
from refvi.likelihood.heads import Network, bernoulli, normal
from refvi.likelihood.networks import Activation, tanh

T, H = np.linspace(-9, 9, 601), 18 / 600      # a plain grid, in standard deviations
BOX = (-9, 9), (-9, 2)                        # of the mean and the log standard deviation of any q that is looked for


# ---- slips

def through_the_mean(x, theta, decoder):
    """One pass with z at its prior mean instead of an integral over all z."""
    return log_likelihood(np.zeros(decoder.sizes[0]), x, theta, decoder)


def flow_without_proposal_term(at, to, x, theta, decoder, size, log_density):
    """Accepted by the densities alone, as if proposals there and back were equally likely."""
    (value, slope), (other, _) = (log_joint_and_slope(z[:, None, :], x, theta, decoder) for z in (at, to))
    k = np.exp(log_proposal(to, at, slope[:, 0], size)) / (size * np.sqrt(2 * np.pi))
    return np.exp(log_density[0]) * k * np.minimum(1., np.exp(other - value)[:, 0])


def never_rejected(f, x, theta, decoder, size):
    """Every proposal of Langevin's is taken: by a product of two rules."""
    z, masses, _ = posterior_nodes(x, theta, decoder)
    e, w = standard_nodes(1)
    _, slope = log_joint_and_slope(z[:, None, :], x, theta, decoder)
    to = z + 0.5 * size**2 * slope[:, 0, :] + size * e[:, 0]
    return np.einsum("k,t,ktf->f", masses[:, 0], w, f(to[..., None]))


# ---- a decoder, its marginal and its bounds by plain sums

def image(z, theta, sizes):
    """The network of the page: tanh between the layers. z (..., D) -> (..., n)."""
    start = 0
    for level, (m, n) in enumerate(zip(sizes, sizes[1:])):
        W, b = theta[start:start + m * n].reshape(m, n), theta[start + m * n:start + m * n + n]
        z, start = (np.tanh(z) if level else z) @ W + b, start + (m + 1) * n
    return z


def given(x, z, theta, decoder):
    """log p(x_n | z): z (K, N, D) or (K, 1, D) -> (K, N)."""
    if decoder.observed.binary:
        p = 1 / (1 + np.exp(-image(z, theta, decoder.sizes)))
        return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)
    return np.sum(bell(x, image(z, theta[:-1], decoder.sizes), np.exp(theta[-1])), axis=-1)


def log_density(x, theta, decoder):
    """log p(x_n) (N,) on the plain grid."""
    return np.log(H * stats.norm.pdf(T) @ np.exp(given(x, T[:, None, None], theta, decoder)))


def bounds_on_a_grid(x, lam, theta, decoder):
    """ELBO_n (N,) on the plain grid of every q_n."""
    mu, log_sd = lam[:, 0], lam[:, 1]
    z = mu + np.exp(log_sd) * T[:, None]
    log_ratio = bell(z) - bell(T[:, None]) + log_sd            # of prior and q
    return H * stats.norm.pdf(T) @ (given(x, z[:, :, None], theta, decoder) + log_ratio)


def average_log_evidence(x, theta, decoder):
    """On the plain grid."""
    return np.mean(log_density(x, theta, decoder))


def bound_at_the_start(x, lam, theta, decoder):
    """The average bound on the plain grid."""
    return np.mean(bounds_on_a_grid(x, lam, theta, decoder))


def divergence_by_hand(x, lam, theta, decoder):
    """KL(q_n || p(z | x_n)) (N,) on the plain grid: the mean of the log ratio of two densities."""
    mu, sd = lam[:, 0], np.exp(lam[:, 1])
    z = mu + sd * T[:, None]
    posterior = given(x, z[:, :, None], theta, decoder) + stats.norm.logpdf(z) - log_density(x, theta, decoder)
    return H * stats.norm.pdf(T) @ (stats.norm.logpdf(z, mu, sd) - posterior)


def differences(function, at):
    """The gradient of a number in an array of any shape."""
    found = by_differences(lambda v: function(v.reshape(at.shape)), at.ravel())
    return Estimate(found.value.reshape(at.shape), found.error.reshape(at.shape))


def tops(x, theta, decoder, starts):
    """lam (N, 2) of the highest bound of every datum that SciPy's ascents reach from these starts, each (N, 2): where
    its slope is zero."""
    found = []
    for n in range(len(x)):
        def below(lam):
            return -bounds_on_a_grid(x[n:n + 1], lam[None], theta, decoder)[0]

        def slope(lam):
            return complex_step(below, lam)
        ends = [optimize.minimize(below, start[n], jac=slope, method="L-BFGS-B", bounds=BOX, options=dict(gtol=1e-9))
                for start in starts]
        found.append(optimize.root(slope, min(ends, key=lambda end: end.fun).x, tol=1e-13).x)
    return np.array(found)


def starts(N):
    """Three places to ascend from, (N, 2) each."""
    return [np.tile([place, np.log(0.3)], (N, 1)) for place in (-1.2, 0., 1.2)]


def average_at_tops(x, lam, theta, decoder):
    """The average bound where ascents from lam end."""
    return np.mean(bounds_on_a_grid(x, tops(x, theta, decoder, [lam]), theta, decoder))


def divergence_at_tops(x, lam, theta, decoder):
    """KL(q_n || p(z | x_n)) (N,) there."""
    lam = tops(x, theta, decoder, [lam])
    return log_density(x, theta, decoder) - bounds_on_a_grid(x, lam, theta, decoder)


def after_a_step(x, lam, theta, decoder, rate):
    """lam at the tops, and theta one step along the gradient of the average bound there, by complex steps."""
    lam = tops(x, theta, decoder, [lam])
    slope = complex_step(lambda theta: np.mean(bounds_on_a_grid(x, lam, theta, decoder)), theta)
    return lam, theta + rate * slope


def m_step_by_complex_steps(x, lam, theta, decoder, rate):
    lam, theta = after_a_step(x, lam, theta, decoder, rate)
    return np.mean(bounds_on_a_grid(x, lam, theta, decoder))


def tops_at_new_theta(x, lam, theta, decoder, rate):
    lam, theta = after_a_step(x, lam, theta, decoder, rate)
    return np.mean(bounds_on_a_grid(x, tops(x, theta, decoder, [lam]), theta, decoder))


def evidence_by_hand(x, lam, theta, decoder, rate):
    return np.mean(log_density(x, after_a_step(x, lam, theta, decoder, rate)[1], decoder))


def slope_in_lam(x, lam, theta, decoder):
    return differences(lambda lam: bound_at_the_start(x, lam, theta, decoder), lam)


def slope_in_theta(x, lam, theta, decoder):
    return differences(lambda theta: bound_at_the_start(x, lam, theta, decoder), theta)


def slope_of_evidence(x, theta, decoder):
    return differences(lambda theta: average_log_evidence(x, theta, decoder), theta)


# ---- stages with an exact marginal

def jitter(rng, values, by=0.06):
    return np.asarray(values, float) + rng.uniform(-by, by, np.shape(values))


# a line z laid into the plane, with a bend
BEND = np.concatenate([[1.1, 0.7, -1.2], [-0.8, 0.2, -0.7], [1.1, -0.7, 0.4, 1.1, 0.9, 0.8], [0.3, -0.2]])


def bend(rng):
    """(theta, decoder) of a tanh decoder 1-3-2."""
    return np.append(jitter(rng, BEND), rng.uniform(-1.0, -0.8)), Network((1, 3, 2), normal)


def stage_bend(rng):
    """Two data near the curve, and q of both off their posteriors: no rule of two draws fits, see stage_one_datum.

    The bound of each has one top: where there are two, an ascent's own steps may decide at which it ends.
    """
    while True:
        theta, decoder = bend(rng)
        at = jitter(rng, [-1.1, 1.3])
        x = image(at[:, None], theta[:-1], decoder.sizes) + jitter(rng, [[0.25, -0.2], [-0.2, 0.3]])
        lam = np.column_stack([at + jitter(rng, [0.6, -0.6], 0.1), np.log(rng.uniform(0.5, 0.7, 2))])
        ends = [tops(x, theta, decoder, [start]) for start in (lam, *starts(len(x)))]
        if np.max(np.ptp(ends, axis=0)) < 1e-6:
            break
    return dict(x=x, theta=theta, decoder=decoder, lam=lam, S=1, noise=standard_noise(2, 1), rate=0.05,
                log_density_of_the_data=lambda: log_density(x, theta, decoder),
                density_at_zero=lambda: given(x, np.zeros((1, 1, 1)), theta, decoder)[0])


def stage_one_datum(rng):
    """The first of those data alone: few enough for a rule of two draws."""
    stage = stage_bend(rng)
    return dict(x=stage["x"][:1], lam=stage["lam"][:1], theta=stage["theta"], decoder=stage["decoder"], S=2,
                noise=standard_noise(1, 1))


def stage_pixels(rng):
    """Two images of four pixels; S = 1 as above."""
    theta = jitter(rng, [0.9, -1.2, 1.4, 0.5, -0.3, -0.6, 2.1, -1.4, 0.6, 1.3, 0.7, 1.5, -1.8, 0.4, -1.1, 0.8, 1.2,
                         -1.6, 0.3, -0.2, 0.5, -0.4])
    decoder = Network((1, 3, 4), bernoulli)
    x = np.array([[1., 0, 1, 1], [0., 1, 0, 1]])
    lam = np.column_stack([jitter(rng, [0.9, 0.9], 0.1), np.log(rng.uniform(0.4, 0.6, 2))])
    return dict(x=x, theta=theta, decoder=decoder, lam=lam, S=1, noise=standard_noise(2, 1), rate=0.05,
                log_density_of_the_data=lambda: log_density(x, theta, decoder),
                density_at_zero=lambda: given(x, np.zeros((1, 1, 1)), theta, decoder)[0])


def stage_images(rng):
    """All sixteen images."""
    stage = stage_pixels(rng)
    return dict(outcomes=np.array(list(np.ndindex(2, 2, 2, 2)), float), widths=np.ones(16), theta=stage["theta"],
                decoder=stage["decoder"])


def stage_plane_of_outcomes(rng):
    """A grid over all that the bend can generate."""
    theta, decoder = bend(rng)
    t = np.arange(-5.2, 5.6, 0.25)
    z = np.linspace(-8, 8, 801)[:, None, None]
    outcomes = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2)

    def negative_entropy():
        """A grid of SciPy's densities of its own, half as wide."""
        s = np.arange(-5.2, 5.5, 0.2)
        curve = image(z[:, 0], theta[:-1], decoder.sizes)
        first, second = (stats.norm.pdf(s, curve[:, [k]], np.exp(theta[-1])) for k in (0, 1))       # (nodes, grid)
        p = (0.02 * stats.norm.pdf(z[:, 0]) * first).T @ second
        return 0.2**2 * np.sum(p * np.log(p))

    def determinant_formula():
        """-1/2 log det(2 pi e C), C the covariance of x: that of the curve under the prior, and the noise's."""
        w, curve = 0.02 * stats.norm.pdf(z[:, 0, 0]), image(z[:, 0], theta[:-1], decoder.sizes)
        C = curve.T @ (w[:, None] * (curve - w @ curve)) + np.exp(2 * theta[-1]) * np.eye(2)
        return -0.5 * np.linalg.slogdet(2 * np.pi * np.e * C)[1]

    return dict(outcomes=outcomes, widths=np.full(len(outcomes), 0.25**2), theta=theta, decoder=decoder,
                negative_entropy=negative_entropy,
                determinant_formula=determinant_formula)


def one(outcomes):
    return 1.


# ---- a linear decoder

def stage_linear(rng):
    """x = z W + b + noise in three dimensions, one latent number."""
    W, sd = jitter(rng, [1.3, -0.8, 0.6], 0.15), rng.uniform(0.5, 0.7)
    away = jitter(rng, [[.4, -.3, .5], [-.6, .2, .3], [.3, .6, -.5], [-.2, -.4, -.3]], 0.1)
    x, b = np.outer(jitter(rng, [-1.4, 1.1, 0.3, -0.6], 0.2), W) + away, jitter(rng, [0.3, -0.2, 0.4])
    theta, C = np.concatenate([W, b, [np.log(sd)]]), np.outer(W, W) + sd**2 * np.eye(3)

    def conditional_of_a_normal():
        """By blocks of the joint covariance of z and x."""
        to_mean = np.linalg.solve(C, W)
        return np.column_stack([(x - b) @ to_mean, np.full(len(x), 0.5 * np.log(1 - W @ to_mean))])

    return dict(x=x, theta=theta, decoder=Network((1, 3), normal), conditional_of_a_normal=conditional_of_a_normal,
                density_of_a_normal=lambda: stats.multivariate_normal.logpdf(x, b, C))


def stage_plane(rng):
    """Two latent numbers, a linear decoder into three dimensions."""
    W, b = jitter(rng, [[1.1, -0.4, 0.7], [0.3, 0.9, -0.6]], 0.15), jitter(rng, [0.4, -0.3, 0.2])
    log_sd = rng.uniform(-0.6, -0.4)
    x, C = jitter(rng, [[0.9, -0.5, 1.1], [-0.4, 1.0, -0.8]], 0.15), W.T @ W + np.exp(2 * log_sd) * np.eye(3)
    return dict(x=x, theta=np.concatenate([W.ravel(), b, [log_sd]]), decoder=Network((2, 3), normal),
                density_of_a_normal=lambda: stats.multivariate_normal.logpdf(x, b, C))


# ---- one step of a Markov chain

class Posterior(NamedTuple):
    """p(z | x) of one datum by the bend: its log density and slope, by hand, and its moments."""
    log_density: Callable
    slope: Callable
    mean: float
    sd: float


def posterior_by_hand(x, theta, decoder):
    W1, b1, W2, variance = theta[:3], theta[3:6], theta[6:12].reshape(3, 2), np.exp(2 * theta[-1])

    def log_joint(z):
        return stats.norm.logpdf(z) + given(x, z[:, None, None], theta, decoder)[:, 0]

    def slope(z):
        h = np.tanh(z[:, None] * W1 + b1)
        return np.sum((x[0] - image(z[:, None], theta[:-1], decoder.sizes)) * ((W1 * (1 - h**2)) @ W2),
                      axis=1) / variance - z

    log_evidence = np.log(H * np.sum(np.exp(log_joint(T))))
    mass = H * np.exp(log_joint(T) - log_evidence)
    mean = mass @ T
    return Posterior(lambda z: log_joint(z) - log_evidence, slope, mean, np.sqrt(mass @ (T - mean)**2))


def stage_langevin(rng):
    """One datum by the bend, steps somewhat wider than its posterior."""
    theta, decoder = bend(rng)
    x = image(jitter(rng, [[0.1]]), theta[:-1], decoder.sizes) + jitter(rng, [[0.15, -0.1]], 0.05)
    p = posterior_by_hand(x, theta, decoder)
    size = rng.uniform(1.1, 1.3) * p.sd
    z = np.linspace(-9, 9, 40_001)
    cdf = np.cumsum(np.exp(p.log_density(z)))
    cdf = (cdf - 0.5 * np.exp(p.log_density(z))) / cdf[-1]

    def draw(rng, R, S):
        return np.stack([np.interp(rng.random((R, S)), cdf, z), rng.standard_normal((R, S)), rng.random((R, S))],
                        axis=-1)

    def rule(S, order):
        """Nodes for the state and for where the proposal leads, on one grid too fine for two draws.

        For u the middle of what is accepted, and of what is not.
        """
        if S > 1:
            return None
        t, spacing = np.linspace(-12, 12, 3 * order, retstep=True)
        log_density, centre = p.log_density(t), t + 0.5 * size**2 * p.slope(t)
        e = (t[None, :] - centre[:, None]) / size
        there = log_density[:, None] + stats.norm.logpdf(e)
        a = np.exp(np.clip(there.T - there, -300., 0.))
        mass, state = spacing**2 / size * np.exp(there), np.broadcast_to(t[:, None], a.shape)
        parts = (state, e, a / 2, mass * a), (state, e, (1 + a) / 2, mass * (1 - a))
        state, e, u, mass = (np.concatenate([part[i].ravel() for part in parts]) for i in range(4))
        return np.stack([state, e, u], axis=-1)[:, None, :], mass

    def f(z):
        return np.concatenate([z, z**4], axis=-1)

    def posterior_mean_of_f():
        mass = np.exp(p.log_density(T))
        return np.array([mass @ T, mass @ T**4]) * H

    def moments_of_proposals():
        """E[z'] and E[z'^4] of normal proposals, by their centres under the posterior."""
        mass, centre = H * np.exp(p.log_density(T)), T + 0.5 * size**2 * p.slope(T)
        return np.array([mass @ centre, mass @ (centre**4 + 6 * centre**2 * size**2 + 3 * size**4)])

    at, to = p.mean + p.sd * np.array([-0.2, 0.3, 1.5]), p.mean + p.sd * np.array([-1.5, 1.6, 0.2])

    def flow(start, end):
        return np.exp(p.log_density(start)) * stats.norm.pdf(end, start + 0.5 * size**2 * p.slope(start), size)

    def flow_by_densities():
        return flow(at, to) * np.minimum(1, np.exp(p.log_density(to) - p.log_density(at)))

    return dict(x=x, theta=theta, decoder=decoder, size=size, f=f, S=1, noise=Noise(draw, rule),
                before_langevin=posterior_mean_of_f,
                moments_of_proposals=moments_of_proposals, flow_by_densities=flow_by_densities,
                at=at[:, None], to=to[:, None],
                log_density=np.stack([p.log_density(at), p.log_density(to)]),
                smaller_of_two_flows=lambda: np.minimum(flow(at, to), flow(to, at)))


def stage_two_moves(rng):
    """Two latent numbers of a linear decoder, four states near their posterior's mean. Of what is not uphill half is
    accepted.
    """
    W, b = jitter(rng, [[0.9, -0.6, 0.4], [0.3, 0.8, -0.5]]), jitter(rng, [0.2, -0.3, 0.4])
    x, log_sd, size = jitter(rng, [[0.8, -0.9, 1.1]]), rng.uniform(-0.6, -0.4), rng.uniform(0.9, 1.)
    precision = np.exp(-2 * log_sd)

    def log_joint(z):
        return stats.norm.logpdf(x[0], z @ W + b, np.exp(log_sd)).sum() + stats.norm.logpdf(z).sum()

    def centre(z):
        return z + 0.5 * size**2 * (precision * (x[0] - z @ W - b) @ W.T - z)

    def flow(z, to):
        return log_joint(z) + stats.norm.logpdf(to, centre(z), size).sum()

    mean = np.linalg.solve(np.eye(2) + precision * W @ W.T, precision * W @ (x[0] - b))
    at = mean + rng.uniform(0.1, 0.4, (4, 2)) * [[1, 1], [1, -1], [-1, 1], [-1, -1]]
    e, u, ends = rng.uniform(0.5, 1.2, (2, 4, 2)) * rng.choice([-1, 1], (2, 4, 2)), np.empty((2, 4)), at.copy()
    for step, taken in enumerate([[True, True, False, False], [True, False, True, False]]):
        for k, accepts in enumerate(taken):
            to = centre(ends[k]) + size * e[step, k]
            a = np.exp(flow(to, ends[k]) - flow(ends[k], to))
            u[step, k] = 0.9 * min(a, 1.) if accepts else min(a + 0.1, 1.)       # of a > 1 nothing is rejected
            if u[step, k] < a:
                ends[k] = to
    rises = [log_joint(end) - log_joint(start) for start, end in zip(at, ends)]
    return dict(at=at, e=e, u=u, x=x, theta=np.concatenate([W.ravel(), b, [log_sd]]), size=size,
                decoder=Network((2, 3), normal), two_moves_by_hand=lambda: np.column_stack([ends, rises]))


# ---- new data, and data at a seam

def stage_new_datum(rng):
    """Six old data whose tops an encoder of one layer learns, and three new ones, x, the last between both arms of the
    bend."""
    theta, decoder = bend(rng)
    places = jitter(rng, [[-1.6], [-0.9], [-0.2], [0.4], [1.0], [1.7]], 0.1)
    old = image(places, theta[:-1], decoder.sizes) + rng.uniform(-0.25, 0.25, (6, 2))
    x = image(jitter(rng, [[-1.2], [1.3]], 0.1), theta[:-1], decoder.sizes) + rng.uniform(-0.2, 0.2, (2, 2))
    x = np.vstack([x, jitter(rng, [[1., 0.1]])])

    def top_by_scipy():
        return bounds_on_a_grid(x, tops(x, theta, decoder, starts(len(x))), theta, decoder)

    def pass_by_scipy():
        def with_one(data):
            return np.column_stack([data, np.ones(len(data))])

        learned = np.linalg.pinv(with_one(old)) @ tops(old, theta, decoder, starts(len(old)))
        return bounds_on_a_grid(x, with_one(x) @ learned, theta, decoder)

    return dict(x=x, old=old, theta=theta, decoder=decoder,
                evidence_of_new_datum=lambda: log_density(x, theta, decoder),
                top_by_scipy=top_by_scipy, pass_by_scipy=pass_by_scipy)


def stage_seam(rng):
    """A line laid into the plane as a ring that does not quite close, and a datum on each side of the seam."""
    decoder, k = Network((1, 4, 2), normal), rng.uniform(0.95, 1.05)
    theta = np.concatenate([np.full(4, k), [1.5 * k, 0., -1.5 * k, 0.], [1., -0.8, 0., 1.6, -1., -0.8, 0., 0.],
                            [-0.9, 0.], [rng.uniform(-1.8, -1.6)]])
    ends = image(np.array([[-2.1], [2.1]]), theta[:-1], (1, 4, 2))
    middle = np.mean(ends, axis=0)
    x = middle + 0.35 * (ends - middle)

    def distance_by_quadrature():
        p = stats.norm.pdf(T)[:, None] * np.exp(given(x, T[:, None, None], theta, decoder))
        return abs(np.subtract(*(T @ p / np.sum(p, axis=0))))

    return dict(x=x, theta=theta, decoder=decoder, distance_by_quadrature=distance_by_quadrature)


def three_times_the_distance(x):
    """Of the data."""
    return 3 * np.hypot(*(x[0] - x[1]))


def distance_tripled(x):
    return 3 * euclidean(*x)


# ---- what is counted

RATE, HIDDEN, WEIGHT = 0.01, 4, 0.3        # of an encoder whose passes are counted, whatever they do


def stage_count(rng):
    """Rounds and steps of a small fit."""
    theta, decoder = bend(rng)
    x = image(rng.uniform(-1, 1, (int(rng.integers(5, 9)), 1)), theta[:-1],
              decoder.sizes) + rng.uniform(-0.2, 0.2, (1, 2))
    return dict(x=x, theta=theta, decoder=decoder, rounds=int(rng.integers(2, 5)), inner=int(rng.integers(5, 8)))


def counting(seen):
    """A tanh that notes how many rows it gets."""
    def value(a):
        seen.append(len(a))
        return np.tanh(a)
    return Activation(value, tanh.slope)


def passes_on_paper(x, rounds, inner):
    """A round.

    Every datum takes its steps, one pass each, one before them and one for theta; the last E step has none for theta.
    """
    return len(x) * (rounds * (inner + 2) + inner + 1)


def passes_counted(x, theta, decoder, rounds, inner):
    """The rows that went through the decoder's hidden layer, over the nodes of the rule."""
    seen = []
    local.fit(x, theta, decoder._replace(g=counting(seen)), rounds, inner, RATE, order=5)
    return sum(seen) / 5


def passes_of_an_encoder(x, theta, decoder, rounds):
    """The rows that went through the encoder's hidden layer, and those through the decoder's, over the nodes of the
    rule."""
    inside, outside = [], []
    encoder = Network((2, HIDDEN, 2), g=counting(inside))
    phi = np.full(encoder.size, WEIGHT)
    amortized.fit(x, theta, phi, decoder._replace(g=counting(outside)), encoder, rounds, RATE, order=5)
    return sum(inside) + sum(outside) / 5


def two_a_round(x, rounds):
    """One of the encoder and one of the decoder a datum and round."""
    return 2 * len(x) * rounds

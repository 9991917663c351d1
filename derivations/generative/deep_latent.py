"""Companion of deep_latent.md: its rows, its stages and its referees, which have a decoder, a grid and a closed form of their own."""
from typing import Callable, NamedTuple

import numpy as np
from scipy import integrate, stats

from refvi import Estimate, Noise, diagonal_normal, noise
from refvi.generative.deep_latent import local      # noqa: F401
from refvi.generative.deep_latent.balance import (after_langevin, after_metropolis,      # noqa: F401
                                                  draws_after_langevin, draws_after_metropolis, flow_back, flow_there,
                                                  flow_without_proposal_term, never_rejected, proposal_term_forgotten,
                                                  under_posterior)
from refvi.generative.deep_latent.linear import (e_step_then_m_step, normal_marginal,      # noqa: F401
                                                 one_layer_encoder, posterior_of_linear_decoder, spread_of_posteriors)
from refvi.generative.deep_latent.model import Decoder
from refvi.generative.deep_latent.rows import (after_e_step, after_m_step, after_next_e_step,      # noqa: F401
                                               average_bound, average_of_observations, average_over_outcomes,
                                               bound_after_one_layer, bound_of_new_datum_after_a_pass,
                                               bound_of_new_datum_at_its_top, bounds_and_divergences,
                                               divergence_at_the_top, evidence_at_new_theta, evidence_less_bound,
                                               first_head, gradient_by_draws, gradient_in_theta,
                                               gradient_in_theta_by_autograd, gradient_in_theta_by_draws,
                                               gradient_of_average, gradient_of_own_bound, gradient_under_posteriors,
                                               gradient_under_q_and_gap, log_of_integral, means_apart,
                                               one_function_twice, parameters_of_all_data,
                                               reconstruction_less_divergence, score_of_linear_decoder, second_head,
                                               sum_of_images, through_the_mean, top_of_every_bound, total_mass,
                                               weights_of_encoder)
from refvi.likelihood.networks import Activation

T, H = np.linspace(-9, 9, 601), 18 / 600      # a plain grid, in standard deviations


# ---- a decoder, its marginal and its bounds by plain sums

def image(z, theta, sizes):
    """The network of the page: tanh between the layers. z (..., D) -> (..., n)."""
    start = 0
    for level, (m, n) in enumerate(zip(sizes, sizes[1:])):
        W, b = theta[start:start + m * n].reshape(m, n), theta[start + m * n:start + m * n + n]
        z, start = (np.tanh(z) if level else z) @ W + b, start + (m + 1) * n
    return z


def given(x, z, theta, d):
    """log p(x_n | z): z (K, N, D) or (K, 1, D) -> (K, N)."""
    if d.observed == "bernoulli":
        p = 1 / (1 + np.exp(-image(z, theta, d.sizes)))
        return np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=-1)
    residual = (x - image(z, theta[:-1], d.sizes)) / np.exp(theta[-1])
    return -0.5 * np.sum(residual**2, axis=-1) - x.shape[-1] * (theta[-1] + np.log(2 * np.pi) / 2)


def log_density(x, theta, d):
    """log p(x_n) (N,) on the plain grid."""
    return np.log(H * stats.norm.pdf(T) @ np.exp(given(x, T[:, None, None], theta, d)))


def bounds_on_a_grid(x, lam, theta, d):
    """ELBO_n (N,) on the plain grid of every q_n."""
    mu, sd = lam[:, 0], np.exp(lam[:, 1])
    z = mu + sd * T[:, None]
    return H * stats.norm.pdf(T) @ (given(x, z[:, :, None], theta, d) + stats.norm.logpdf(z) - stats.norm.logpdf(z, mu, sd))


def average_log_evidence(x, theta, d):
    return np.mean(log_density(x, theta, d))


def bound_at_the_start(x, lam, theta, d):
    return np.mean(bounds_on_a_grid(x, lam, theta, d))


def bound_by_hand(x, lam, theta, d):
    return np.sum(bounds_on_a_grid(x, lam, theta, d)) / len(x)


def divergence_by_hand(x, lam, theta, d):
    """KL(q_n || p(z | x_n)) (N,) on the plain grid: the mean of the log ratio of two densities."""
    mu, sd = lam[:, 0], np.exp(lam[:, 1])
    z = mu + sd * T[:, None]
    posterior = given(x, z[:, :, None], theta, d) + stats.norm.logpdf(z) - log_density(x, theta, d)
    return H * stats.norm.pdf(T) @ (stats.norm.logpdf(z, mu, sd) - posterior)


def differences(function, at):
    """Central differences of a number in an array at two steps, extrapolated, with their error; of at's shape."""
    def slope(h):
        out = np.empty(at.shape)
        for index in np.ndindex(at.shape):
            move = np.zeros(at.shape)
            move[index] = h
            out[index] = (function(at + move) - function(at - move)) / (2 * h)
        return out
    fine, coarse = slope(1e-3), slope(2e-3)
    return Estimate((4 * fine - coarse) / 3, np.max(np.abs(fine - coarse)) / 100)


def slope_in_lam(x, lam, theta, d):
    return differences(lambda lam: bound_at_the_start(x, lam, theta, d), lam)


def slope_in_theta(x, lam, theta, d):
    return differences(lambda theta: bound_at_the_start(x, lam, theta, d), theta)


def slope_of_evidence(x, theta, d):
    return differences(lambda theta: average_log_evidence(x, theta, d), theta)


# ---- stages with an exact marginal

def jitter(rng, values, by=0.06):
    return np.asarray(values, float) + rng.uniform(-by, by, np.shape(values))


def each(N, D=1):
    """Noise (R, S, N, D), standard normal: every datum has its own."""
    plain = noise(diagonal_normal, np.zeros(2 * N * D))

    def rule(S, order):
        ruled = plain.rule(S, 2 * order)
        return ruled and (ruled[0].reshape(-1, S, N, D), ruled[1])
    return Noise(lambda rng, R, S: plain.draw(rng, R, S).reshape(R, S, N, D), rule)


BEND = np.concatenate([[1.1, 0.7, -1.2], [-0.8, 0.2, -0.7], [1.1, -0.7, 0.4, 1.1, 0.9, 0.8], [0.3, -0.2]])      # a line z laid into the plane, with a bend


def bend(rng):
    """(theta, d) of a tanh decoder 1-3-2."""
    return np.append(jitter(rng, BEND), rng.uniform(-1.0, -0.8)), Decoder((1, 3, 2))


def stage_bend(rng):
    """Two data near the curve, and q of both off their posteriors."""
    theta, d = bend(rng)
    at = jitter(rng, [-1.1, 1.3])
    x = image(at[:, None], theta[:-1], d.sizes) + jitter(rng, [[0.25, -0.2], [-0.2, 0.3]])
    lam = np.column_stack([at + jitter(rng, [0.6, -0.6], 0.1), np.log(rng.uniform(0.5, 0.7, 2))])
    return dict(x=x, theta=theta, d=d, lam=lam, S=1, noise=each(2), rate=0.05, log_density_of_the_data=lambda: log_density(x, theta, d))


def stage_pixels(rng):
    """Two images of four pixels."""
    theta = jitter(rng, [0.9, -1.2, 1.4, 0.5, -0.3, -0.6, 2.1, -1.4, 0.6, 1.3, 0.7, 1.5, -1.8, 0.4, -1.1, 0.8, 1.2, -1.6, 0.3, -0.2, 0.5, -0.4])
    d = Decoder((1, 3, 4), "bernoulli")
    x = np.array([[1., 0, 1, 1], [0., 1, 0, 1]])
    lam = np.column_stack([jitter(rng, [0.9, 0.9], 0.1), np.log(rng.uniform(0.4, 0.6, 2))])
    return dict(x=x, theta=theta, d=d, lam=lam, S=1, noise=each(2), rate=0.05, log_density_of_the_data=lambda: log_density(x, theta, d))


def stage_images(rng):
    """All sixteen images."""
    stage = stage_pixels(rng)
    return dict(outcomes=np.array(list(np.ndindex(2, 2, 2, 2)), float), widths=np.ones(16), theta=stage["theta"], d=stage["d"])


def stage_plane_of_outcomes(rng):
    """A grid over all that the bend can generate."""
    theta, d = bend(rng)
    t = np.arange(-5.2, 5.6, 0.25)
    z = np.linspace(-8, 8, 801)[:, None, None]
    outcomes = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2)

    def negative_entropy():
        """A grid of SciPy's densities of its own, half as wide."""
        s = np.arange(-5.2, 5.5, 0.2)
        curve = image(z[:, 0], theta[:-1], d.sizes)
        first, second = (stats.norm.pdf(s, curve[:, [k]], np.exp(theta[-1])) for k in (0, 1))       # (nodes, grid)
        p = (0.02 * stats.norm.pdf(z[:, 0]) * first).T @ second
        return 0.2**2 * np.sum(p * np.log(p))

    def determinant_formula():
        """-1/2 log det(2 pi e C), C the covariance of x: that of the curve under the prior, and the noise's."""
        w, curve = 0.02 * stats.norm.pdf(z[:, 0, 0]), image(z[:, 0], theta[:-1], d.sizes)
        C = (curve - w @ curve).T @ (w[:, None] * (curve - w @ curve)) + np.exp(2 * theta[-1]) * np.eye(2)
        return -0.5 * np.linalg.slogdet(2 * np.pi * np.e * C)[1]

    return dict(outcomes=outcomes, widths=np.full(len(outcomes), 0.25**2), theta=theta, d=d, negative_entropy=negative_entropy,
                determinant_formula=determinant_formula)


def one(outcomes):
    return 1.


# ---- a linear decoder

def stage_linear(rng):
    """x = z W + b + noise in three dimensions: every row has a closed form. b is the mean of the data, as EM leaves it."""
    W, sd = jitter(rng, [1.3, -0.8, 0.6], 0.15), rng.uniform(0.5, 0.7)
    x = np.outer(jitter(rng, [-1.4, 1.1, 0.3, -0.6], 0.2), W) + jitter(rng, [[.4, -.3, .5], [-.6, .2, .3], [.3, .6, -.5], [-.2, -.4, -.3]], 0.1)
    theta = np.concatenate([W + jitter(rng, [-0.5, -0.4, 0.5], 0.05), np.mean(x, axis=0), [np.log(sd)]])
    referees = normal_referees(x, theta, 1)
    return dict(x=x, theta=theta, d=Decoder((1, 3)), evidence_of_one_latent=referees["density_of_a_normal"], **referees)


def stage_plane(rng):
    """Two latent numbers, a linear decoder into three dimensions."""
    theta = np.concatenate([jitter(rng, [1.1, -0.4, 0.7, 0.3, 0.9, -0.6], 0.15), jitter(rng, [0.4, -0.3, 0.2]), [rng.uniform(-0.6, -0.4)]])
    x = jitter(rng, [[0.9, -0.5, 1.1], [-0.4, 1.0, -0.8]], 0.15)
    density = normal_referees(x, theta, 2)["density_of_a_normal"]
    return dict(x=x, theta=theta, d=Decoder((2, 3)), density_of_a_normal=density, evidence_of_two_latents=density)


def normal_referees(x, theta, D):
    """z and x are jointly normal: the marginal and the conditional of SciPy and of blocks of their covariance."""
    W, b, variance = theta[:3 * D].reshape(D, 3), theta[3 * D:-1], np.exp(2 * theta[-1])
    C = W.T @ W + variance * np.eye(3)

    def density_of_a_normal():
        return stats.multivariate_normal.logpdf(x, b, C)

    def conditional_of_a_normal():
        mean = (x - b) @ np.linalg.solve(C, W.T)
        return np.column_stack([mean, np.full(len(x), 0.5 * np.log(1 - W[0] @ np.linalg.solve(C, W[0])))])

    def tipping_and_bishop():
        """Their equations 29 and 30, for W as a column and the sample covariance S."""
        w, S, n = W.T, np.cov(x.T, bias=True), 3
        M = w.T @ w + variance * np.eye(1)
        new = S @ w @ np.linalg.inv(variance * np.eye(1) + np.linalg.inv(M) @ w.T @ S @ w)
        rest = np.trace(S - S @ w @ np.linalg.inv(M) @ new.T) / n
        return np.concatenate([new.ravel(), np.mean(x, axis=0), [0.5 * np.log(rest)]])

    def evidence_before():
        return np.mean(density_of_a_normal())

    def distance_of_conditionals():
        mean = conditional_of_a_normal()[:, 0]
        return abs(mean[0] - mean[1])

    return dict(density_of_a_normal=density_of_a_normal, conditional_of_a_normal=conditional_of_a_normal, tipping_and_bishop=tipping_and_bishop,
                evidence_before=evidence_before, distance_of_conditionals=distance_of_conditionals)


def evidence_after_em(x, theta, d):
    """The exact evidence at theta after a round."""
    return np.mean(normal_marginal(x, e_step_then_m_step(x, theta, d), d))


# ---- one step of a Markov chain

class Posterior(NamedTuple):
    """p(z | x) of one datum by the bend: its log density and slope, by hand, and its moments."""
    log_density: Callable
    slope: Callable
    mean: float
    sd: float


def posterior_by_hand(x, theta, d):
    W1, b1, W2, variance = theta[:3], theta[3:6], theta[6:12].reshape(3, 2), np.exp(2 * theta[-1])

    def log_joint(z):
        return stats.norm.logpdf(z) + given(x, z[:, None, None], theta, d)[:, 0]

    def slope(z):
        h = np.tanh(z[:, None] * W1 + b1)
        return np.sum((x[0] - image(z[:, None], theta[:-1], d.sizes)) * ((W1 * (1 - h**2)) @ W2), axis=1) / variance - z

    log_evidence = np.log(H * np.sum(np.exp(log_joint(T))))
    mass = H * np.exp(log_joint(T) - log_evidence)
    mean = mass @ T
    return Posterior(lambda z: log_joint(z) - log_evidence, slope, mean, np.sqrt(mass @ (T - mean)**2))


def chain(rng, drift):
    """One datum by the bend, steps somewhat wider than its posterior."""
    theta, d = bend(rng)
    x = image(jitter(rng, [[0.1]]), theta[:-1], d.sizes) + jitter(rng, [[0.15, -0.1]], 0.05)
    p = posterior_by_hand(x, theta, d)
    size = rng.uniform(1.1, 1.3) * p.sd
    z = np.linspace(-9, 9, 40_001)
    cdf = np.cumsum(np.exp(p.log_density(z)))
    cdf = (cdf - 0.5 * np.exp(p.log_density(z))) / cdf[-1]

    def draw(rng, R, S):
        return np.stack([np.interp(rng.random((R, S)), cdf, z), rng.standard_normal((R, S)), rng.random((R, S))], axis=-1)

    def rule(S, order):
        """Nodes for the state and for where the proposal leads, on one grid; for u the middle of what is accepted, and of what is not."""
        if S > 1:
            return None
        t, spacing = np.linspace(-12, 12, 3 * order, retstep=True)
        log_density, centre = p.log_density(t), t + 0.5 * drift * size**2 * p.slope(t)
        e = (t[None, :] - centre[:, None]) / size
        there = log_density[:, None] + stats.norm.logpdf(e)
        a = np.exp(np.clip(there.T - there, -300., 0.))
        mass = spacing**2 / size * np.exp(there)
        parts = [(np.broadcast_to(t[:, None], a.shape), e, u, mass * share) for u, share in ((a / 2, a), ((1 + a) / 2, 1 - a))]
        state, e, u, mass = (np.concatenate([part[i].ravel() for part in parts]) for i in range(4))
        return np.stack([state, e, u], axis=-1)[:, None, :], mass

    def f(z):
        return np.concatenate([z, z**4], axis=-1)

    def posterior_mean_of_f():
        mass = np.exp(p.log_density(T))
        return np.array([mass @ T, mass @ T**4]) * H

    return dict(x=x, theta=theta, d=d, size=size, f=f, S=1, noise=Noise(draw, rule)), p, posterior_mean_of_f


def stage_metropolis(rng):
    stage, _, expected = chain(rng, 0)
    return stage | dict(before_metropolis=expected)


def stage_langevin(rng):
    stage, p, expected = chain(rng, 1)
    at, to, size = p.mean + p.sd * np.array([-0.2, 0.3, 1.5]), p.mean + p.sd * np.array([-1.5, 1.6, 0.2]), stage["size"]

    def flow(start, end):
        return np.exp(p.log_density(start)) * stats.norm.pdf(end, start + 0.5 * size**2 * p.slope(start), size)

    def smaller_of_two_flows():
        return np.minimum(flow(at, to), flow(to, at))

    return stage | dict(before_langevin=expected, at=at[:, None], to=to[:, None], log_density=np.stack([p.log_density(at), p.log_density(to)]),
                        smaller_of_two_flows=smaller_of_two_flows)


# ---- new data, and data at a seam

def stage_new_datum(rng):
    """Six data whose tops an encoder of one layer learns, and two that were not there."""
    theta, d = bend(rng)
    x = image(jitter(rng, [[-1.6], [-0.9], [-0.2], [0.4], [1.0], [1.7]], 0.1), theta[:-1], d.sizes) + rng.uniform(-0.25, 0.25, (6, 2))
    new = image(jitter(rng, [[-1.2], [1.3]], 0.1), theta[:-1], d.sizes) + rng.uniform(-0.2, 0.2, (2, 2))
    return dict(x=x, new=new, theta=theta, d=d, evidence_of_new_datum=lambda: log_density(new, theta, d))


def stage_seam(rng):
    """A line laid into the plane as a ring that does not quite close, and a datum on each side of the seam."""
    k = rng.uniform(0.95, 1.05)
    theta = np.concatenate([np.full(4, k), [1.5 * k, 0., -1.5 * k, 0.], [1., -0.8, 0., 1.6, -1., -0.8, 0., 0.], [-0.9, 0.], [rng.uniform(-1.8, -1.6)]])
    ends = image(np.array([[-2.1], [2.1]]), theta[:-1], (1, 4, 2))
    middle = np.mean(ends, axis=0)
    x = middle + 0.35 * (ends - middle)

    def distance_by_quadrature():
        p = stats.norm.pdf(T)[:, None] * np.exp(given(x, T[:, None, None], theta, d))
        return abs(np.subtract(*(T @ p / np.sum(p, axis=0))))

    d = Decoder((1, 4, 2))
    return dict(x=x, theta=theta, d=d, distance_by_quadrature=distance_by_quadrature)


def three_times_the_distance(x, theta):
    """Of the data."""
    return 3 * np.hypot(*(x[0] - x[1]))


# ---- sums of latent numbers, and a second head

def stage_sum(rng):
    theta, d = bend(rng)
    a, b = jitter(rng, [0.9]), jitter(rng, [-1.4])
    return dict(theta=theta, d=d, a=a, b=b, image_of_curved_sum=lambda: image(a + b, theta[:-1], d.sizes))


def stage_linear_sum(rng):
    stage = stage_plane(rng)
    theta, d, a, b = stage["theta"], stage["d"], jitter(rng, [0.9, -0.4]), jitter(rng, [-1.4, 0.7])
    return dict(theta=theta, d=d, a=a, b=b, image_of_linear_sum=lambda: image(a + b, theta[:-1], d.sizes))


def stage_heads(rng):
    """A decoder 1-3-4 for two observed numbers: two means and two log standard deviations."""
    theta = jitter(rng, [0.9, -1.2, 1.4, 0.5, -0.3, -0.6, 1.1, -1.4, 0.3, -0.3, 0.7, 1.5, -0.2, 0.2, -1.1, 0.8, 0.2, -0.3, 0.9, -0.8, -0.3, -0.6])
    at, sizes = jitter(rng, [0.4]), (1, 3, 4)
    out = image(at, theta, sizes)

    def moment(power, centre):
        return np.array([integrate.quad(lambda t: (m + s * t - c)**power * stats.norm.pdf(t), -12, 12)[0] for m, s, c in zip(out[:2], np.exp(out[2:]), centre)])

    return dict(theta=theta, sizes=sizes, at=at, S=3, noise=noise(diagonal_normal, np.zeros(4)), mean_by_integration=lambda: moment(1, np.zeros(2)),
                variance_by_integration=lambda: moment(2, out[:2]))


# ---- what is counted

def stage_count(rng):
    """Rounds and steps of a small fit."""
    theta, d = bend(rng)
    x = image(rng.uniform(-1, 1, (int(rng.integers(5, 9)), 1)), theta[:-1], d.sizes) + rng.uniform(-0.2, 0.2, (1, 2))
    return dict(x=x, theta=theta, d=d, rounds=int(rng.integers(2, 5)), inner=int(rng.integers(3, 7)))


def passes_on_paper(x, rounds, inner):
    """A round: every datum takes its steps, one pass each, one before them and one for theta; the last E step has none for theta."""
    return len(x) * (rounds * (inner + 2) + inner + 1)


def passes_counted(x, theta, d, rounds, inner):
    """The rows that went through the decoder's hidden layer, over the nodes of the rule."""
    seen = []

    def value(a):
        seen.append(len(a))
        return np.tanh(a)

    local.fit(x, theta, d._replace(g=Activation(value, d.g.slope)), rounds, inner, 0.01, order=5)
    return sum(seen) / 5


def passes_of_an_encoder(x, rounds):
    """One of the encoder and one of the decoder a datum and round."""
    return 2 * len(x) * rounds


def stage_small_data(rng):
    """The notebook's encoder and its few data."""
    return dict(N=int(rng.integers(200, 400)), D=2, sizes=(784, 500, 4), weights_on_paper=lambda: 784 * 500 + 500 + 2 * (500 * 2 + 2))


def stage_large_data(rng):
    """MNIST's encoder, and a good many images."""
    return dict(many=int(rng.integers(70_000, 90_000)), D=2, sizes=(784, 256, 64, 4), weights_of_mnist=lambda: 784 * 256 + 256 + 256 * 64 + 64 + 2 * (64 * 2 + 2),
                at_crossing=54_417)


def parameters_of_many_data(many, D):
    return parameters_of_all_data(many, D)


def parameters_at_crossing(at_crossing, D):
    return parameters_of_all_data(at_crossing, D)

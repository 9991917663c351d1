"""Where one function for all data can be judged: a linear decoder, whose posterior is linear in x, and counts, whose sufficient statistics are two numbers.

A linear decoder is a Network of two layer sizes, x = z W + b + N(0, sd^2 I), as probabilistic principal components. Nats per datum.
"""
import autograd.numpy as np

from refvi.base.checks import require_positive
from refvi.base.families.gammas import gamma, gamma_lam
from refvi.base.families.lam import halves
from refvi.generative.amortization.rows import elbo, encode, gaussian, highest, on_nodes, standard_nodes
from refvi.likelihood.networks import count, layers


# ---- how many numbers

def local_numbers(N, D):
    """A mean and a standard deviation for every datum and latent variable. PML.126."""
    return 2 * N * D


def encoder_numbers(sizes):
    """Weights and biases of one network, whatever the number of data. PML.130."""
    return count(sizes)


# ---- what a function of finite capacity cannot reach

def highest_amortized_bound(phi, theta, x, encoder, decoder, likelihood):
    """The bound where ascent in phi ends. Nats per datum."""
    nodes = standard_nodes(decoder.sizes[0])

    def bound(phi):
        return on_nodes(encode(phi, x, encoder), x, theta, decoder, likelihood, nodes)
    return bound(highest(bound, phi))


# ---- a linear decoder

def loadings(theta, decoder):
    """(W (D, n), b (n,)) of a linear decoder, or a ValueError for one with a hidden layer."""
    if len(decoder.sizes) != 2:
        raise ValueError(f"the decoder has layers {decoder.sizes}: only one of two, (D, n), is linear, and has this posterior")
    return layers(theta, decoder.sizes)[0]


def linear_encoder(theta, decoder, sd):
    """phi of the linear encoder (n, 2 D) that puts out every posterior's mean and its marginal standard deviations: M = W W^T + sd^2 I. RAI.072."""
    W, b = loadings(theta, decoder)
    inverse = np.linalg.inv(W @ W.T + require_positive("sd", sd, "a standard deviation, not a variance") ** 2 * np.eye(len(W)))
    to_mean, log_sd = W.T @ inverse, 0.5 * np.log(sd**2 * np.diag(inverse))
    weights = np.concatenate([to_mean, np.zeros_like(to_mean)], axis=1)
    return np.concatenate([weights.ravel(), -b @ to_mean, log_sd])


def bound_of_the_linear_encoder(x, theta, decoder, sd):
    """Every datum's bound at what the linear encoder puts out for it: the evidence itself, where the columns of the loadings are orthogonal."""
    encoder = decoder._replace(sizes=(decoder.sizes[1], 2 * decoder.sizes[0]))
    return elbo(linear_encoder(theta, decoder, sd), theta, x, encoder, decoder, gaussian(sd))


def one_pass(new, theta, decoder, sd):
    """(mu, sigma^2) (N, 2 D) for data that nobody has trained on: no iteration, one product. RAI.073, .074."""
    encoder = decoder._replace(sizes=(decoder.sizes[1], 2 * decoder.sizes[0]))
    mu, log_sd = halves(encode(linear_encoder(theta, decoder, sd), new, encoder))
    return np.concatenate([mu, np.exp(2 * log_sd)], axis=-1)


def encoder_of_the_difference(new, theta, decoder, sd):
    """|M^-1 W (x_1 - x_2)|: a linear encoder forgets its bias in a difference."""
    W, _ = loadings(theta, decoder)
    return np.linalg.norm(np.linalg.solve(W @ W.T + sd**2 * np.eye(len(W)), W @ (new[0] - new[1])))


def slope_times_distance(new, theta, decoder, sd):
    """The largest singular value of M^-1 W, times |x_1 - x_2|."""
    W, _ = loadings(theta, decoder)
    return np.linalg.norm(np.linalg.solve(W @ W.T + sd**2 * np.eye(len(W)), W), 2) * np.linalg.norm(new[0] - new[1])


# ---- no autoencoder: sets of counts, z_n ~ Gamma(a, b), each of sizes_n counts ~ Poisson(z_n), totals_n their sum (PML.133)

def linear_map(totals, sizes, a, b):
    """lam (N, 2) of a gamma for every set: shape and rate are linear in the sufficient statistics (1, total, size)."""
    statistics = np.stack([np.ones(len(totals)), totals, sizes], axis=-1)
    return np.log(statistics @ np.array([[a, b], [1., 0.], [0., 1.]]))


def shape_over_rate(totals, sizes, a, b):
    """Mean and variance (N, 2) of every set's rate, read off one map."""
    shape, rate = np.exp(linear_map(totals, sizes, a, b)).T
    return np.stack([shape / rate, shape / rate**2], axis=-1)


def bound_of_counts(lam, totals, sizes, a, b):
    """E_q[log p(counts_n, z) - log q(z)] (N,) of gammas lam (N, 2), without the factorials, which no z enters."""
    bounds = []
    for lam_n, total, size in zip(lam, totals, sizes):
        z, w = gamma.nodes(lam_n, 100)
        log_joint = gamma.log_prob(z, gamma_lam(shape=a, rate=b)) + total * np.log(z) - size * z
        bounds.append(np.sum(w * np.exp(gamma.log_prob(z, lam_n)) * (log_joint - gamma.log_prob(z, lam_n))))
    return np.array(bounds)


def bound_of_the_linear_map(totals, sizes, a, b):
    """It loses nothing. Nats per set."""
    return np.mean(bound_of_counts(linear_map(totals, sizes, a, b), totals, sizes, a, b))


def bound_of_one_for_all(totals, sizes, a, b):
    """The smoothest map of all, a constant: what the average set would get. Nats per set."""
    average = linear_map(np.full(len(totals), np.mean(totals)), np.full(len(sizes), np.mean(sizes)), a, b)
    return np.mean(bound_of_counts(average, totals, sizes, a, b))

"""A decoder without a hidden layer, x = z W + b + noise: what an E and an M step are there, in closed form. Tipping and Bishop (1999).

Shapes as in model.py, with W (D, n), b (n,); M = W W' + sd^2 I (D, D). Posteriors are normal with one covariance for all data; lam holds its diagonal, which is
all of it for D = 1.
"""
import numpy as np

from refvi.base.families.lam import halves
from refvi.generative.amortization.exact import linear_encoder
from refvi.generative.deep_latent.model import weights_of
from refvi.generative.linear_latent import maximum
from refvi.likelihood.networks import forward, layers


def parts(theta, d):
    """(W (D, n), b (n,), sd) of a linear decoder."""
    if len(d.sizes) != 2 or d.observed != "normal":
        raise ValueError(f"the decoder has layers {'-'.join(map(str, d.sizes))} and {d.observed} data, expected D-n and normal ones: only these have a normal posterior")
    weights, log_sd = weights_of(theta, d)
    (W, b), = layers(weights, d.sizes)
    return W, b, np.exp(log_sd)


def normal_marginal(x, theta, d):
    """log N(x_n | b, W'W + sd^2 I) (N,), by the D x D matrix M instead of the n x n covariance."""
    W, b, sd = parts(theta, d)
    D, n = W.shape
    M, r = W @ W.T + sd**2 * np.eye(D), x - b
    square = (np.sum(r**2, axis=1) - np.sum((r @ W.T) * np.linalg.solve(M, (r @ W.T).T).T, axis=1)) / sd**2
    return -0.5 * (square + n * np.log(2 * np.pi) + np.linalg.slogdet(M)[1] + 2 * (n - D) * np.log(sd))


def posterior_of_linear_decoder(x, theta, d):
    """lam (N, 2 D): mean M^-1 W (x - b), covariance sd^2 M^-1."""
    W, b, sd = parts(theta, d)
    inverse = np.linalg.inv(W @ W.T + sd**2 * np.eye(len(W)))
    return np.concatenate([(x - b) @ W.T @ inverse, np.tile(np.log(sd) + 0.5 * np.log(np.diag(inverse)), (len(x), 1))], axis=1)


def encoder_weights(theta, d):
    """phi of the one-layer encoder n-2 D whose output is that posterior."""
    *_, sd = parts(theta, d)
    return linear_encoder(weights_of(theta, d)[0], d, sd)


def one_layer_encoder(x, theta, d):
    """The same as a network: one product and one shift, no nonlinearity."""
    D, n = d.sizes
    return forward(encoder_weights(theta, d), x, (n, 2 * D), d.g)[-1]


def m_step(x, lam, d):
    """theta that maximises the average bound of a linear decoder beside lam (N, 2): least squares of x on z, whose second moments hold q's variance too. D = 1."""
    mu, log_sd = halves(lam)
    N, n = x.shape
    rows = np.column_stack([mu[:, 0], np.ones(N)])
    gram = rows.T @ rows + np.diag([np.sum(np.exp(2 * log_sd)), 0.])
    W, b = np.linalg.solve(gram, rows.T @ x)
    variance = (np.sum((x - rows @ np.stack([W, b]))**2) + np.sum(np.exp(2 * log_sd)) * np.sum(W**2)) / (N * n)
    return np.concatenate([W, b, [0.5 * np.log(variance)]])


def e_step_then_m_step(x, theta, d):
    """One round of EM: exact posteriors, then theta."""
    return m_step(x, posterior_of_linear_decoder(x, theta, d), d)


def spread_of_posteriors(x, theta, d):
    """Largest stretch of the map from data to posterior means, times the distance of the first two data."""
    W, _, sd = parts(theta, d)
    return np.linalg.norm(np.linalg.solve(W @ W.T + sd**2 * np.eye(len(W)), W), 2) * np.linalg.norm(x[0] - x[1])


def from_moments(mean, covariance, D):
    """theta (P,) of the linear decoder of highest likelihood for data of this mean (n,) and covariance (n, n): probabilistic principal components."""
    n = len(mean)
    if not 1 <= D < n:
        raise ValueError(f"D={D} latent numbers for data of n={n}: expected 1 <= D < n, some direction must be left to the noise")
    best = maximum.from_moments(mean, covariance, np.arange(D), np.eye(D))
    return np.concatenate([best.W.T.ravel(), best.b, [np.log(best.sd)]])

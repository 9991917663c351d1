"""A regression x | y ~ N(mu(y), sigma(y)^2), both from one network of y, and a baseline of constant sigma. UA, "MLE".

Shapes: y (N, D) inputs, x (N,) targets, both standardized; the network's two outputs are mu and rho, with
sigma^2 = FLOOR^2 + exp(2 rho). Without the floor there is no maximum: a mean that passes through one datum lets sigma
go to zero there.
"""
import numpy as np

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.base.optimize import adam
from refvi.likelihood.networks import backward, forward, initial, layers, require_inputs, tanh

FLOOR = 0.02            # of sigma, in units of the targets' standard deviation
HIDDEN = 50


def sizes_of(y):
    """The layers of the network for inputs y (N, D): one hidden, two outputs."""
    return y.shape[1], HIDDEN, 2


def predict(theta, y):
    """(mu, sigma), each (N,), of the inputs' densities."""
    y = require_finite("y", require_inputs(y))
    mu, rho = forward(theta, y, sizes_of(y), tanh)[-1].T
    return mu, np.hypot(FLOOR, np.exp(rho))


def log_likelihood(theta, x, y):
    """log N(x_n | mu(y_n), sigma(y_n)^2) (N,) in nats, for standardized targets."""
    mu, sigma = predict(theta, y)
    x = require_finite("x", require_shape("x", x, mu.shape, f"one target for each of the N={len(mu)} rows of y"))
    return -0.5 * ((x - mu) / sigma)**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)


def gradient(theta, x, y, constant=False):
    """Gradient (P,) of the summed log-likelihood; with constant it is zero in rho's weights: only its bias moves."""
    sizes = sizes_of(y)
    hs = forward(theta, y, sizes, tanh)
    mu, rho = hs[-1].T
    variance = FLOOR**2 + np.exp(2 * rho)
    in_mu = (x - mu) / variance
    in_rho = ((x - mu)**2 / variance - 1) * np.exp(2 * rho) / variance
    delta = np.stack([in_mu, in_rho], axis=-1)
    g = backward(theta, hs, delta, sizes, tanh)
    if constant:
        layers(g, sizes)[-1][0][:, 1] = 0.
    return g


def fit(rng, x, y, epochs=60, M=32, rate=5e-3, constant=False):
    """An Ascent of the log-likelihood by Adam on minibatches of M without replacement, from one sigma for all y."""
    y = require_finite("y", require_inputs(y))
    N = len(y)
    if require_count("M", M) > N:
        raise ValueError(f"a minibatch of M={M} out of N={N} data: M must be at most N")
    x = require_finite("x", require_shape("x", x, (N,), f"one target for each of the N={N} rows of y"))
    theta = initial(rng, sizes_of(y))
    layers(theta, sizes_of(y))[-1][0][:, 1] = 0.
    total = require_count("epochs", epochs) * (N // M)
    batches = iter(np.concatenate([rng.permutation(N)[:N // M * M].reshape(-1, M) for _ in range(epochs)]))

    def minibatch(theta):
        batch = next(batches)
        return gradient(theta, x[batch], y[batch], constant)

    return adam(minibatch, theta, total, lambda t: rate * (1 - 0.95 * t / total))

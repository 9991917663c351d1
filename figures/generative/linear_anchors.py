"""A linear VAE's bound climbs onto PPCA's likelihood, factor analysis passes it, an autoencoder falls onto PCA's error.

Sixty data in six dimensions, two latent coordinates. Left, nats per datum: Adam's steps on the exact bound of decoder
and encoder together, and EM for factor analysis, which starts from PPCA of the standardized data; lines, the closed
form for PPCA, of which the bound is 0.0014 nats short after 600 steps, and factor analysis' likelihood where
quasi-Newton steps end. Right: gradient descent on the error of a linear autoencoder; line, the sum of the discarded
eigenvalues.
"""
import numpy as np
from autograd import grad
from scipy import optimize

from refvi.base.optimize import adam, gradient_ascent
from refvi.generative.linear_latent.autoencoder import error
from refvi.generative.linear_latent.encoder import elbo
from refvi.generative.linear_latent.fit import fit
from refvi.generative.linear_latent.maximum import eigen, flat, likelihood_at_closed_form, unflat
from refvi.generative.linear_latent.model import log_likelihood

SIZE = (7.2, 3.25)
N, n, D, STEPS, RATE = 60, 6, 2, 600, 0.03
AT = np.unique(np.geomspace(1, STEPS, 34).astype(int))
W = np.array([[1.1, 0.2], [-0.8, 0.6], [0.9, -0.4], [0.3, 1.2], [-0.2, -0.9], [0.6, 0.7]])
SD = np.array([0.3, 0.9, 0.5, 0.4, 0.8, 0.6])


def waves(columns):
    """Data without chance: cosines of different frequencies, uncorrelated and of variance one."""
    return np.sqrt(2) * np.cos(np.pi * np.outer(np.arange(N) + 0.5, np.arange(1, columns + 1)) / N)


def data(rng):
    x = waves(D) @ W.T + waves(D + n)[:, D:] * SD + 1.
    values, _ = eigen(x)
    fitted = fit(x, D)
    decoder, encoder = 0.1 * np.cos(np.arange(n * D)), 0.1 * np.sin(np.arange(n * D))
    squares = squares_of_descent(x, np.concatenate([decoder, encoder]))
    reached = fitted.trace[np.minimum(AT, len(fitted.trace)) - 1]
    return dict(step=AT, elbo=bounds_of_ascent(x, decoder, encoder)[AT - 1], ppca=likelihood_at_closed_form(x, D),
                em=reached, factors=highest(x, fitted.found), squares=squares[AT - 1], total=values.sum(),
                discarded=values[D:].sum())


def bounds_of_ascent(x, decoder, encoder):
    """The bound after each of Adam's steps on W, b, log sd, V and the log standard deviations of q."""
    size, path = n * D + n + 1, []
    start = np.concatenate([decoder, x.mean(axis=0), [0.], encoder, np.zeros(D)])

    def bound(vector):
        return elbo(x, vector[size:], unflat(vector[:size], n, D))
    adam(grad(bound), start, STEPS, RATE, watch=lambda step, vector: path.append(bound(vector)))
    return np.array(path)


def squares_of_descent(x, start):
    """The autoencoder's error after each step of gradient descent on both layers."""
    path = []
    gradient_ascent(grad(lambda vector: -error_of(vector, x)), start, STEPS, RATE,
                    watch=lambda step, vector: path.append(error_of(vector, x)))
    return np.array(path)


def error_of(vector, x):
    return error(np.reshape(vector[:n * D], (n, D)), np.reshape(vector[n * D:], (D, n)), x)


def highest(x, theta):
    """The likelihood of factor analysis, climbed on its slope from nearby instead of by EM."""
    start = flat(theta) + 0.05 * np.cos(np.arange(len(flat(theta))))

    def downhill(vector):
        return -log_likelihood(x, unflat(vector, n, D))
    return -optimize.minimize(downhill, start, jac=grad(downhill), method="BFGS", options=dict(gtol=1e-7)).fun


def draw(figure, step, elbo, ppca, em, factors, squares, total, discarded):
    left, right = figure.subplots(1, 2)
    left.axhline(ppca, color="C1")
    left.axhline(factors, color="C2", linestyle="--")
    left.plot(step, elbo, "o", color="C1", label="linear VAE, Adam")
    left.plot(step, em, "s", color="C2", markersize=3.5, label="factor analysis, EM")
    left.text(STEPS, ppca - 0.08, f"PPCA: {ppca:.3f}", va="top", ha="right", fontsize=9, color="C1")
    left.text(1, factors + 0.04, f"factor analysis: {factors:.3f}", va="bottom", fontsize=9, color="C2")
    left.set(xscale="log", ylim=(ppca - 2.2, factors + 0.4), xlabel="step", ylabel="ELBO or log p(x), nats per datum",
             title="variational autoencoder")
    left.legend(loc="lower right")
    right.plot(step, squares, "^", color="C0", label="gradient descent")
    right.axhline(discarded, color="C0", linestyle=":")
    right.text(STEPS, discarded - 0.25, f"discarded eigenvalues: {discarded:.3f}", va="top", ha="right", fontsize=9)
    right.set(xscale="log", ylim=(discarded - 1.2, total + 0.6), xlabel="step", ylabel="mean of |x − x̂|²",
              title="autoencoder")
    right.legend(loc="upper right")

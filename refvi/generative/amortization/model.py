"""One latent variable for every datum: z_n ~ N(0, I), x_n ~ p(x | decoder(z_n)), and q(z_n) a diagonal normal with
lam_n of its own or from an encoder. What the chapters on amortization, gaps, deep latents and the VAE share.

Shapes: x (N, n); z and eps (..., N, D), one draw for every datum, eps standard normal; lam (N, 2 D), [mu, log_sd] of
every datum's q; theta (P,) of the decoder, phi (P,) of the encoder, both refvi.likelihood.heads.Network. Everything in
nats. PML, "The Variational Auto Encoder (VAE)"; RAI, "Inference for VAE"; Kingma and Welling (2014), Rezende, Mohamed
and Wierstra (2014).
"""
import autograd.numpy as np

from refvi.base.checks import require_count, require_finite, require_shape, require_some, require_unmasked
from refvi.base.core import Noise, POINTS, noise
from refvi.base.families.gaussian import closed_divergence, diagonal_normal
from refvi.base.families.lam import halves
from refvi.base.models import isotropic
from refvi.likelihood.heads import back, output, through

# nodes for each latent variable: a network's tanh has poles near the line, and a posterior may be narrow
FINE = {1: 256, 2: 100, 3: 40}


# ---- densities

def log_prior(z):
    """log N(z; 0, I) (...,) of z (..., D)."""
    return isotropic(z, 1.)


def log_likelihood(z, x, theta, decoder):
    """log p(x_n | z_n) (..., N) for z (..., N, D), or for z (..., 1, D) that all data share."""
    return decoder.observed.log_prob(x, output(theta, z, decoder))


def log_joint(z, x, theta, decoder):
    """log p(x_n, z_n) (..., N)."""
    return log_prior(z) + log_likelihood(z, x, theta, decoder)


def encode(x, phi, encoder):
    """lam (N, 2 D) of all data: one pass. PML.129, RAI.072."""
    n = encoder.sizes[0]
    x = require_finite("x", require_shape("x", x, (None, n), f"a datum a row, n={n} numbers for the encoder"))
    return output(phi, require_some("x", x), encoder)


def drawn(eps, lam):
    """z = mu + sd eps (..., N, D): every datum's own noise, carried to its own q."""
    return diagonal_normal.transport(eps, lam)


def sample(rng, theta, decoder, N):
    """N draws (x (N, n), z (N, D)) from the model: ancestral, z first."""
    z = rng.standard_normal((require_count("N", N), decoder.sizes[0]))
    return decoder.observed.draw(rng, output(theta, z, decoder)), z


# ---- noise, drawn and on nodes

def standard_nodes(D, order=None):
    """(eps (k, D), weights (k,)) that integrate against N(0, I)."""
    eps, w = diagonal_normal.nodes(np.zeros(2 * D), order or FINE[D])
    return eps, w * np.exp(log_prior(eps))


def under_each(lam, order=None):
    """z (k, N, D), the nodes of every datum's q, and their weights (k,)."""
    eps, w = standard_nodes(np.shape(lam)[-1] // 2, order)
    return drawn(eps[:, None, :], lam), w


def standard_noise(N, D):
    """eps (R, S, N, D): every datum and draw its own; the rule is a product of S N D one-dimensional ones, of three at
    most.

    Of four, the nodes that fit are too few for a network's tanh.
    """
    flat = noise(diagonal_normal, np.zeros(2 * N * D))

    def shaped(eps):
        return eps.reshape(eps.shape[:2] + (N, D))

    def rule(S, order):
        if S * N * D > 3 or order**(S * N * D) > POINTS:
            return None
        eps, w = flat.rule(S, order)
        return shaped(eps), w

    return Noise(lambda rng, R, S: shaped(flat.draw(rng, R, S)), rule)


# ---- the bound of every datum, and its gradients by hand

def slopes(z, x, theta, decoder, w):
    """log p(x_n | z_sn) (S, N), and the gradients of sum_{s,n} w_sn log p(x_n | z_sn) in theta (P,) and in every z (S,
    N, D).

    w (S, N) or (S, 1).
    """
    S, N, D = z.shape
    hs = through(theta, z.reshape(S * N, D), decoder)
    outputs = hs[-1].reshape(S, N, -1)
    delta = np.broadcast_to(w, (S, N))[..., None] * decoder.observed.slope(x, outputs)
    in_theta, in_z = back(theta, hs, delta.reshape(S * N, -1), decoder)
    return decoder.observed.log_prob(x, outputs), in_theta, in_z.reshape(z.shape)


def bounds(lam, x, theta, decoder, eps, w):
    """(every datum's bound (N,), its gradient in lam_n (N, 2 D), the gradient of their sum in theta (P,)).

    eps (S, N, D) with w (S,) = 1/S are draws, eps (S, 1, D) with weights w a rule; the divergence is in closed form.
    """
    mu, log_sd = halves(lam)
    sd, w = np.exp(log_sd), np.reshape(w, (-1, 1))
    value, in_theta, in_z = slopes(mu + sd * eps, x, theta, decoder, w)
    in_mu = np.sum(in_z, axis=0) - mu
    in_log_sd = np.sum(in_z * eps, axis=0) * sd - sd**2 + 1
    return np.sum(w * value, axis=0) - closed_divergence(lam), np.concatenate([in_mu, in_log_sd], axis=-1), in_theta


def bound_and_gradients(phi, theta, x, encoder, decoder, eps, w):
    """(the bound, nats per datum, its gradient in phi (P,), and in theta (P,)), with eps and w as in `bounds`.

    The gradients in lam_n are the deltas with which the encoder's backward pass begins. PML.140.
    """
    hs = through(phi, x, encoder)
    values, in_lam, in_theta = bounds(hs[-1], x, theta, decoder, eps, w)
    return np.mean(values), back(phi, hs, in_lam / len(x), encoder)[0], in_theta / len(x)


# ---- what is asked of data and networks

def require_data(x, decoder):
    """Data x (N, n) as they are, or as floats; a ValueError for another shape, integers, no rows, a value that is not
    finite or no pixel's.

    Booleans are left what they are, so that a data set of images stays small.
    """
    x, n, binary = np.asarray(require_unmasked("x", x)), decoder.n, decoder.observed.binary
    if x.dtype.kind not in "biuf":
        raise ValueError(f"expected pixels that are booleans or floats, got {x.dtype}")
    if x.dtype.kind in "ui":
        top = x.max() if x.size else "none"
        kind, remedy = ("booleans", "binarize them, images >= 128") if binary else ("floats", "divide by 255.")
        if x.size and x.min() >= 0 and top <= 1:
            remedy = f"convert them, x.astype({'bool' if binary else 'float'})"
        raise ValueError(f"expected pixels that are {kind}, got {x.dtype} max {top}: {remedy}")
    meaning = f"(N=number of data, n={n} numbers that the decoder speaks of)"
    if x.ndim != 2 or x.shape[1] != n:
        raise ValueError(f"x has shape {x.shape}, expected (any, {n}): {meaning}")
    if require_some("x", x).dtype == bool:
        return x
    x = require_finite("x", require_shape("x", x, (None, n), meaning))
    if binary and not np.all((x == 0) | (x == 1)):
        require_pixels(x)
    return x


def require_pixels(x):
    """A ValueError that says what is wrong with pixels that are not all 0 or 1."""
    wanted = "pixels of a Bernoulli are 0 or 1, got"
    if np.min(x) < 0 or np.max(x) > 1:
        raise ValueError(f"{wanted} values from {np.min(x):g} to {np.max(x):g}: divide by 255. if they are of 0..255, "
                         "then binarize")
    raise ValueError(f"{wanted} gray values such as {x[(x > 0) & (x < 1)][0]:g}: binarize them (x >= 0.5), "
                     "or take a normal likelihood")


def require_pair(encoder, decoder):
    """Nothing, or a ValueError where an encoder's heads do not fit a decoder's inputs, or its inputs the decoder's
    outputs."""
    D, n, heads = decoder.sizes[0], encoder.sizes[0], decoder.observed.heads
    if encoder.sizes[-1] != 2 * D:
        raise ValueError(f"the encoder {encoder} ends in {encoder.sizes[-1]} numbers, "
                         f"the decoder {decoder} starts from D={D}: expected 2 D = {2 * D}, "
                         "a mean and a log standard deviation each")
    if decoder.sizes[-1] != heads * n:
        raise ValueError(f"the decoder {decoder} ends in {decoder.sizes[-1]} numbers, "
                         f"the encoder {encoder} starts from n={n}: expected {heads * n}, "
                         f"{heads} for each entry of a datum")

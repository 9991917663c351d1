"""The linear autoencoder: least squares through a bottleneck is principal component analysis.

Shapes as in model.py; E (D, n) encodes, W (n, D) decodes, both about the mean of the data. Errors are squares
|x - xhat|^2, averaged over the data. Baldi and Hornik (1989), Neural networks and principal component analysis:
learning from examples without local minima; RAI, "A standard auto-encoder learns to (nonlinearly) compress and
uncompress an input".
"""
import autograd.numpy as np

from refvi.base.checks import require_shape
from refvi.generative.linear_latent.maximum import closed_form, eigen, require_spread
from refvi.generative.linear_latent.model import small


def centred(x, E):
    """x less its mean, or a ValueError where it is not of the n coordinates that E (D, n) encodes."""
    n = np.shape(E)[-1]
    x = require_spread(require_shape("x", x, (None, n), f"a datum a row, n={n} coordinates each, as E has columns"))
    return x - np.mean(x, axis=0)


def error(W, E, x):
    """The mean of |x - xhat|^2, xhat = b + W E (x - b)."""
    off = centred(x, E)
    return np.mean(np.sum((off - off @ E.T @ W.T)**2, axis=1))


def trained(x, E, rounds=150):
    """W (n, D) and E (D, n) after so many rounds of least squares, each layer in turn, from an encoder E.

    The error has saddles, but no other minimum. ValueError where the first codes are dependent: a saddle.
    """
    off = centred(x, E)
    if np.linalg.matrix_rank(off @ E.T) < len(E):
        raise ValueError(f"the codes of the data are combinations of one another: take an E (D={len(E)}, n) with "
                         "independent rows, and data that vary in as many directions")
    for _ in range(rounds):
        W = np.linalg.lstsq(off @ E.T, off, rcond=None)[0].T
        E = np.linalg.pinv(W)
    return W, E


# ---- the error

def error_of_principal_axes(x, D):
    """The error of a projection on the D leading eigenvectors."""
    _, U = eigen(x)
    return error(U[:, :D], U[:, :D].T, x)


def lowest_error(x, E):
    """The error after both layers are trained, from the encoder E."""
    return error(*trained(x, E), x)


def error_of_other_axes(x, kept):
    """The error of a projection on other eigenvectors: a saddle."""
    _, U = eigen(x)
    return error(U[:, kept], U[:, kept].T, x)


# ---- the plane (n, n)

def decoder_after_encoder(x, E):
    """W E after training: xhat - b = W E (x - b)."""
    W, E = trained(x, E)
    return W @ E


def plane_of_ppca(x, D):
    """W W^+ at the closed form of probabilistic PCA: the noise keeps the plane and shrinks the code."""
    W = closed_form(x, D).W
    return W @ np.linalg.pinv(W)


def reconstruction_of_ppca(x, D):
    """W M^-1 W', the mean of x given the mean code: shrunk towards b, no projection."""
    theta = closed_form(x, D)
    return theta.W @ np.linalg.solve(small(theta), theta.W.T)

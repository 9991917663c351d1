"""What the families share: how lam is read, and the rule that their nodes are made of."""
import autograd.numpy as np


def trapezoid(order):
    """Nodes (order,) and spacing on the line, balanced for exp(-t^2/2): either end errs by about exp(-pi order/2)."""
    h = np.sqrt(4 * np.pi / order)
    return h * (np.arange(order) - (order - 1) / 2), h


def halves(lam):
    """Locations and log scales, the halves of lam (..., 2 D) along its last axis; ValueError for an odd length."""
    P = np.shape(lam)[-1]
    if P % 2 or P == 0:
        raise ValueError(f"lam has shape {np.shape(lam)}, expected (..., 2 D): D locations, then D log scales")
    return lam[..., :P // 2], lam[..., P // 2:]


def pair(lam):
    """The two entries of lam (..., 2) along its last axis; ValueError for another length."""
    if np.shape(lam)[-1] != 2:
        raise ValueError(f"lam has shape {np.shape(lam)}, expected (..., 2)")
    return lam[..., 0], lam[..., 1]


def times_log(k, z):
    """k log z for z >= 0, at z = 0 and at infinity its limit for k of any sign, which for k = 0 is zero."""
    edge = (z == 0) | (z == np.inf)
    limit = np.where(k == 0, 0., np.where((k > 0) == (z == 0), -np.inf, np.inf))
    return np.where(edge, limit, k * np.log(np.where(edge | (z < 0), 1., z)))


def within(inside, log_density):
    """log_density where inside, minus infinity elsewhere."""
    return np.where(inside, log_density, -np.inf)

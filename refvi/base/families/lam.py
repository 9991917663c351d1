"""How every family reads its lam, and the rule its nodes are made of."""
import autograd.numpy as np


def trapezoid(order):
    """Equally spaced nodes on the line, balanced for exp(-t^2/2): truncation and spacing both err by about exp(-pi order/2)."""
    h = np.sqrt(4 * np.pi / order)
    return h * (np.arange(order) - (order - 1) / 2), h


def halves(lam):
    """The first and the second half of lam along its last axis: locations and log scales."""
    P = np.shape(lam)[-1]
    if P % 2 or P == 0:
        raise ValueError(f"lam has shape {np.shape(lam)}, expected (..., 2 D): D locations, then D log scales")
    return lam[..., :P // 2], lam[..., P // 2:]


def pair(lam):
    """The two entries of lam along its last axis."""
    if np.shape(lam)[-1] != 2:
        raise ValueError(f"lam has shape {np.shape(lam)}, expected (..., 2)")
    return lam[..., 0], lam[..., 1]

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

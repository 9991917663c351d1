"""A walk through the plane is a walk through digits, one turning into the next: mean images on a grid of equal
probability. PML.145, PML.152.

15 by 15 points z whose coordinates are the quantiles 0.001 to 0.999 of the standard normal in equal steps; z_1 grows
to the right and z_2 upwards.
"""
import numpy as np
from scipy.special import ndtri

from digits import QUICK, fitted, packed, show, unpacked, watched      # noqa: F401
from refvi.generative.vae import evaluate

FORMAT, EXPENSIVE = "png", True
SIDE, EDGE = 15, 0.001


def data(rng, **how):
    return manifold(rng, "mnist", **how)


def grid(side=SIDE):
    """Points (side^2, 2), row after row from the top.

    The first coordinate grows along a row, the second falls from row to row.
    """
    z = ndtri(np.linspace(EDGE, 1 - EDGE, side))
    return np.stack(np.meshgrid(z, z[::-1]), axis=-1).reshape(-1, 2)


def manifold(rng, kind, **how):
    """The mean images on the grid."""
    digits, fit = fitted(rng, kind, 2, **how)
    return dict(z=np.unique(grid()[:, 0]), random_means=packed(evaluate.means(fit.shape, fit.weights, grid())),
                random_fit=watched(fit, digits))


def draw(figure, z, random_means, random_fit):
    figure.set_size_inches(4.4, 4.4)
    axes = figure.add_subplot()
    show(axes, unpacked(random_means), len(z), gap=0)
    places = [1, 4, 7, 10, 13]
    axes.set(xlabel="$z_1$", ylabel="$z_2$", title=str(random_fit))
    axes.set_xticks([28 * i + 14 for i in places], [f"{z[i]:.1f}" for i in places])
    axes.set_yticks([28 * i + 14 for i in places], [f"{z[::-1][i]:.1f}" for i in places])

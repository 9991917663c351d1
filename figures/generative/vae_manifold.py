"""A walk through the plane is a walk through digits, one turning into the next: mean images on a grid of equal
probability. PML.145, PML.152.

15 by 15 points z whose coordinates are the quantiles 0.001 to 0.999 of the standard normal in equal steps; z_1 grows
to the right and z_2 upwards. Moved by hand: the middle row, one image at a time.
"""
import numpy as np
from matplotlib.patches import Rectangle
from scipy.special import ndtri

from digits import QUICK, fitted, packed, show, unpacked, watched      # noqa: F401
from refvi.generative.vae import evaluate

SIZE, FRAME_SIZE = (4.4, 4.4), (6.4, 3.4)
FORMAT, EXPENSIVE = "png", True
SIDE, EDGE = 15, 0.001
SLIDER = ("code z₁, while z₂ = 0", [f"{z:.2f}" for z in ndtri(np.linspace(EDGE, 1 - EDGE, SIDE))])


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
    axes = figure.add_subplot()
    show(axes, unpacked(random_means), len(z), gap=0)
    places = [1, 4, 7, 10, 13]
    axes.set(xlabel="$z_1$", ylabel="$z_2$", title=str(random_fit))
    axes.set_xticks([28 * i + 14 for i in places], [f"{z[i]:.1f}" for i in places])
    axes.set_yticks([28 * i + 14 for i in places], [f"{z[::-1][i]:.1f}" for i in places])


def draw_frame(figure, frame, z, random_means, random_fit):
    """The sheet, one of its images marked, and that image."""
    left, right = figure.subplots(1, 2)
    images, middle = unpacked(random_means), len(z) // 2
    show(left, images, len(z), gap=0)
    left.add_patch(Rectangle((28 * frame, 28 * middle), 28, 28, fill=False, edgecolor="C2", linewidth=2))
    left.set(xlabel="$z_1$", ylabel="$z_2$", title=str(random_fit))
    show(right, images[len(z) * middle + frame][None], 1, gap=0)
    for axes in figure.axes:
        axes.images[0].set_interpolation("none")        # keeps the pixels of an SVG few
    right.set_title(f"z = ({z[frame]:.2f}, 0): the mean image")

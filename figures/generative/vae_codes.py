"""All codes together fill the prior, each digit's a province of it: densities of codes z ~ q(z|x) of test images.
PML.145, PML.152.

Left: contours of the density of all codes at the heights which N(0, I) has at 1, 2 and 3 standard deviations, where
its circles (dashed) lie. The others: each digit by itself, shaded from a fifth of its density's peak upwards, darker
from three fifths. Densities are averages of kernels of standard deviation 0.15 around the codes.
"""
import numpy as np

from digits import CIRCLES, QUICK, circles, fitted, watched        # noqa: F401
from refvi.generative.vae import evaluate

EXPENSIVE = True
GRID, EDGE, WIDTH = 57, 4.2, 0.15
HEIGHTS = np.exp(-0.5 * np.array([3., 2., 1.])**2) / (2 * np.pi)       # of the density of N(0, I)


def data(rng, **how):
    return densities(rng, "mnist", **how)


def densities(rng, kind, **how):
    """The density of all codes and of each digit's on a square grid; one draw of q for each image."""
    digits, fit = fitted(rng, kind, 2, **how)
    lam = evaluate.encoded(fit.shape, fit.weights, digits.test.images).astype(float)
    z = lam[:, :2] + np.exp(lam[:, 2:]) * rng.standard_normal((len(lam), 2))
    parts = [density(z)] + [density(z[digits.test.labels == digit]) for digit in range(10)]
    return dict(grid=axis(), random_density=np.round(parts, 4), random_fit=watched(fit, digits))


def axis():
    return np.linspace(-EDGE, EDGE, GRID)


def density(z):
    """The average of normal kernels around z (N, 2), (second coordinate, first coordinate)."""
    along = [np.exp(-0.5 * ((axis()[:, None] - column) / WIDTH)**2) / (WIDTH * np.sqrt(2 * np.pi)) for column in z.T]
    return along[1] @ along[0].T / len(z)


def draw(figure, grid, random_density, random_fit):
    figure.set_size_inches(7.2, 3.3)
    panels = figure.add_gridspec(2, 8, width_ratios=(1, 1, 0.15, 1, 1, 1, 1, 1))
    all_codes = figure.add_subplot(panels[:, :2], aspect="equal")
    circles(all_codes)
    all_codes.contour(grid, grid, random_density[0], levels=HEIGHTS, colors="C1", linewidths=(0.8, 1.2, 1.8))
    all_codes.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), xlabel="$z_1$", ylabel="$z_2$", title="all digits")
    for digit, density in enumerate(random_density[1:]):
        axes = figure.add_subplot(panels[digit // 5, 3 + digit % 5], aspect="equal")
        circles(axes, radii=(1, 2), linewidth=0.5)
        axes.contourf(grid, grid, density / density.max(), levels=(0.2, 0.6, 1.), colors=("C3", "C1"), zorder=2)
        axes.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=[], yticks=[])
        axes.set_title(str(digit), fontsize=9, pad=2)
    figure.suptitle(str(random_fit), fontsize=9)
    figure.legend(handles=[CIRCLES], loc="outside lower center")

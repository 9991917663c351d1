"""All codes together fill the prior, each digit's a province of it: densities of codes z ~ q(z|x) of test images. PML.145, PML.152.

Left: contours of the density of all codes (black) at the heights which N(0, I) has at 1, 2 and 3 standard deviations, where its circles (dashed) lie.
Right: for each digit the contour at half of its density's peak. Densities are averages of kernels of standard deviation 0.15 around the codes.
"""
import numpy as np

from digits import CIRCLES, QUICK, SHADES, circles, fitted, watched        # noqa: F401
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
    figure.set_size_inches(5.6, 3.4)
    figure.set_layout_engine("compressed")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes in (left, right):
        circles(axes)
        axes.set(aspect="equal", xlabel="$z_1$", xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE))
    left.contour(grid, grid, random_density[0], levels=HEIGHTS, colors="black", linewidths=(0.7, 1.1, 1.6))
    for digit, height in enumerate(random_density[1:]):
        right.contour(grid, grid, height, levels=[height.max() / 2], colors=SHADES[digit], linewidths=1.1)
        row, column = np.unravel_index(height.argmax(), height.shape)
        right.text(grid[column], grid[row], str(digit), color=SHADES[digit], ha="center", va="center", fontsize=11)
    left.set(ylabel="$z_2$", title=str(random_fit))
    right.set(title="by digit")
    figure.legend(handles=[CIRCLES], loc="outside lower center")

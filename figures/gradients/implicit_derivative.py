"""How a gamma draw moves with its shape: the implicit derivative of log z, against the quantile that is held fixed, falls from the lower tail upwards.

Lines: the derivative of log z times the shape, exact, for five shapes. Dots: differences of SciPy's quantile function with their error. A small shape
moves its lower quantiles by orders of magnitude, a large one moves all quantiles by about the same.
"""
import numpy as np
from scipy.special import gammaincinv

from refvi.base.families.implicit import gamma_log_quantile, gamma_path

SHAPES = np.array([0.1, 0.3, 1., 10., 1000.])
AT = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])


def quotient(a, u, h):
    return (np.log(gammaincinv(a * (1 + h), u)) - np.log(gammaincinv(a * (1 - h), u))) / (2 * h)


def data(rng):
    u = np.linspace(1e-3, 1 - 1e-3, 200)
    a = SHAPES[:, None]
    fine, coarse = quotient(a, AT, 1e-3), quotient(a, AT, 2e-3)
    return dict(a=SHAPES, u=u, line=a * gamma_path(a, gamma_log_quantile(a, -np.log1p(-u))), at=AT, difference=(4 * fine - coarse) / 3)


def draw(figure, a, u, line, at, difference):
    figure.set_size_inches(6, 3.6)
    axes = figure.add_subplot()
    for shape, curve, dots, style in zip(a, line, difference, ["-", "--", "-.", ":", "-"]):
        axes.plot(u, curve, color="0.55" if shape == a[-1] else "black", linestyle=style)
        axes.plot(at, dots, ".", color="0.55" if shape == a[-1] else "black", markersize=5)
        inside = shape < 2          # at the right end these three lie on each other
        axes.text(0.4 if inside else 1.01, np.interp(0.4, u, curve) * 1.12 if inside else curve[-1], f"a = {shape:g}", va="bottom" if inside else "center", fontsize=8)
    axes.set_yscale("log")
    axes.set(xlim=(0, 1.13), xticks=np.arange(0, 1.1, 0.2), xlabel="quantile u = F(z; a), held fixed", ylabel="a d log z / da",
             title="Gamma draws, moved by their shape a: lines exact, dots differences")

"""How a gamma draw moves with its shape at a fixed quantile: most in the lower tail of a small shape.

Lines: the derivative of log z times the shape, exact, for five shapes, against the quantile. Markers: differences of
SciPy's quantile function. A small shape moves its lower quantiles by orders of magnitude, a large one all alike.
"""
import numpy as np
from scipy.special import gammaincinv

from refvi.base.families.implicit import gamma_log_quantile, gamma_path

SHAPES = np.array([0.1, 0.3, 1., 10., 1000.])
AT = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])


def quotient(a, u, h):
    return (np.log(gammaincinv(a * (1 + h), u)) - np.log(gammaincinv(a * (1 - h), u))) / (2 * h)


def data(rng):
    u, a = np.linspace(1e-3, 1 - 1e-3, 200), SHAPES[:, None]
    fine, coarse = quotient(a, AT, 1e-3), quotient(a, AT, 2e-3)
    line = a * gamma_path(a, gamma_log_quantile(a, -np.log1p(-u)))
    return dict(a=SHAPES, u=u, line=line, at=AT, difference=(4 * fine - coarse) / 3)


def draw(figure, a, u, line, at, difference):
    figure.set_size_inches(6, 3.8)
    axes = figure.add_subplot()
    styles = zip(["C0", "C1", "C2", "C3", "C0"], ["-", "--", "-.", ":", (0, (1, 1))], ["o", "s", "^", "D", "v"])
    for shape, curve, dots, (color, style, marker) in zip(a, line, difference, styles):
        axes.plot(u, curve, color=color, linestyle=style)
        axes.plot(at, dots, marker, color=color)
        axes.plot([], [], color=color, linestyle=style, marker=marker, label=f"a = {shape:g}")
    axes.set_yscale("log")
    axes.set(xlim=(0, 1), xticks=np.arange(0, 1.1, 0.2), xlabel="quantile u = F(z; a), held fixed",
             ylabel="a d log z / da", title="Lines: exact. Markers: differences of quantiles.")
    figure.legend(loc="outside right center")

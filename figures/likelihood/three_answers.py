"""One density, three answers: mode, median and mean of a Gamma of shape 2 are each the best answer under a loss of
their own, and not under the others'. UA.035, SA.23.

Lines are exact: the density x exp(-x), the chance to be further off than 0.25, the expected distance and the expected
square. Upright ticks mark where each risk is least: the first lies above the mode, as far as 0.25 is above zero.
"""
import numpy as np
from scipy import special

SIZE = (6.4, 2.6)
NEAR = 0.25
NAMES = ("mode", "median", "mean")
LOSSES = ("further off than 0.25", "distance", "square")


def data(rng):
    x = np.linspace(0.01, 6, 300)
    a = np.linspace(0.3, 3, 271)
    low, high = np.maximum(a - NEAR, 0), a + NEAR
    off = 1 - special.gammainc(2, high) + special.gammainc(2, low)
    distance = a * (2 * special.gammainc(2, a) - 1) + 2 - 4 * special.gammainc(3, a)
    return dict(x=x, density=x * np.exp(-x), answers=[1., special.gammaincinv(2, 0.5), 2.], a=a,
                risks=np.stack([off, distance, 2 + (a - 2)**2]))


def draw(figure, x, density, answers, a, risks):
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    left.plot(x, density, color="C0")
    styles = ("-", "--", ":")
    for name, answer, style in zip(NAMES, answers, styles):
        left.plot([answer] * 2, [0, answer * np.exp(-answer)], color="C2", linestyle=style, label=name)
    left.set(xlabel="x", ylabel="density", ylim=(0, None), xlim=(0, 6))
    left.legend()
    for risk, loss, style in zip(risks, LOSSES, styles):
        right.plot(a, risk, color="C0", linestyle=style, label=loss)
        best = np.argmin(risk)
        right.plot(a[best], risk[best], "|", color="C2", markersize=12, markeredgewidth=2)
    right.set(xlabel="answer a", ylabel="risk", ylim=(0, 5), xlim=(0.3, 3))
    right.legend(title="cost", loc="upper right")

"""A relaxed categorical trades bias for noise: as the temperature falls, its bias vanishes, its sd grows like T^-1/2.

A coin with log odds 1, f(y) = (y - 0.55)^2. Upper: the relaxed gradient in the log odds, averages of 200,000 draws with
two standard errors on their exact line; the level it should have is dashed. Lower: the standard deviation of one draw.
Moved by hand: the density of the relaxed coin, exact, beside both lines.
"""
import numpy as np
from scipy.special import expit, logit

from refvi.gradients.distributions.relaxed import (expected_relaxed_slope, gradient_of_discrete_mean, gumbel_noise,
                                                   logistic_density, relaxed_gradient, variance_of_relaxed)

SIZE, FRAME_SIZE = (5.6, 4.6), (6.2, 3.2)
LAM, C, DRAWS = np.array([1., 0.]), 0.55, 200_000
TEMPERATURES = np.geomspace(0.1, 3., 10)
FINE = np.geomspace(0.09, 3.3, 80)
SLIDER = ("temperature τ", [f"{t:.2f}" for t in FINE[::4]])


def f(y):
    return (y - C)**2


def data(rng):
    eps = gumbel_noise(2)
    draws = [relaxed_gradient(eps.draw(rng, DRAWS, 1), f, LAM, t)[:, 0] for t in TEMPERATURES]
    sd = np.array([g.std() for g in draws])
    spread = np.array([((g - g.mean())**2).std() for g in draws])       # of the squares, whose mean the variance is

    def exact_slope(temperatures):
        return [expected_relaxed_slope(f, LAM, t)[0] for t in temperatures]

    def exact_sd(temperatures):
        return [variance_of_relaxed(f, LAM, t)**0.5 for t in temperatures]

    y = expit(np.linspace(-6, 6, 81))
    density = [logistic_density(t * logit(y) - LAM[0]) * t / (y * (1 - y)) for t in FINE[::4]]
    return dict(temperature=TEMPERATURES, fine=FINE, y=y, density=density,
                discrete=gradient_of_discrete_mean(f, LAM)[0],
                line_slope=exact_slope(FINE), line_sd=exact_sd(FINE),
                measured_slope=[g.mean() for g in draws], error_slope=sd / np.sqrt(DRAWS),
                exact_slope=exact_slope(TEMPERATURES),
                measured_sd=sd, error_sd=spread / np.sqrt(DRAWS) / (2 * sd), exact_sd=exact_sd(TEMPERATURES))


def draw(figure, temperature, fine, discrete, **numbers):
    for axes, name in zip(figure.subplots(2, 1, sharex=True), ("slope", "sd")):
        axes.plot(fine, numbers[f"line_{name}"], color="C1")
        error = 2 * numbers[f"error_{name}"]
        axes.errorbar(temperature, numbers[f"measured_{name}"], error, fmt="o", color="C0", capsize=2)
        axes.set_xscale("log")
    upper, lower = figure.axes
    upper.axhline(discrete, color="C2", linestyle="--")
    upper.annotate("gradient of the discrete mean", (fine[-1], discrete), (0, 3), textcoords="offset points",
                   ha="right", fontsize=9, color="C2")
    upper.axhline(0, color="0.8", linewidth=0.8)
    upper.set(ylabel="mean of the gradient", title="Relaxed coin: exact lines, measured dots")
    lower.set_yscale("log")
    lower.set(xlabel="temperature τ", ylabel="sd of one draw", ylim=(0.012, 0.4))
    lower.set_xticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
    lower.set_yticks([0.03, 0.1, 0.3], ["0.03", "0.1", "0.3"])
    for axis in (lower.xaxis, lower.yaxis):
        axis.set_ticks([], minor=True)


def draw_frame(figure, frame, fine, y, density, discrete, line_slope, line_sd, **numbers):
    """The relaxed coin at one temperature, and what its gradient then is."""
    left, right = figure.subplots(1, 2)
    left.plot(y, density[frame], color="C1")
    left.set(xlim=(0, 1), ylim=(0, 4), xlabel="relaxed coin y", ylabel="density")
    at = 4 * frame
    right.fill_between(fine, line_slope - line_sd, line_slope + line_sd, color="C3", alpha=0.25)
    right.plot(fine, line_slope, color="C1")
    right.errorbar(fine[at], line_slope[at], line_sd[at], fmt="o", color="C2", linewidth=2, capsize=3)
    right.axhline(discrete, color="C0", linestyle="--", linewidth=1)
    right.annotate("what it should be", (fine[-1], discrete), (0, -3), textcoords="offset points", ha="right", va="top",
                   fontsize=9)
    right.set(xscale="log", xlabel="temperature τ", ylabel="gradient", xticks=[0.1, 0.3, 1, 3],
              title=f"bias {line_slope[at] - discrete:.4f}, sd {line_sd[at]:.3f}")
    right.set_xticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
    right.set_xticks([], minor=True)

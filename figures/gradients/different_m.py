"""Different values of M: the average settles on the exact gradient, its variance falling as 1/M. PML.034.

The slide shows one sample for each M, as in does_it_work: here the draws, and the thick arrow of their average. Small
dots: where the averages of two hundred other samples of as many draws end. The titles say the standard error of the
average in the intercept and in the slope, in units of the gradient and before it is shrunk, as measured over fresh
repetitions; the bars are exact. Moved by hand: the first M of the last panel's draws.
"""
import numpy as np
from does_it_work import (LAM, SHRINK, add_legend, arrows, draw_arrows, draw_average, draw_contours, draw_gradient,
                          log_joint)
from score_function_error import spread

from refvi import diagonal_normal, noise
from refvi.gradients.score_function import weighted_score

SIZE, FRAME_SIZE = (6.2, 5.4), (5.2, 4.6)
DRAWS, TIPS = 200_000, 200
SLIDER = ("draws M in the average", [str(m + 1) for m in range(25)])


def data(rng):
    M, eps = [3, 5, 10, 25], noise(diagonal_normal, LAM)
    numbers = arrows(rng, M)
    averages = [weighted_score(eps.draw(rng, DRAWS // m, m), log_joint, diagonal_normal, LAM, 0.)[:, :2] for m in M]
    measured, error = zip(*map(spread, averages))
    return numbers | dict(measured_sd=measured, error_sd=error, random_tips=[a[:TIPS] for a in averages])


def draw(figure, M, posterior, q, random_theta, random_green, random_tips, gradient, exact_sd, measured_sd, **numbers):
    figure.set_layout_engine("compressed")
    panels, first = figure.subplots(2, 2, sharex=True, sharey=True), 0
    for i, axes in enumerate(panels.flat):
        draw_contours(axes, posterior, q)
        axes.plot(*random_theta[first:first + M[i]].T, "o", color="C0", markersize=2.5, zorder=4)
        axes.plot(*(LAM[:2] + SHRINK * random_tips[i]).T, ".", color="C2", markersize=2, zorder=3,
                  label="averages of other samples")
        draw_average(axes, random_green[i])
        draw_gradient(axes, gradient, exact_sd[i])
        axes.set(aspect="equal", xlim=(0, 2), ylim=(-0.2, 1.2), xticks=[0, 0.5, 1, 1.5, 2], yticks=[0, 0.5, 1])
        axes.set_title(f"M = {M[i]}: standard error {measured_sd[i, 0]:.0f}, {measured_sd[i, 1]:.0f}")
        axes.grid(color="0.92")
        first += M[i]
    for axes in panels[-1]:
        axes.set_xlabel("intercept θ₀")
    for axes in panels[:, 0]:
        axes.set_ylabel("slope θ₁")
    add_legend(figure, panels[0, 0], ("green", "posterior", "q"))


def draw_frame(figure, frame, M, posterior, q, random_theta, random_black, gradient, exact_sd, **numbers):
    """The average of the first draws of a sample of 25."""
    figure.set_layout_engine("compressed")
    axes, none = figure.add_subplot(), np.zeros((0, 2))
    theta, black = random_theta[-M[-1]:][:frame + 1], random_black[-M[-1]:][:frame + 1]
    sd = exact_sd[0] * np.sqrt(M[0] / (frame + 1))
    draw_contours(axes, posterior, q)
    draw_arrows(axes, theta, none, black, black.mean(axis=0))
    draw_gradient(axes, gradient, sd)
    axes.set(aspect="equal", xlim=(0, 2), ylim=(-0.2, 1.2), xticks=[0, 0.5, 1, 1.5, 2], yticks=[0, 0.5, 1],
             xlabel="intercept θ₀", ylabel="slope θ₁",
             title=f"M = {frame + 1}: standard error {sd[0]:.0f}, {sd[1]:.0f}")
    axes.grid(color="0.92")
    add_legend(figure, axes, ("black", "green", "posterior", "q"))

"""Black-box variational inference at work: q finds the posterior, and ends narrower than its marginals. PML.037.

A regression on five inputs, its targets on the line that has the slide's posterior (what they scatter about it moves
only the evidence). Dashed: the exact posterior. Solid: q, which starts as N(0, 1.5^2 I), and the trail of its means,
one dot for each frame: frame k shows step 2 k^2, slow motion first. The last frame lies beside the best factorized
normal, whose standard deviations are those of one weight given the other.
"""
import numpy as np
from does_it_work import POSTERIOR_LEVELS, Q_LEVELS, STYLE, contours
from matplotlib.lines import Line2D

from refvi import diagonal_normal
from refvi.base.models import linear_gaussian, mean_field, posterior, regression
from refvi.base.optimize import robbins_monro
from refvi.gradients.bbvi.algorithm import bbvi

Y = np.column_stack([np.ones(5), np.linspace(0, 1, 5)])
THETA = regression(Y, prior_sd=10., noise_sd=0.1)
X = Y @ [1.041, 0.508]
START = np.log([1, 1, 1.5, 1.5])        # mean (0, 0), standard deviations 1.5
EXPENSIVE, FRAMES, FRAMES_PER_SECOND = True, 51, 6
STEPS = 2 * np.arange(FRAMES)**2
STRIP = (0, 1, 5, 10, 20, 50)
Q = dict(color="C2", linewidth=1.4)
TRAIL = dict(color="C0", linewidth=0.6, marker="o", markersize=1.5)


def data(rng):
    path = [START]

    def log_joint(theta):
        return linear_gaussian.log_joint(theta, X, THETA)

    def watch(step, lam):
        if step in STEPS:
            path.append(lam.copy())

    bbvi(log_joint, diagonal_normal, START, rng, int(STEPS[-1]), 64, robbins_monro(0.03, delay=1500), watch)
    mean, precision = posterior(X, THETA)
    covariance = np.linalg.inv(precision)
    return dict(posterior=contours(mean, covariance, POSTERIOR_LEVELS), posterior_sd=np.sqrt(np.diag(covariance)),
                best=mean_field(X, THETA), random_lam=path)


def draw(figure, **numbers):
    """The strip: six frames of the animation."""
    figure.set_size_inches(5.2, 4.9)
    figure.set_layout_engine("compressed")
    panels = figure.subplots(3, 2, sharex=True, sharey=True)
    for axes, frame in zip(panels.flat, STRIP):
        draw_panel(axes, frame, **numbers)
    for axes in panels[-1]:
        axes.set_xlabel("intercept θ₀")
    for axes in panels[:, 0]:
        axes.set_ylabel("slope θ₁")
    add_legend(figure, "outside lower center")


def draw_frame(figure, frame, **numbers):
    """One frame of the animation, its axes where those of every other frame are."""
    figure.set_size_inches(5.2, 3.25)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.1, 0.23, 0.87, 0.7))
    draw_panel(axes, frame, **numbers)
    axes.set(xlabel="intercept θ₀", ylabel="slope θ₁")
    add_legend(figure, "lower center")


def draw_panel(axes, frame, posterior, posterior_sd, best, random_lam):
    for ellipse in posterior:
        axes.plot(*ellipse.T, **STYLE["posterior"])
    means, sd = random_lam[:frame + 1, :2], np.exp(random_lam[frame, 2:])
    for ellipse in contours(means[-1], np.diag(sd**2), Q_LEVELS):
        axes.plot(*ellipse.T, **Q)
    axes.plot(*means.T, **TRAIL)
    axes.set(aspect="equal", xlim=(0, 2), ylim=(0, 1), xticks=np.arange(0, 2.1, 0.5), yticks=np.arange(0, 1.1, 0.5))
    axes.set_title(f"step {STEPS[frame]}: sd {sd[0]:.3f}, {sd[1]:.3f}")
    axes.grid(color="0.92")


def add_legend(figure, place):
    lines = {"posterior": STYLE["posterior"], "q(θ|λ)": Q, "means of q so far": TRAIL}
    figure.legend(handles=[Line2D([], [], label=label, **style) for label, style in lines.items()], loc=place, ncols=3)

"""Does it work? Five weighted scores pull to all sides; their average is an unbiased, noisy gradient. PML.032.

Two inputs of a regression, 0 and 1; targets and noise are read off the slide's vector graphics. Dashed ellipses: the
exact posterior; solid ones: q. Dots: draws of q. Open arrows, red on the slide: the score in the mean of q. Thin
black: the score times the log weight log p(theta, D) - log q(theta), which is negative for all draws but those near
the posterior, so that black runs against red. Thick, green on the slide: the average of the black arrows, with the
upper limit M of the sum, where the slide writes m (PML.035). Cross: the exact gradient of the bound, its bars one
standard error of the average in each coordinate. Every shaft is drawn at 0.002 of its length: the gradients are
hundreds of units long, so what the slide calls increased is shrunk (PML.036). Heads come on top, so that the shortest
arrow shows where it points.
"""
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from refvi import diagonal_normal, noise
from refvi.base.core import score
from refvi.base.models import linear_gaussian, posterior, regression
from refvi.gradients.score_function import expected_weighted_score, variance_of_average, weighted_score

X = np.array([1.054, 1.489])
THETA = regression([[1., 0.], [1., 1.]], prior_sd=1., noise_sd=0.1)
LAM = np.array([1.5, 0.6, np.log(0.2), np.log(0.2)])
SHRINK = 0.002
POSTERIOR_LEVELS, Q_LEVELS = (0.9, 0.7, 0.5, 0.3, 0.1), (0.8, 0.6, 0.4, 0.2)     # parts of the peak


def data(rng):
    return arrows(rng, [5])


def draw(figure, **numbers):
    draw_panels(figure, (5.2, 3.85), ["M = 5 draws of q"], **numbers)


# ---- the numbers, shared with different_samples and different_m

def log_joint(theta):
    return linear_gaussian.log_joint(theta, X, THETA)


def log_weight(theta):
    return log_joint(theta) - diagonal_normal.log_prob(theta, LAM)


def arrows(rng, M):
    """For panels of M[i] draws: draws, scores, weighted scores (sum of M, 2), averages and their errors (panels, 2)."""
    q, eps = diagonal_normal, noise(diagonal_normal, LAM)
    draws = [eps.draw(stream(rng), 1, m) for m in M]
    theta = np.concatenate(draws, axis=1)[0]
    red = score(q, theta, LAM)[:, :2]
    mean, precision = posterior(X, THETA)
    return dict(M=M, posterior=contours(mean, np.linalg.inv(precision), POSTERIOR_LEVELS),
                q=contours(LAM[:2], np.diag(np.exp(2 * LAM[2:])), Q_LEVELS),
                random_theta=theta, random_red=red, random_black=log_weight(theta)[:, None] * red,
                random_green=[weighted_score(z, log_joint, q, LAM, 0.)[0, :2] for z in draws],
                gradient=expected_weighted_score(log_joint, q, LAM)[:2],
                exact_sd=[np.sqrt(variance_of_average(log_weight, q, LAM, 0., m))[:2] for m in M])


def stream(rng):
    """A generator of its own for one panel, in place of the slide's seeds."""
    return np.random.Generator(np.random.SFC64(rng.integers(2**32, size=4)))


def contours(mean, covariance, levels):
    """Where a normal density in the plane has these parts of its peak: ellipses (levels, points, 2)."""
    angle = np.linspace(0, 2 * np.pi, 61)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1) @ np.linalg.cholesky(covariance).T
    return mean + np.sqrt(-2 * np.log(levels))[:, None, None] * circle


# ---- the picture

# The keys are the slide's colours. Here every kind has a line or a head of its own, so that grey is enough.
STYLE = dict(posterior=dict(color="C1", linewidth=0.8, linestyle="--"), q=dict(color="C3", linewidth=1.2),
             red=dict(color="C2", linewidth=1.2, marker=">", markerfacecolor="white"),
             black=dict(color="C0", linewidth=0.8),
             green=dict(color="C4", linewidth=4, path_effects=[withStroke(linewidth=5.5, foreground="black")]))
LABELS = dict(red="∇ log q(θᵢ|λ)", black="log(p/q) · ∇ log q(θᵢ|λ)", green="average of M weighted scores",
              posterior="posterior p(θ|D)", q="approximation q(θ|λ)")


def draw_panels(figure, size, titles, M, posterior, q, random_theta, random_red, random_black, random_green, gradient,
                exact_sd):
    """The panels two by two, or one alone, on shared axes, their legend below; returns the panels."""
    figure.set_size_inches(*size)
    figure.set_layout_engine("compressed")
    panels = figure.subplots(*((1, 1) if len(M) == 1 else (2, 2)), sharex=True, sharey=True, squeeze=False)
    own = [np.split(a, np.cumsum(M)[:-1]) for a in (random_theta, random_red, random_black)]
    for axes, title, green, sd, theta, red, black in zip(panels.flat, titles, random_green, exact_sd, *own):
        draw_contours(axes, posterior, q)
        draw_arrows(axes, theta, red, black, green)
        draw_gradient(axes, gradient, sd)
        axes.set(aspect="equal", xlim=(0, 2), ylim=(0, 1), title=title)
        axes.set(xticks=np.arange(0, 2.1, 0.5), yticks=np.arange(0, 1.1, 0.5))
        axes.grid(color="0.92")
    for axes in panels[-1]:
        axes.set_xlabel("intercept θ₀")
    for axes in panels[:, 0]:
        axes.set_ylabel("slope θ₁")
    add_legend(figure, panels[0, 0])
    return panels


def add_legend(figure, axes, keys=LABELS):
    """The legend below: what stands in these keys, and what the axes name themselves."""
    handles = [Line2D([], [], label=LABELS[key], **STYLE[key]) for key in keys] + axes.get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, title_fontsize=9,
                  title=f"gradients in the mean of q, shafts at {SHRINK} of their length")


def draw_contours(axes, posterior, q):
    for ellipses, style in ((posterior, STYLE["posterior"]), (q, STYLE["q"])):
        for ellipse in ellipses:
            axes.plot(*ellipse.T, **style)


def draw_arrows(axes, theta, red, black, green):
    axes.plot(*theta.T, "o", color="C0", markersize=2.5, zorder=4)
    for start, step in zip(theta, black):
        axes.arrow(*start, *SHRINK * step, color="C0", width=0.002, linewidth=0.6, head_width=0.022, head_length=0.03,
                   zorder=3)
    for start, step in zip(theta, red):
        axes.arrow(*start, *SHRINK * step, facecolor="white", edgecolor="C2", width=0.004, linewidth=0.9,
                   head_width=0.045, head_length=0.045, zorder=5)
    draw_average(axes, green)


def draw_average(axes, green):
    axes.arrow(*LAM[:2], *SHRINK * green, facecolor="C4", edgecolor="black", linewidth=0.7, width=0.03, head_width=0.08,
               head_length=0.07, zorder=6)


def draw_gradient(axes, gradient, sd):
    """The exact gradient, and how far the average of M draws scatters about it."""
    axes.errorbar(*LAM[:2] + SHRINK * gradient, SHRINK * sd[1], SHRINK * sd[0], fmt="x", color="black", linewidth=0.9,
                  capsize=2, markersize=6, zorder=7, label="exact gradient ± standard error")

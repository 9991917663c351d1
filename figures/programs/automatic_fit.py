"""Left to itself, the bound of either family climbs to its exact optimum; only a full normal leans as the posterior
does.

Left: the regression of the code task. Marks: average log weight of 40 steps of 8 draws each, with two standard errors;
lines: the log evidence, which a full normal reaches, and the highest bound of a product. Right: a logistic regression
with eight data. Shaded: the posterior by quadrature, 50 and 90 percent of its mass. Ellipses: the same shares of both
fits.
"""
import numpy as np

from refvi import full_normal
from refvi.base.models import elbo, log_evidence, mean_field
from refvi.programs.automatic import examples
from refvi.programs.automatic.fit import FAMILIES, fit

X, Y = np.array([0., 0, 0, 1, 0, 1, 1, 1]), np.column_stack([np.ones(8), np.linspace(-1, 2, 8)])
EXPENSIVE = True
MASS = np.array([0.5, 0.9])
STYLE = {"mean-field": dict(color="C2", linestyle="--", marker="s"),
         "full-rank": dict(color="C1", linestyle="-", marker="o")}


def data(rng):
    x, theta = examples.code_task()
    traces = [fit(*examples.known_noise(x, theta), rng, family, steps=800, spread=0.3).trace for family in FAMILIES]
    exact = examples.logistic_exact(X, Y)
    sd = np.sqrt(np.diag(exact.covariance))
    axes, log_joint, cell = examples.logistic_grid(X, Y, exact.mean, sd, points=91, wide=3.2)
    density = np.exp(log_joint - exact.log_evidence)
    fits = [fit(*examples.logistic(), rng, family, steps=800, S=16, data=(X, Y), spread=0.5) for family in FAMILIES]
    return dict(step=[block.last for block in traces[0]],
                random_elbo=[[block.elbo for block in trace] for trace in traces],
                random_error=[[block.error for block in trace] for trace in traces],
                evidence=log_evidence(x, theta), best_product=elbo(mean_field(x, theta), x, theta),
                offset=axes[0], slope=axes[1], density=density.round(6),
                levels=[level(density, cell, share) for share in MASS],
                random_mean=[found.lam[:2] for found in fits], random_factor=[factor(found.lam) for found in fits])


def level(density, cell, share):
    """The density above which this share of the mass lies."""
    falling = np.sort(density.ravel())[::-1]
    return np.interp(share, np.cumsum(falling) * cell, falling)


def factor(lam):
    """R (2, 2) of either family."""
    lam = np.concatenate([lam, np.zeros(5 - len(lam))])
    return (full_normal.transport(np.eye(2), lam) - lam[:2]).T


def draw(figure, **numbers):
    figure.set_size_inches(6.6, 3.1)
    left, right = figure.subplots(1, 2)
    draw_bounds(left, **numbers)
    draw_posteriors(right, **numbers)


def draw_bounds(axes, step, random_elbo, random_error, evidence, best_product, **_):
    for name, values, errors, line in zip(FAMILIES, random_elbo, random_error, (best_product, evidence)):
        style = STYLE[name]
        axes.axhline(line, color=style["color"], linestyle=style["linestyle"], linewidth=1)
        axes.errorbar(step, values, 2 * errors, fmt=style["marker"], color=style["color"], markersize=3, linewidth=0.8,
                      label=name)
    axes.text(800, evidence + 0.06, "log evidence", ha="right", va="bottom", fontsize=9, color="C1")
    axes.text(800, best_product - 0.25, "best product", ha="right", va="top", fontsize=9, color="C2")
    axes.set(xlabel="step t", ylabel="ELBO in nats", ylim=(-6.6, -2.4), title="Regression, known noise")
    axes.legend(loc="lower right")


def draw_posteriors(axes, offset, slope, density, levels, random_mean, random_factor, **_):
    inner, outer = levels
    axes.contourf(offset, slope, density.T, [outer, inner, 1.01 * np.max(density)], colors=["0.88", "0.76"])
    axes.fill_between([], [], [], color="0.82", label="posterior, 50 and 90 %")
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    for name, mean, R in zip(FAMILIES, random_mean, random_factor):
        for number, share in enumerate(MASS):
            ellipse = mean[:, None] + np.sqrt(-2 * np.log(1 - share)) * R @ circle
            axes.plot(*ellipse, color=STYLE[name]["color"], linestyle=STYLE[name]["linestyle"], linewidth=1.1,
                      label=None if number else name)
    axes.set(xlabel="offset θ₀", ylabel="slope θ₁", title="Logistic regression",
             ylim=(slope[0], slope[-1] + 0.3 * (slope[-1] - slope[0])))
    axes.legend(loc="upper right", fontsize=8)

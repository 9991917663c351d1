"""After 5000 steps the path has climbed further than the score function, at every step size that is not tiny. PML.077.

The code task's data. Vertical: the best ELBO of a diagonal normal, -5.0926 nats, less the exact ELBO after 5000 steps
of plain gradient ascent in (mu, log sigma) from (0, 0), standard deviations 1, at a constant step size; lines join the
medians of five runs, drawn as small dots. Neither estimator has a baseline, as in the exercises; both see the same
seeds. Markers at the top edge: of the five runs most have run away, a parameter having passed 100. Vertical line: 2
over the largest curvature of the bound, beyond which the exact gradient runs away as well.
"""
import numpy as np
from bbvi_run import THETA
from matplotlib.lines import Line2D

from refvi.base.models import elbo, mean_field, posterior
from refvi.gradients.bbvi import regression as by_score
from refvi.gradients.reparameterization import regression as by_path

X = np.array([0.9795292340515287, 1.172894333805755, 1.198056128494326, 1.319426969565251, 1.6965780572502713])
START, RATES, M, STEPS, RUNS, FAR = np.zeros(4), np.geomspace(1e-5, 1e-2, 10), (1, 5, 25), 5000, 5, 100.
EXPENSIVE, QUICK = True, dict(rates=RATES[::5], runs=1)
STYLE = {"score": ("C2", "score function"), "path": ("C1", "path")}
LINES = {1: (":", "o"), 5: ("--", "s"), 25: ("-", "^")}
TOP = 3e3


def climb(gradient, noise, rate):
    """Distance to the best bound in nats where STEPS steps have led, -1 where they ran away."""
    lam = START.tolist()
    for draws in noise:
        lam = [v + rate * g for v, g in zip(lam, gradient(lam, draws))]
        if not max(map(abs, lam)) < FAR:
            return -1.
    return elbo(mean_field(X, THETA), X, THETA) - elbo(np.array(lam), X, THETA)


def data(rng, rates=RATES, runs=RUNS, draws=M):
    """Both by the gradients of the fast loops; the score function's weights keep the constant of the log joint."""
    B, constant = by_score.whitened(X, THETA), by_score.log_constant(THETA)
    path = by_path.hand_written(*by_path.sums_over_data(X, THETA), explicit=False)
    numbers = dict(rate=rates, longest=2 / np.linalg.eigvalsh(posterior(X, THETA)[1])[-1])
    for m in draws:
        weighted = by_score.hand_written(B, m)

        def score(lam, draws):
            return weighted(lam, *draws, -constant)[0]

        kinds = {"score": (score, by_score.noise_of_each_step), "path": (path, by_path.moments_of_each_step)}
        seeds = rng.integers(2**32, size=(runs, 4))
        for name, (gradient, noise_of) in kinds.items():
            def end(rate, seed):
                noise = noise_of(np.random.Generator(np.random.SFC64(seed)), STEPS, m, 2)
                return climb(gradient, noise, rate)
            numbers[f"random_{name}_{m}"] = [[end(rate, seed) for seed in seeds] for rate in rates]
    return numbers


def draw(figure, rate, longest, **numbers):
    figure.set_size_inches(5.2, 3.9)
    axes = figure.add_subplot()
    for name, (color, _) in STYLE.items():
        for m, (line, marker) in LINES.items():
            runs = numbers[f"random_{name}_{m}"]
            runs = np.where(runs < 0, TOP, runs)
            middle = np.median(runs, axis=1)
            axes.plot(rate, middle, color=color, linestyle=line, marker=marker, clip_on=False)
            single = np.repeat(rate, runs.shape[1]), runs.ravel()
            axes.plot(*single, ".", color=color, markersize=2, alpha=0.6)
    axes.axvline(longest, color="0.5", linewidth=0.8)
    axes.text(longest, 1.3e-4, " 2 / curvature", fontsize=8, color="0.3")
    axes.axhline(TOP, color="0.8", linewidth=0.8)
    axes.text(rate[0], TOP, "ran away", fontsize=8, va="bottom", color="0.3")
    axes.set(xscale="log", yscale="log", ylim=(1e-4, TOP), xlabel="step size ρ",
             ylabel="distance to the best bound (nats)")
    axes.grid(color="0.92")
    handles = [Line2D([], [], color=STYLE[name][0], linestyle=line, marker=marker, label=f"{STYLE[name][1]}, M = {m}")
               for name in STYLE for m, (line, marker) in LINES.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)

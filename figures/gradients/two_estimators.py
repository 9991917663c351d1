"""With small steps both estimators climb alike; with large ones path gradients climb from a single draw, where the score function needs 25. PML.077.

The code task's data. Vertical: the best ELBO of a diagonal normal, -5.0926 nats, less the exact ELBO after so many steps of plain gradient ascent
in (mu, log sigma) from (0, 0), standard deviations 1, at a constant rate. Grey: the score function; black: the slide's path estimate, on the same
noise. Neither has a baseline, as in the exercises. A line that ends early has run away: a parameter passed 100.
"""
import numpy as np
from bbvi_run import THETA
from matplotlib.lines import Line2D

from refvi.base.models import elbo, mean_field
from refvi.gradients.bbvi import regression as by_score
from refvi.gradients.reparameterization import regression as by_path

X = np.array([0.9795292340515287, 1.172894333805755, 1.198056128494326, 1.319426969565251, 1.6965780572502713])     # the notebook's targets
START, RATES, M, STEPS, FAR = np.zeros(4), (1e-5, 1e-4, 1e-3), (1, 5, 25), 5000, 100.
EXPENSIVE = True
KEPT = np.unique(np.round(np.geomspace(1, STEPS, 80)).astype(int))


def climb(gradient, noise, rate):
    """Distance to the best bound in nats at the steps that are kept, -1 where they are not reached."""
    lam, best, distance = START.tolist(), elbo(mean_field(X, THETA), X, THETA), np.full(len(KEPT), -1.)
    for step, draws in enumerate(noise, 1):
        lam = [v + rate * g for v, g in zip(lam, gradient(lam, draws))]
        if not max(map(abs, lam)) < FAR:
            break
        if step in KEPT:
            distance[KEPT == step] = best - elbo(np.array(lam), X, THETA)
    return distance


def data(rng):
    """Both by the gradients of the fast loops, the score function's without a baseline: its weights keep the constant of the log joint."""
    B, constant, by_sums = by_score.whitened(X, THETA), by_score.log_constant(THETA), by_path.hand_written(*by_path.sums_over_data(X, THETA), explicit=False)
    numbers = dict(step=KEPT)
    for r, rate in enumerate(RATES):
        for m in M:
            by_scores, seed = by_score.hand_written(B, m), rng.integers(2**32, size=4)
            noises = [noise(np.random.Generator(np.random.SFC64(seed)), STEPS, m, 2) for noise in (by_score.noise_of_each_step, by_path.moments_of_each_step)]
            numbers |= {f"random_score_{r}_{m}": climb(lambda lam, draws: by_scores(lam, *draws, -constant)[0], noises[0], rate),
                        f"random_path_{r}_{m}": climb(by_sums, noises[1], rate)}
    return numbers


def draw(figure, step, **numbers):
    figure.set_size_inches(5.2, 6.4)
    figure.set_layout_engine("compressed")
    panels = figure.subplots(len(RATES), 1, sharex=True)
    for r, (axes, rate) in enumerate(zip(panels, RATES)):
        for name, color in (("score", "0.6"), ("path", "black")):
            for m, line in zip(M, (":", "--", "-")):
                distance = numbers[f"random_{name}_{r}_{m}"]
                reached = distance >= 0
                axes.plot(step[reached], distance[reached], color=color, linestyle=line, linewidth=1.3)
        axes.set(xscale="log", yscale="log", ylim=(5e-4, 5e3), ylabel="distance to best (nats)", title=f"step size ρ = {rate:.0e}")
        axes.grid(color="0.92")
    panels[-1].set_xlabel("step t")
    handles = [Line2D([], [], color=color, linestyle=line, label=f"{name}, M = {m}") for m, line in zip(M, (":", "--", "-"))
               for name, color in (("score", "0.6"), ("path", "black"))]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)

"""Where most y have several x, a normal head puts its mean between them, and a latent variable tells them apart. WI.41,
SA.50.

400 toy pairs, y a bent function of x with little noise, and p(x | y) of a network with a normal head and of one with a
normal z, both by maximum likelihood. Left and middle: the densities in grey under half of the pairs. Right: a cut at
y = 0, with the density that the pairs come from. Nats per held-out x, of 4000, over the panels.
"""
import numpy as np

from refvi.marginal.decoders import fit
from refvi.marginal.decoders.model import log_evidence

EXPENSIVE = True
SIZE = (8.2, 2.8)
QUICK = dict(steps=20)
ORDER = 300


def density(model, theta, x, y):
    """p(x | y) (len(x), len(y))."""
    pairs = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    log_p = np.concatenate([log_evidence(part[:, :1], part[:, 1:], theta, model, ORDER)
                            for part in np.array_split(pairs, 20)])
    return np.exp(log_p).reshape(len(x), len(y))


def truth(x, y):
    """p(x | y) on a grid of x, from Bayes' rule: x uniform, y normal around its curve."""
    t, at = x / 3.5 + 0.5, y / 3 + 0.5
    p = np.where(np.abs(t - 0.5) < 0.5, np.exp(-0.5 * ((at - t - 0.3 * np.sin(2 * np.pi * t)) / 0.08)**2), 0.)
    return p / (np.sum(p) * (x[1] - x[0]))


def data(rng, steps=3000):
    (x, y), (new_x, new_y) = fit.bent(rng, 400), fit.bent(rng, 4000)
    grid_x, grid_y = np.linspace(-2.2, 2.2, 89), np.linspace(-1.9, 1.9, 39)
    found = dict(grid_x=grid_x, grid_y=grid_y, random_pairs=np.hstack([y, x])[:200], truth=truth(grid_x, 0.))
    for name, model in (("head", fit.head()), ("latent", fit.line())):
        theta = fit.fit(rng, x, y, model, steps).lam
        nats = log_evidence(new_x, new_y, theta, model, ORDER)
        found |= {f"random_{name}": np.round(density(model, theta, grid_x, grid_y), 4),
                  f"random_cut_{name}": density(model, theta, grid_x, [0.])[:, 0],
                  f"random_nats_{name}": [np.mean(nats), np.std(nats) / np.sqrt(len(nats))]}
    return found


def draw(figure, grid_x, grid_y, random_pairs, truth, **random):
    panels = figure.subplots(1, 3, width_ratios=(1, 1, 0.8))
    for axes, name, label in zip(panels, ("head", "latent"), ("a normal head", "a latent z")):
        mean, error = random[f"random_nats_{name}"]
        axes.contourf(grid_y, grid_x, random[f"random_{name}"]**0.5, np.linspace(0, 1.6, 9), cmap="Greys", extend="max")
        axes.plot(*random_pairs.T, ".", color="C2", markersize=2)
        axes.axvline(0, color="C1", linewidth=0.8, linestyle=":")
        nats = f"{mean:.2f}\xa0±\xa0{error:.2f}".replace("-", "−")
        axes.set(xlabel="side information y", ylabel="x", title=f"{label}: {nats}")
    for name, label, color, style in (("head", "normal head", "C2", "--"), ("latent", "latent z", "C1", "-")):
        panels[2].plot(grid_x, random[f"random_cut_{name}"], color=color, linestyle=style, label=label)
    panels[2].plot(grid_x, truth, color="C0", linestyle=":", label="truth")
    panels[2].set(xlabel="x", ylabel="density", title="p(x|y) at y = 0", ylim=(0, 1.3))
    panels[2].legend()

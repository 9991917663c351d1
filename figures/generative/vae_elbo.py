"""The bound on images held out stops rising where the bound on the training images goes on: reconstruction less KL,
epoch by epoch. PML.149, PML.152.

Left: dark lines the training images while training, light ones the held-out images; solid with two latent dimensions,
dashed with twenty. Right: the two parts of the former. With twenty dimensions the KL is higher, and the reconstruction
by more than that. One draw an image; the held-out line has a standard error as wide as it is drawn.
"""
import numpy as np

from digits import QUICK, fitted, watched       # noqa: F401

EXPENSIVE = True
POINTS = 60                                     # of a curve


def data(rng, **how):
    return curves(rng, "mnist", **how)


def curves(rng, kind, **how):
    """The history of both fits, thinned to about equal steps of log epoch."""
    found = {}
    for D in (2, 20):
        digits, fit = fitted(rng, kind, D, **how)
        epoch = np.unique(np.rint(np.geomspace(1, fit.epochs, POINTS)).astype(int))
        found |= {f"random_epoch_{D}": epoch, f"random_history_{D}": fit.history[epoch - 1],
                  f"random_name_{D}": watched(fit, digits)}
    return found


def draw(figure, random_epoch_2, random_history_2, random_name_2, random_epoch_20, random_history_20, random_name_20):
    figure.set_size_inches(5.6, 3.0)
    left, right = figure.subplots(1, 2)
    for epoch, history, line, D in ((random_epoch_2, random_history_2, "-", 2),
                                    (random_epoch_20, random_history_20, "--", 20)):
        reconstruction, kl, held, error = history.T
        left.plot(epoch, reconstruction - kl, line, color="black", label="training" if D == 2 else None)
        left.plot(epoch, held, line, color="0.6", linewidth=1.8, label="held out" if D == 2 else None)
        right.plot(epoch, -reconstruction, line, color="black", label="−reconstruction" if D == 2 else None)
        right.plot(epoch, kl, line, color="0.6", linewidth=1.8, label="KL" if D == 2 else None)
        for axes, value in ((left, held[-1]), (right, -reconstruction[-1]), (right, kl[-1])):
            axes.annotate(f"D = {D}", (epoch[-1], value), (4, 0), textcoords="offset points", va="center", fontsize=9)
    last = max(random_epoch_2[-1], random_epoch_20[-1])
    low = min(history[min(1, len(history) - 1), 2] for history in (random_history_2, random_history_20))
    for axes in (left, right):
        axes.set(xscale="log", xlabel="epoch", xlim=(1, last**1.35 + 1))
        axes.legend(loc="lower right" if axes is left else "upper right", ncols=2, columnspacing=1, handlelength=1.2)
    left.set(ylabel="nats per image", ylim=(low - 15, None), title="ELBO")
    right.set(ylim=(0, None), title="−ELBO = −reconstruction + KL")
    figure.supxlabel(f"{random_name_2} with D = 2; {random_name_20} with D = 20", fontsize=9)

"""For a new datum an ascent of its own takes some ten steps of sixteen passes each, an encoder takes one pass and loses about half a nat, and a few
steps from there make up for it.

300 new data of a known model, a line bent into three quarters of a ring. Horizontal: passes through a network for one datum, 16 of the decoder at a
step of an ascent, one of the encoder, 20 at a step of its chains. Left: nats between log p(x), by quadrature, and the bound, averaged over the data;
the encoders were trained on 60 and on 600 others; dashed: the best normal found from five starts: an ascent from the prior's mean may end on the
wrong side of the bend. Right: how far the estimate of a posterior mean lies off, median over the data, in posterior standard deviations; the 20
Langevin chains start from the prior, their sizes are tuned, and the first half of every walk is dropped.
"""
import numpy as np

from refvi.generative.deep_latent import amortized, local, mcmc
from refvi.generative.deep_latent.model import RULE, bounds, decoder, hermite, log_evidence, posterior_nodes, sample

D, SIZES = decoder((1, 3, 2)), (2, 24, 2)
BENT = np.array([0.65, 0.65, 0.65, 1.0, 0., -1.0, 1.3, -1.1, 0., 2.2, -1.3, -1.1, -1.0, 0., np.log(0.15)])
NEW, STEPS, TRAINED, CHAINS, WALK = 300, 24, (60, 600), 20, 2**np.arange(1, 9)
EPOCHS, RATE = 500, 0.03
EXPENSIVE = True            # two encoders to train


def encoder(rng, N):
    """phi after an ascent on the bounds of N data, the decoder known."""
    return amortized.fit(sample(rng, BENT, D, N)[0], BENT, amortized.initial(rng, SIZES), D, SIZES, EPOCHS, RATE, order=8, only_encoder=True)[1]


def data(rng):
    x = sample(rng, BENT, D, NEW)[0]
    z, masses, log_p = posterior_nodes(x, BENT, D)
    mean = masses.T @ z
    sd = np.sqrt(masses.T @ z**2 - mean**2)

    def missing(lam):
        return np.mean(log_p - bounds(x, lam, BENT, D, *hermite(1, 40))[0])

    def off(estimate):
        return np.median(np.abs(estimate - mean) / sd)

    encoded = [amortized.encode(x, encoder(rng, N), SIZES) for N in TRAINED]
    paths = {"cold": [local.start(NEW, 1)], "warm": [encoded[1]]}
    for path in paths.values():
        local.ascend(x, BENT, D, path[0], STEPS, watch=lambda step, lam, value: path.append(lam))
    best = np.max([local.ascend(x, BENT, D, np.column_stack([np.full(NEW, m), np.full(NEW, np.log(0.2))]), STEPS)[1] for m in (-2., -1., 0., 1., 2.)], axis=0)
    chains = [rng.standard_normal((CHAINS, NEW, 1)), 0.3]
    chains[0], chains[1], _, _ = mcmc.run(rng, chains[0], x, BENT, D, 50, 0.3, gain=lambda step: step**-0.6)      # sizes only
    draws = mcmc.run(rng, rng.standard_normal((CHAINS, NEW, 1)), x, BENT, D, int(WALK[-1]), chains[1], keep=True)[3]
    walked = [off(np.mean(draws[T // 2:T], axis=(0, 1))) for T in WALK]
    return dict(passes=RULE[1] * np.arange(1, STEPS + 2), walk=WALK * CHAINS, trained=TRAINED, random_best=np.mean(log_p - best), random_encoders=[missing(lam) for lam in encoded],
                random_cold=[missing(lam) for lam in paths["cold"]], random_warm=[missing(lam) for lam in paths["warm"]], random_off_walk=walked,
                random_off_encoders=[off(lam[:, :1]) for lam in encoded], random_off_cold=[off(lam[:, :1]) for lam in paths["cold"]],
                random_off_warm=[off(lam[:, :1]) for lam in paths["warm"]], evidence=log_evidence(np.zeros((1, 2)), BENT, D))


def draw(figure, passes, walk, trained, evidence, random_best, random_encoders, random_cold, random_warm, random_off_walk, random_off_encoders, random_off_cold, random_off_warm):
    figure.set_size_inches(7.4, 3.5)
    left, right = figure.subplots(1, 2)
    for axes, cold, warm, encoders, ticks in ((left, random_cold, random_warm, random_encoders, ([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])),
                                              (right, random_off_cold, random_off_warm, random_off_encoders, ([0.01, 0.1, 1], ["0.01", "0.1", "1"]))):
        axes.plot(passes, cold, "o-", markersize=3, color="black", label="ascent of its own")
        axes.plot(np.append(1, 1 + passes[1:]), warm, "s-", markersize=3, color="0.55", label="ascent from the encoder")
        axes.plot([1, 1], encoders, "D", color="0.3", markerfacecolor="none", markersize=7, label="encoders alone")
        for N, value in zip(trained, encoders):
            axes.annotate(f"{N} data", (1, value), (-6, 0), textcoords="offset points", fontsize=8, ha="right", va="center")
        axes.set(xscale="log", yscale="log", xlabel="passes for one new datum")
        axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
        axes.set_yticks(*ticks)
    left.axhline(random_best, color="black", linestyle="--", linewidth=0.8)
    left.text(1.3, random_best * 1.05, "best normal", va="bottom", fontsize=9)
    left.set(xlim=(0.1, 600), ylabel="nats below log p(x)")
    right.plot(walk, random_off_walk, "^:", color="0.3", label="20 chains")
    right.set(xlim=(0.08, 8000), ylabel="posterior mean off, in posterior sd")
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=8)

"""For a new datum an ascent of its own takes some ten steps of sixteen passes; an encoder of one pass loses a few
tenths of a nat, and is a head start that an ascent from the prior's mean has made up for by then: which of the two
ends lower differs by draw.

300 new data of a known model, a line bent into three quarters of a ring; eight times, each with new data and encoders
that are trained afresh on 60 and on 600 others (the latter to start from). Thin lines are the eight, thick ones their
average. Horizontal: passes through a network for one datum, 16 of the decoder at a step of an ascent, one of the
encoder, 20 at a step of its chains. Left: nats between log p(x), by quadrature, and the bound, averaged over the data;
dashed: the best normal found from five starts. Right: how far the estimate of a posterior mean lies off, median over
the data, in posterior standard deviations; the 20 Langevin chains start from the prior, their sizes are tuned, and the
first half of every walk is dropped.
"""
import numpy as np

from refvi.generative.amortization.model import bounds, encode, sample
from refvi.generative.deep_latent import amortized, local, mcmc
from refvi.generative.deep_latent.model import RULE, decoder, hermite, posterior_nodes
from refvi.likelihood.heads import Network

D, ENCODER = decoder((1, 3, 2)), Network((2, 24, 2))
BENT = np.array([0.65, 0.65, 0.65, 1.0, 0., -1.0, 1.3, -1.1, 0., 2.2, -1.3, -1.1, -1.0, 0., np.log(0.15)])
DRAWS, NEW, STEPS, TRAINED, CHAINS, WALK = 8, 300, 24, (60, 600), 20, 2**np.arange(1, 9)
EPOCHS, RATE = 500, 0.03
EXPENSIVE, QUICK = True, dict(draws=1, new=40, epochs=20)       # two encoders to train, eight times
WAYS = ("cold", "warm", "encoders", "walk")


def encoder(rng, N, epochs):
    """phi after an ascent on the bounds of N data, the decoder known."""
    x, start = sample(rng, BENT, D, N)[0], amortized.initial(rng, ENCODER)
    return amortized.fit(x, BENT, start, D, ENCODER, epochs, RATE, order=8, only_encoder=True)[1]


def ascent(x, start):
    """lam before the first step and after each."""
    path = [start]
    local.ascend(x, BENT, D, start, STEPS, watch=lambda step, lam, value: path.append(lam))
    return path


def one(rng, new, epochs):
    """Nats missing and posterior means off, by way, for new data and new encoders."""
    x = sample(rng, BENT, D, new)[0]
    z, masses, log_p = posterior_nodes(x, BENT, D)
    mean = masses.T @ z
    sd = np.sqrt(masses.T @ z**2 - mean**2)

    def missing(lam):
        return np.mean(log_p - bounds(lam, x, BENT, D, *hermite(1, 40))[0])

    def off(estimate):
        return np.median(np.abs(estimate - mean) / sd)

    encoded = [encode(x, encoder(rng, N, epochs), ENCODER) for N in TRAINED]
    lams = dict(cold=ascent(x, local.start(new, 1)), warm=ascent(x, encoded[1]), encoders=encoded)
    starts = [np.tile([m, np.log(0.2)], (new, 1)) for m in (-2., -1., 0., 1., 2.)]
    best = np.max([local.ascend(x, BENT, D, start, STEPS)[1] for start in starts], axis=0)
    chains = rng.standard_normal((CHAINS, new, 1))
    chains, size, _, _ = mcmc.run(rng, chains, x, BENT, D, 50, 0.3, gain=lambda step: step**-0.6)      # sizes only
    draws = mcmc.run(rng, rng.standard_normal((CHAINS, new, 1)), x, BENT, D, int(WALK[-1]), size, keep=True)[3]
    found = {f"random_{way}": [missing(lam) for lam in path] for way, path in lams.items()}
    found |= {f"random_off_{way}": [off(lam[:, :1]) for lam in path] for way, path in lams.items()}
    return found | dict(random_best=np.mean(log_p - best),
                        random_off_walk=[off(np.mean(draws[T // 2:T], axis=(0, 1))) for T in WALK])


def data(rng, draws=DRAWS, new=NEW, epochs=EPOCHS):
    each = [one(rng, new, epochs) for _ in range(draws)]
    counts = dict(passes=RULE[1] * np.arange(1, STEPS + 2), walk=WALK * CHAINS, trained=TRAINED)
    return counts | {name: np.round([found[name] for found in each], 5) for name in each[0]}


def draw(figure, passes, walk, trained, random_best, **found):
    figure.set_size_inches(7.4, 3.6)
    panels = figure.subplots(1, 2)
    for axes, kind, places in zip(panels, ("random_", "random_off_"), ((0.01, 0.1, 1, 10), (0.01, 0.1, 1))):
        lines(axes, passes, found[kind + "cold"], "ascent of its own", "o-", "C0")
        lines(axes, np.append(1, 1 + passes[1:]), found[kind + "warm"], "ascent from the encoder", "s--", "C2")
        encoders = found[kind + "encoders"]
        for N, place, mark, values in zip(trained, (0.5, 1.), ("v", "D"), encoders.T):
            axes.plot(np.full(len(values), place), values, mark, color="C1", markerfacecolor="none", markersize=4,
                      label=f"encoder of {N}")
        axes.set(xscale="log", yscale="log", xlabel="passes for one new datum")
        axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
        axes.set_yticks(places, map(str, places))
    left, right = panels
    left.axhline(np.mean(random_best), color="C0", linestyle="--", linewidth=0.8)
    left.text(1.3, np.mean(random_best) * 0.95, "best normal", va="top", fontsize=9)
    left.set(xlim=(0.3, 600), ylabel="nats below log p(x)")
    lines(right, walk, found["random_off_walk"], "20 chains", "^:", "C3")
    right.set(xlim=(0.3, 8000), ylabel="posterior mean off, in posterior sd")
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize=8)


def lines(axes, at, values, name, style, color):
    """All draws thin, their average thick."""
    axes.plot(at, values.T, color=color, linewidth=0.5, alpha=0.35)
    axes.plot(at, np.mean(values, axis=0), style, color=color, markersize=3, label=name)

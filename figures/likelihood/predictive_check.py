"""One normal cannot have made the heating loads of 768 buildings, two can. WI.14, WI.19, UA.012.

On the target of UCI energy where it is at hand, else on a toy column. Left: the half that was learnt from, and the
predictive densities. Middle: the other half, sent through the predictive distribution functions; dots with two standard
errors, a right forecast lies on the line. Right: excess kurtosis of data sets replicated from the posterior, middle and
2.5 % either side, and of the real one, the line.
"""
import numpy as np

from refvi.app.fits import check
from refvi.likelihood.benefits.predictive import excess_kurtosis, gibbs, predictive, replicate

EXPENSIVE = True
SIZE = (8.2, 2.6)
BINS = 12
QUICK = dict(sweeps=50)
KS = (1, 2)


def data(rng, sweeps=check.SWEEPS):
    chosen = check.choose(rng, None)
    order = rng.permutation(len(chosen.target))
    x = (chosen.target - np.mean(chosen.target)) / np.std(chosen.target)
    train, test = x[order[len(order) // 2:]], x[order[:len(order) // 2]]
    grid, found = np.linspace(-2.5, 3, 200), [gibbs(rng, train, K, sweeps) for K in KS]
    kurtosis = [np.quantile(excess_kurtosis(replicate(rng, draws, len(train))), [0.025, 0.5, 0.975]) for draws in found]
    return dict(name=chosen.name, random_train=train, grid=grid,
                random_density=[np.exp(predictive(grid, draws)[0]) for draws in found],
                random_counts=[np.histogram(predictive(test, draws)[1], BINS, (0, 1))[0] for draws in found],
                random_kurtosis=kurtosis, random_observed=excess_kurtosis(train))


def draw(figure, name, random_train, grid, random_density, random_counts, random_kurtosis, random_observed):
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.2, 1.2, 0.8))
    left.hist(random_train, 24, density=True, color="0.85")
    middle.axhline(1, color="C0")
    right.axhline(random_observed, color="C0")
    total = random_counts[0].sum()
    for i, (K, density, counts, kurtosis) in enumerate(zip(KS, random_density, random_counts, random_kurtosis)):
        mark, color, label = "os"[i], f"C{i + 1}", f"{K} component" + "s" * (K > 1)
        left.plot(grid, density, color=color, linestyle="-" if K == 1 else "--", label=label)
        share = counts / total
        middle.errorbar((np.arange(BINS) + 0.4 + 0.2 * i) / BINS, BINS * share,
                        2 * BINS * np.sqrt(share * (1 - share) / total), fmt=mark, color=color)
        low, mid, high = kurtosis
        right.errorbar(K, mid, [[mid - low], [high - mid]], fmt=mark, color=color, capsize=3)
    left.set(xlabel="standardized target", ylabel="density", title=name, ylim=(0, 0.95))
    left.legend()
    middle.set(xlabel="F(x), held out", ylabel="density of transforms", ylim=(0, None))
    right.set(xlabel="components", ylabel="excess kurtosis", xticks=KS, xlim=(0.5, 2.5))

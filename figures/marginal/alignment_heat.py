"""Nobody tells EM which word stands for which, and after a few steps the right ones do; after more, the table knows its
own pairs by heart. UA.091, UA.094, UA.096.

Three left panels: the share of each English word in each French one, in a pair made up for this picture from words of
the 500 Hansard pairs (of toy pairs where those are not at hand), with the table after 1, 3 and 20 steps: the darker,
the larger. Right: nats per French word after each step, on nine tenths that were learnt from (line) and on the tenth
held out (dots, bars of a standard error), and what the frequencies of French words alone reach there (dashed).
"""
import numpy as np

from refvi.app.fits import alignment
from refvi.app.fits.outcome import ratio
from refvi.marginal.alignment import fit as em
from refvi.marginal.alignment.rows import position_posterior

EXPENSIVE = True
SIZE = (8.2, 2.5)
STEPS = (1, 3, 20)
ADDED = 1e-3
QUICK = dict(most=4)
MADE_UP = {"Hansard pairs": ("NOTRE SOCIÉTÉ CANADIENNE NE EST PAS UNIQUE", "OUR CANADIAN SOCIETY IS NOT UNIQUE"),
           "toy pairs": ("les chats noirs ne voient pas mes amis", "the black cats do not see my friends")}


def data(rng, most=20):
    chosen = alignment.choose(rng, None)
    order = rng.permutation(len(chosen.x))
    test, train = order[:len(order) // 10], order[len(order) // 10:]
    x, y = (sentence.split() for sentence in MADE_UP[chosen.name])
    chosen = chosen._replace(x=[*chosen.x, x], y=[*chosen.y, y])
    pairs, of_y, of_x = alignment.prepared(chosen, train, True)
    words, shape = np.array([len(sentence) for sentence in chosen.x]), (len(of_y), len(of_x))
    known = [pairs[n] for n in train]
    tables = [em.fit(known, shape, steps, ADDED).found for steps in range(most + 1)]
    nats = [em.log_likelihood(pairs, theta) for theta in tables]
    alone = np.log(alignment.frequencies(known, shape[1]))
    return dict(name=chosen.name, x=[word.lower() for word in x], y=[*(word.lower() for word in y), "NULL"],
                random_shares=[position_posterior(*pairs[-1], tables[min(steps, most)]) for steps in STEPS],
                random_train=[np.sum(each[train]) / np.sum(words[train]) for each in nats],
                random_held=[ratio(each[test], words[test]) for each in nats],
                random_alone=ratio(np.array([np.sum(alone[pairs[n][0]]) for n in test]), words[test])[0])


def draw(figure, name, x, y, random_shares, random_train, random_held, random_alone):
    *maps, right = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.5))
    for axes, shares, steps in zip(maps, random_shares, STEPS):
        axes.imshow(shares, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(y)), y, rotation=90, fontsize=7)
        axes.set_yticks(range(len(x)), x if axes is maps[0] else [], fontsize=7)
        axes.set_title(f"{steps} step" + "s" * (steps > 1))
        axes.tick_params(length=0)
    step = np.arange(len(random_train))
    right.plot(step, random_train, color="C1", label="learnt from")
    right.errorbar(step, *random_held.T, fmt="o", color="C2", markersize=3, label="held out")
    right.axhline(random_alone, color="C0", linestyle="--", label="frequencies alone")
    right.set(xlabel="steps of EM", ylabel="nats per word", title=str(name))
    right.legend(loc="lower right")

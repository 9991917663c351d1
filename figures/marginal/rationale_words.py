"""A tenth of the words carries the verdict, and which tenth can be read off. UA.097, UA.099.

Left: sentences made up for this picture, with the probability of a positive verdict; the darker a word, the more of the
masks kept it, given the likelier verdict. Learnt from nine tenths of the movie-review sentences (of toy sentences where
those are not at hand). Right: accuracy on the other tenth, with two standard errors, against the share of the words
that the prior on their coins leaves to be kept, and logistic regression on all words, the line.
"""
import numpy as np

from refvi.app.fits import rationale as report
from refvi.app.fits.sentiment import choose
from refvi.data import texts
from refvi.likelihood.conditional import sentiment
from refvi.likelihood.networks import sigmoid
from refvi.marginal.rationale import fit

EXPENSIVE = True
SIZE = (8.2, 2.3)
MEANS = (-6., -4., -2., 0., 2.)
QUICK = dict(means=(-2.,), most=2)
CHARACTER = 0.602 * 8       # points that a character is wide
MADE_UP = ("a dull script , but a moving and funny film",
           "the cast is warm and the story is an absolute delight",
           "too long , too loud and not even clever",
           "a film about a man who waits for a train")


def data(rng, means=MEANS, most=60):
    chosen = choose(rng, None)
    train, test = texts.split(rng, len(chosen.words), 10)
    columns, y, votes, bags = report.prepared(chosen, train)
    x, known, new = chosen.labels, [y[n] for n in train], [y[n] for n in test]
    bag = sentiment.fit(x[train], bags[train], report.BAG_SD).theta
    fits = [fit.fit(x[train], known, votes, mean, report.PRIOR[1], most) for mean in means]
    shared = fits[list(means).index(report.PRIOR[0])]
    probability, shares = [], []
    for sentence in MADE_UP:
        words = sentence.split()
        numbers = np.array([columns[word] for word in words if word in columns], int)
        p, = report.probability([numbers], shared)
        given = iter(fit.kept(int(p > 0.5), numbers, shared))
        probability.append(p)
        shares.append([next(given) if word in columns else 0. for word in words])
    longest = max(map(len, shares))
    return dict(name=chosen.name, random_probability=probability,
                random_shares=[np.pad(each, (0, longest - len(each))) for each in shares],
                random_kept=[np.mean(np.concatenate([sigmoid(each.rho)[words] for words in new])) for each in fits],
                random_right=[np.mean((report.probability(new, each) > 0.5) == x[test]) for each in fits],
                random_bag=np.mean((sentiment.logits(bag, bags[test]) > 0) == x[test]), random_held=len(test))


def draw(figure, name, random_probability, random_shares, random_kept, random_right, random_bag, random_held):
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    left.axis("off")
    left.set(xlim=(0, 1), ylim=(-len(MADE_UP), 0), title="positive, and which words were kept")
    for row, (sentence, p, shares) in enumerate(zip(MADE_UP, random_probability, random_shares)):
        left.text(0, -row - 0.5, f"{p:.2f}", fontsize=9, va="center")
        start = 7
        for word, share in zip(sentence.split(), shares):
            left.annotate(word, (0, -row - 0.5), xytext=(start * CHARACTER, 0), textcoords="offset points", fontsize=8,
                          family="monospace", va="center", color="white" if share > 0.6 else "black",
                          bbox=dict(facecolor=str(1 - share), edgecolor="none", pad=1))
            start += len(word) + 1
    error = 2 * np.sqrt(random_right * (1 - random_right) / random_held)
    right.axhline(100 * random_bag, color="C0", label="all words")
    right.errorbar(100 * random_kept, 100 * random_right, 100 * error, fmt="o", color="C2", label="kept words")
    right.set(xlabel="words kept, %", ylabel="accuracy, %", title=str(name), xlim=(0, None))
    right.legend(loc="lower right")

"""Sentences that begin alike lie apart in the sentence space, by what they are about. UA.103, UA.105.

Toy sentences on three topics, all of which begin with "rio de janeiro"; a recurrent language model with a sentence
variable of one dimension, climbed by the exact gradient of its marginal. Top: posterior means of held-out sentences, by
topic, below the prior's density. Bottom: the next word after "rio de janeiro" at every point of the space, its
probability added up over the words of each topic, and the likeliest sentences at three points.
"""
import numpy as np

from refvi.data import topics
from refvi.marginal.language import fit as language
from refvi.marginal.language.model import Sizes, forward, padded
from refvi.marginal.language.rows import perplexity

EXPENSIVE = True
SIZE = (6.4, 4.)
H, ORDER = 6, 16
QUICK = dict(N=80, held=40, epochs=2)


def data(rng, N=1000, held=500, epochs=40):
    drawn = topics.toy_sentences(rng, N + held)
    columns = language.vocabulary(drawn.words[held:], 26)
    train, test = (language.encoded(part, columns) for part in (drawn.words[held:], drawn.words[:held]))
    V, told = len(columns), [perplexity(topics.log_probability(drawn.words[:held]), test)]
    for D in (0, 1):
        sizes = Sizes(V, H, D)
        theta = language.fit(rng, train, sizes, epochs, ORDER, rate=0.03).lam
        told.append(perplexity(language.log_marginal(theta, test, sizes), test))
    codes, labels = language.codes(theta, test, sizes)[:, 0], drawn.labels[:held]
    t = np.linspace(-2.5, 2.5, 101)
    start = padded(language.encoded([topics.BEGINNING], columns), V)
    p = np.exp(forward(theta, t[:, None], start, sizes)[1][-1][:, 0])
    own = [[columns[word] for part in topic for word in part if word in columns] for topic in topics.TOPICS.values()]
    points = np.array([np.mean(codes[labels == k]) for k in range(3)])
    words, unknown = list(columns), [columns[language.UNKNOWN]]
    said = [" ".join(words[v] for v in language.likeliest(theta, [z], sizes, 10, unknown)[3:]) for z in points]
    return dict(random_codes=codes, random_topics=labels, t=t, random_shares=[p[:, v].sum(axis=1) for v in own],
                random_points=points, said=said, random_perplexities=told)


def draw(figure, random_codes, random_topics, t, random_shares, random_points, said, random_perplexities):
    top, bottom = figure.subplots(2, 1, sharex=True)
    edges, rank = np.linspace(-2.5, 2.5, 41), np.argsort(np.argsort(random_points))
    for k, name in enumerate(topics.TOPICS):
        own, style = random_codes[random_topics == k], dict(color=f"C{k + 1}", label=name)
        top.hist(own, edges, weights=np.full(len(own), 8 / len(random_codes)), histtype="stepfilled", alpha=0.8,
                 hatch=("", "//", "..")[k], edgecolor="white", **style)
        bottom.plot(t, random_shares[k], linestyle=("-", "--", "-.")[k], **style)
        bottom.annotate(f"… {said[k]}", (random_points[k], random_shares[k][np.argmin(np.abs(t - random_points[k]))]),
                        (1.7 * rank[k] - 1.6, 1.18), ha="center", va="center", arrowprops=dict(arrowstyle="-"))
    top.plot(t, np.exp(-0.5 * t**2) / np.sqrt(2 * np.pi), color="C0", label="prior")
    top.set(ylabel="density")
    top.legend()
    bottom.set(xlabel="z", ylabel="share of the next word", ylim=(0, 1.25), yticks=(0, 0.5, 1))

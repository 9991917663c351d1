"""Topics are found in long documents, and in short ones there are none to be had. UA.087.

Toy documents over 16 words, the pixels of an image of four by four, from eight topics: rows and columns. Left: what
coordinate ascent learns from 400 documents of 64 words, the highest bound of eight starts; a topic as an image. Right:
how many nats a word the topics foretell better than frequencies do, in 200 new documents of so many words, of which
about half are seen, with the prior of shares learnt (dots) and held at one over the number of topics (squares); bars
are two standard errors.
"""
import numpy as np
from scipy.sparse import csr_matrix

from refvi.app.fits.topics import halves, nats, of_words
from refvi.marginal.topics import lda

EXPENSIVE = True
SIZE = (7.6, 2.7)
LENGTHS, ALPHA, SWEEPS = (4, 8, 16, 32, 64), 0.2, 100
BARS = np.array([np.outer(np.eye(4)[i], np.ones(4)).ravel() for i in range(4)]
                + [np.outer(np.ones(4), np.eye(4)[i]).ravel() for i in range(4)]) / 4
QUICK = dict(N=40, sweeps=3, lengths=(4, 8))


def documents(rng, N, length):
    """x (N, 16) sparse."""
    shares = rng.dirichlet(np.full(8, ALPHA), N)
    return csr_matrix([1. * rng.multinomial(length, share @ BARS) for share in shares])


def gain(rng, N, length, learn, sweeps):
    """(nats per word that topics foretell better, its standard error)."""
    x, new = documents(rng, N, length), documents(rng, N // 2, length)
    seen, hidden = halves(rng, new)
    found = lda.fit(rng, x, 8, sweeps, learn=learn).found
    frequencies = np.asarray(x.sum(axis=0)).ravel() + 0.1
    without = np.tile(frequencies / np.sum(frequencies), (N // 2, 1))
    return nats(hidden, of_words(hidden, lda.predicted(seen, found)) - of_words(hidden, without))


def data(rng, N=400, sweeps=SWEEPS, lengths=LENGTHS):
    x = documents(rng, N, 64)
    lam = max((lda.fit(rng, x, 8, sweeps) for _ in range(8)), key=lambda fit: fit.trace[-1]).found.lam
    gains = np.array([[gain(rng, N, length, learn, sweeps) for length in lengths] for learn in (True, False)])
    topics = lam / lam.sum(axis=1, keepdims=True)
    order = np.argsort([np.argmax(BARS @ topic) for topic in topics])
    return dict(random_topics=topics[order], lengths=lengths, random_gains=gains[..., 0],
                random_errors=gains[..., 1])


def draw(figure, random_topics, lengths, random_gains, random_errors):
    images, plot = figure.subfigures(1, 2, width_ratios=(1.2, 1))
    for axes, topic in zip(images.subplots(2, 4).ravel(), random_topics):
        axes.imshow(topic.reshape(4, 4), cmap="gray_r", vmin=0, vmax=0.3)
        axes.set(xticks=[], yticks=[])
    axes = plot.subplots()
    axes.axhline(0, color="C0")
    for k, name in enumerate(("prior learnt", "prior held")):
        axes.errorbar(lengths * 1.04**k, random_gains[k], 2 * random_errors[k], fmt="os"[k], color=f"C{k + 1}",
                      label=name)
    axes.set(xscale="log", xticks=lengths, xticklabels=lengths, xlabel="words in a document",
             ylabel="nats a word gained")
    axes.minorticks_off()
    axes.legend()

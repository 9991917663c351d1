"""Sentences about films and their verdicts, one set: 5331 positive and 5331 negative snippets of reviews, tokenized,
lower case (Pang and Lee 2005); or toy sentences drawn from an rng.
"""
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_count
from refvi.data import texts

FILES = ("rt-polarity.neg", "rt-polarity.pos")      # the label of a sentence is its file's place


class Sentences(NamedTuple):
    """N sentences, each a list of words, and their labels."""
    name: str
    words: list
    labels: np.ndarray          # (N,) 0 negative, 1 positive


def at_hand():
    """Whether the set lies in REFVI_DATA/polarity or the cache; its content is checked when it is read."""
    return texts.at_hand("polarity", FILES)


def stands_in():
    """What a report says where toy sentences stand in for the set."""
    return texts.stands_in("polarity", "toy sentences")


def load(root=None):
    """The set, from root or else REFVI_DATA/polarity or the cache. FileNotFoundError says where the files belong,
    ValueError which of them holds no sentence.
    """
    sentences = [[line.split() for line in lines if line.strip()] for _, lines in texts.read("polarity", FILES, root)]
    labels = np.repeat([0, 1], [len(lines) for lines in sentences])
    return Sentences("movie-review sentences", sentences[0] + sentences[1], labels)


LIKED = ("moving", "funny", "warm", "clever", "gripping", "fresh")
DISLIKED = ("dull", "flat", "silly", "tired", "loud", "clumsy")
THINGS = ("plot", "cast", "script", "ending", "music", "film")


def toy_sentences(rng, N=3000):
    """Two to four opinions in each sentence, eight of ten with its verdict, and as many things that say nothing."""
    labels = rng.integers(0, 2, require_count("N", N))
    words = []
    for label in labels:
        sentence = []
        for _ in range(rng.integers(2, 5)):
            opinions = (DISLIKED, LIKED)[label if rng.random() < 0.8 else 1 - label]
            sentence += ["a", opinions[int(6 * rng.beta(1, 2))], THINGS[rng.integers(6)]]
        words.append(sentence)
    return Sentences("toy sentences", words, labels)

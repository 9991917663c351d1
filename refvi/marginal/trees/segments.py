"""Words whose boundaries nobody wrote: sums over all ways to cut a text. SA, "What do we do then?"

A lexicon is a tuple of words, p (W + 1,) their probabilities, the last that of the end: a sentence is drawn word by
word until the end, and written without spaces.
"""
import autograd.numpy as np
from autograd import grad


def forward_over_ends(text, lexicon, p):
    """log p(text) in nats: reached[j] adds up all ways to cut the first j letters, n L steps for 2^(n - 1) ways.

    ValueError for a text that no words of the lexicon make.
    """
    if np.shape(p) != (len(lexicon) + 1,):
        raise ValueError(f"p has shape {np.shape(p)}, expected ({len(lexicon) + 1},): one probability for each of the "
                         f"{len(lexicon)} words, and for the end")
    place, longest = {word: v for v, word in enumerate(lexicon)}, max(map(len, lexicon))
    reached = [1.]
    for j in range(1, len(text) + 1):
        starts = [i for i in range(max(0, j - longest), j) if text[i:j] in place]
        reached.append(sum([reached[i] * p[place[text[i:j]]] for i in starts], 0.))
    if not reached[-1] > 0:
        raise ValueError(f"no words of the lexicon make {text!r}: add single letters to it")
    return np.log(reached[-1]) + np.log(p[-1])


def words_by_gradient(texts, lexicon, p):
    """How often each word, and the end, is expected in all texts (W + 1,)."""
    return p * grad(lambda p: sum(forward_over_ends(text, lexicon, p) for text in texts))(p)


def counted_again(texts, lexicon, p):
    """p after one step of EM."""
    counts = words_by_gradient(texts, lexicon, p)
    return counts / np.sum(counts)

"""Words whose boundaries nobody wrote: sums over all ways to cut a text. SA, "What do we do then?"

A lexicon is a tuple of words, p (W + 1,) their probabilities, the last that of the end: a sentence is drawn word by
word until the end, and written without spaces.
"""
from functools import reduce

import autograd.numpy as np
from autograd import grad


def forward_over_ends(text, lexicon, p):
    """log p(text) in nats: reached[j] is the log of all ways to cut the first j letters, n L steps for 2^(n - 1) ways.

    ValueError for a text that no words of the lexicon make.
    """
    if np.shape(p) != (len(lexicon) + 1,):
        raise ValueError(f"p has shape {np.shape(p)}, expected ({len(lexicon) + 1},): one probability for each of the "
                         f"{len(lexicon)} words, and for the end")
    place, longest = {word: v for v, word in enumerate(lexicon)}, max(map(len, lexicon), default=0)
    reached = [0.]
    for j in range(1, len(text) + 1):
        ways = [reached[i] + np.log(p[place[text[i:j]]])
                for i in range(max(0, j - longest), j) if text[i:j] in place and p[place[text[i:j]]] > 0]
        reached.append(reduce(np.logaddexp, ways, -np.inf))
    if reached[-1] == -np.inf:
        raise ValueError(f"no words of the lexicon make {text!r}: add single letters to it")
    return reached[-1] + np.log(p[-1])


def words_by_gradient(texts, lexicon, p):
    """How often each word, and the end, is expected in all texts (W + 1,)."""
    return p * grad(lambda p: sum(forward_over_ends(text, lexicon, p) for text in texts))(p)


def counted_again(texts, lexicon, p):
    """p after one step of EM."""
    counts = words_by_gradient(texts, lexicon, p)
    return counts / np.sum(counts)

"""Six problems in one language: which scores a model makes of its side information, and which outcomes it adds up.

Shapes: K classes or tags, n words of a sentence, V words of a language; theta (P,) holds the tables in the order in
which they are named. UA and SA, "Multiple problems, same language"; SA, "Problems", for semantic roles.
"""
from functools import reduce

import autograd.numpy as np

from refvi.base.checks import require_finite, require_shape
from refvi.base.special import betaln, logsumexp
from refvi.likelihood.conditional.rows import Conditional


def cut(theta, *shapes):
    """theta (P,) as tables of these shapes, or a ValueError where their sizes do not add up to P."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    if np.shape(theta) != (sum(sizes),):
        raise ValueError(f"theta has shape {np.shape(theta)}, expected ({sum(sizes)},): tables of shapes "
                         + ", ".join(map(str, shapes)))
    starts = np.cumsum([0, *sizes])
    return [theta[start:start + size].reshape(shape) for start, size, shape in zip(starts, sizes, shapes)]


def count(places, shape):
    """How often each place, a tuple of indices, occurs on a list: an array of this shape; ValueError beyond it."""
    counts = np.zeros(shape)
    for place in places:
        if not all(0 <= index < n for index, n in zip(place, shape)):
            raise ValueError(f"an outcome asks for the score at {tuple(map(int, place))}, but scores have shape "
                             f"{shape}: classes, tags and words are counted from 0")
        counts[place] += 1
    return counts


def require_length(x, n):
    """x, or a ValueError: an outcome has one entry for each of n words."""
    if len(x) != n:
        raise ValueError(f"x has {len(x)} entries, expected {n}: one for each word")
    return x


def require_features(y):
    """y (D,), or a ValueError."""
    return require_finite("y", require_shape("y", y, (None,), "the D features of one datum"))


def require_words(y, V):
    """y (n,) as integers in 0..V-1, or a ValueError."""
    if np.asarray(y).dtype.kind in "US":
        raise ValueError(f"words must be integers in 0..{V - 1}, got text: number them first")
    y = require_shape("y", y, (None,), "one integer for each word")
    if not y.size or np.any((y < 0) | (y >= V) | (y != np.rint(y))):
        raise ValueError(f"words must be integers in 0..{V - 1}, at least one, got {y}")
    return y.astype(int)


def require_sentences(sentences, V, each="sentence", empty=False):
    """Sentences, of words in 0..V-1, as arrays of integers; ValueError that says which one is none, or for no
    sentences.
    """
    if not len(sentences):
        raise ValueError(f"no {each}s: observe something first")
    found = []
    for number, y in enumerate(sentences):
        try:
            found.append(require_words(y, V) if len(y) or not empty else np.zeros(0, int))
        except ValueError as error:
            raise ValueError(f"{each} {number}: {error}") from None
    return found


# ---- one of K classes: sentiment, entailment

classes = Conditional(lambda x, scores: count([(x,)], np.shape(scores)), lambda scores, observed: logsumexp(scores))


def class_scores(y, theta, K):
    """(K,) from features y (D,), such as counts of words; theta: weights (K, D) and offsets (K,)."""
    y = require_features(y)
    weights, offsets = cut(theta, (K, len(y)), (K,))
    return np.dot(weights, y) + offsets


# ---- a number between zero and one: the quality of a translation

def logs(x, scores):
    """log x and log(1 - x), (2,); ValueError for an x that is not between zero and one."""
    if not 0 < x < 1:
        raise ValueError(f"x must lie between 0 and 1, got {x}: rescale the score, and pull its ends inwards")
    return np.array([np.log(x), np.log1p(-x)])


quality = Conditional(logs, lambda scores, observed: betaln(scores[0], scores[1]) + np.sum(observed))


def beta_scores(y, theta):
    """(2,), the two positive parameters of a Beta, from features y (D,) of a pair of sentences."""
    return np.exp(class_scores(y, theta, 2))


# ---- a tag for every word: semantic roles

def pairs(x, scores):
    """Which tag follows which at each word, (n, K, K) of zeros and ones; before the first word stands tag 0."""
    before = [0, *require_length(x, len(scores))[:-1]]
    return count([(t, before[t], x[t]) for t in range(len(x))], np.shape(scores))


def forward(scores, observed):
    """log of the sum over all K^n rows of tags, by the forward recursion: n K^2 additions."""
    reached = scores[0, 0]
    for step in scores[1:]:
        reached = logsumexp(reached[:, None] + step, axis=0)
    return logsumexp(reached)


tags = Conditional(pairs, forward)


def tag_scores(y, theta, V, K):
    """(n, K, K): a score for each tag's word, words y (n,) out of V, and one for each pair of neighbouring tags."""
    words, neighbours = cut(theta, (V, K), (K, K))
    return words[require_words(y, V)][:, None, :] + neighbours


# ---- a tree: the head of every word, no two arcs crossing

def arcs(x, scores):
    """Which word is the head of which, (n + 1, n + 1) of zeros and ones; x (n,) heads of words 1..n, the root is 0."""
    x = require_length(x, len(scores) - 1)
    observed = count([(head, word) for word, head in enumerate(x, 1)], np.shape(scores))
    for word, head in enumerate(x, 1):
        below = [above(k, x) for k in range(min(word, head) + 1, max(word, head) + 1)]
        if not all(head in line and line[-1] == 0 for line in below):
            raise ValueError(f"x={x} is no projective tree: not all from {head} to {word} stand below {head} and 0")
    return observed


def above(word, x):
    """The word itself, its head, that one's head, and so on, as far as the root or once around a circle."""
    line = [word]
    while line[-1] and len(line) <= len(x):
        line.append(x[line[-1] - 1])
    return line


def inside(scores, observed):
    """log of the sum over all projective trees below the root 0, by Eisner's recursion: about n^3 additions.

    right[i, j] and left[i, j] add up what can stand over i..j below i and below j, once both halves of it are closed.
    """
    right, left, from_i, from_j = ({} for _ in range(4))
    for i in range(len(scores)):
        right[i, i] = left[i, i] = 0.
    for width in range(1, len(scores)):
        for i in range(len(scores) - width):
            j = i + width
            meet = reduce(np.logaddexp, [right[i, k] + left[k + 1, j] for k in range(i, j)])
            from_i[i, j], from_j[i, j] = meet + scores[i, j], meet + scores[j, i]
            right[i, j] = reduce(np.logaddexp, [from_i[i, k] + right[k, j] for k in range(i + 1, j + 1)])
            left[i, j] = reduce(np.logaddexp, [left[i, k] + from_j[k, j] for k in range(i, j)])
    return right[0, len(scores) - 1]


trees = Conditional(arcs, inside)


def arc_scores(y, theta, V):
    """(n + 1, n + 1): a score for every pair of head and word, y (n + 1,) kinds of words out of V, the root first."""
    kinds, y = cut(theta, (V, V))[0], require_words(y, V)
    return kinds[y[:, None], y]


# ---- words one after another, each given those before it: captions, translations

def locally(scores, observed):
    """Every choice that was made is normalized by itself: one log total for each row of scores in use."""
    return np.sum(np.sum(observed, axis=-1) * logsumexp(scores, axis=-1))


captions = Conditional(pairs, locally)


def caption_scores(y, theta, n, V):
    """(n, V, V): a score for each pair of neighbouring words, and what an image y (D,) says for each word."""
    y = require_features(y)
    neighbours, pixels = cut(theta, (V, V), (len(y), V))
    return np.zeros((n, 1, 1)) + neighbours + np.dot(y, pixels)


def steps(x, scores):
    """How often each word follows each, (V + 1, V + 1); V is the end symbol, and stands before the first word too."""
    path = [len(scores) - 1, *x, len(scores) - 1]
    return count(zip(path, path[1:]), np.shape(scores))


translations = Conditional(steps, locally)


def word_scores(y, theta, W, V):
    """(V + 1, V + 1): a score for each pair of neighbours, and the mean of what the source's words y, out of W, say."""
    neighbours, lexicon = cut(theta, (V + 1, V + 1), (W, V + 1))
    return neighbours + np.mean(lexicon[require_words(y, W)], axis=0)

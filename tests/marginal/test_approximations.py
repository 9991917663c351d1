"""Sums cut short: what truncation and beams keep, and what they say of a request that makes no sense."""
import itertools

import numpy as np
import pytest

from refvi.base.special import logsumexp
from refvi.likelihood.conditional.decisions import beam_search
from refvi.marginal.approximations import truncated_responsibilities


def test_truncation_keeps_the_most_probable_and_sums_to_one(rng):
    log_joint = rng.normal(size=(7, 5)) * 3
    exact = np.exp(log_joint - logsumexp(log_joint, axis=1)[:, None])
    for k in range(1, 6):
        r = truncated_responsibilities(log_joint, k)
        np.testing.assert_allclose(r.sum(axis=1), 1, rtol=1e-12)
        assert np.all(np.count_nonzero(r, axis=1) == k) and np.all(np.argmax(r, axis=1) == np.argmax(exact, axis=1))
    np.testing.assert_allclose(r, exact, rtol=1e-12)
    assert np.count_nonzero(truncated_responsibilities(np.zeros((1, 4)), 2)) == 2       # ties are broken, not kept
    with pytest.raises(ValueError, match="the k=6 most probable of K=5 values"):
        truncated_responsibilities(log_joint, 6)


def test_a_beam_as_wide_as_all_prefixes_is_exact(rng):
    V, length = 3, 4
    prefixes = [prefix for n in range(length) for prefix in itertools.product(range(V), repeat=n)]
    tables = {prefix: np.log(rng.dirichlet(np.ones(V))) for prefix in prefixes}
    scores = {words: sum(tables[words[:n]][words[n]] for n in range(length))
              for words in itertools.product(range(V), repeat=length)}
    best = max(scores, key=scores.get)
    words, score = beam_search(tables.__getitem__, length, V**(length - 1))
    assert words == best and score == pytest.approx(scores[best])
    for width in (1, 2, 5):
        words, score = beam_search(tables.__getitem__, length, width)
        assert score == pytest.approx(scores[words]) and score <= scores[best] + 1e-12
    with pytest.raises(ValueError, match="width must be an integer >= 1, got 0"):
        beam_search(tables.__getitem__, length, 0)

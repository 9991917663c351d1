"""Rationales: the page's numbers, the recursion beside all masks, learning, bad inputs, the report."""
import itertools

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit, logit

from refvi.__main__ import main
from refvi.app.figures import load_press
from refvi.app.fits import rationale as report
from refvi.data import polarity
from refvi.marginal.rationale import fit as rationale
from refvi.marginal.rationale.rows import (ahead, kept_given_verdict, masks, recursion_over_sums, sum_over_masks,
                                           turned, verdict_probability)

THREE = np.arange(3)
RHO, VOTES = logit(np.array([0.8, 0.1, 0.9])), np.array([-1., 1., 1.])


@pytest.fixture
def some(rng):
    """Seventy sentences of none to nine words out of twelve, their verdicts, and a Rationale; the word with which
    sentences are filled up votes -1.
    """
    y = [rng.integers(0, 12, n % 10) for n in range(70)]
    theta = rationale.Rationale(rng.normal(size=12), np.append(-1., rng.choice([-1., 1.], 11)), rng.normal(),
                                rng.uniform(0.5, 2))
    return rng.integers(0, 2, 70), y, theta


# ---- the page's numbers

def test_the_three_words_of_the_page():
    np.testing.assert_allclose(ahead(turned(THREE, RHO, VOTES))[-1], [0.072, 0.674, 0.236, 0.018])
    np.testing.assert_allclose(expit([-1, 0, 1, 2]), [0.269, 0.5, 0.731, 0.881], atol=5e-4)
    assert recursion_over_sums(1, THREE, RHO, VOTES, 0., 1.) == pytest.approx(0.545, abs=5e-4)
    given = kept_given_verdict(1, THREE, RHO, VOTES, 0., 1.)
    np.testing.assert_allclose(given[[0, 2]], [0.734, 0.938], atol=5e-4)


def test_the_picture_says_what_the_page_says():
    data = load_press().stored("rationale_words")
    assert data["random_probability"][0] == pytest.approx(0.47, abs=5e-3)
    np.testing.assert_allclose(data["random_kept"][:3], [0.03, 0.06, 0.11], atol=5e-3)
    lost = data["random_bag"] - data["random_right"]
    assert np.all(lost[1:3] < 0.01) and lost[0] > 0.1
    assert np.max(data["random_shares"][3]) < 0.25


# ---- masks and sums

def test_a_word_that_is_dropped_says_nothing(rng):
    """UA.098: all masks of four words; x changes with a word where the mask keeps it, and nowhere else."""
    weights, y = np.array([0.7, -1.1, 1.6, 0.4, -0.8]), np.array([0, 1, 2, 3])
    for f, i in itertools.product(masks(4), range(4)):
        other = np.where(np.arange(4) == i, 4, y)
        same = verdict_probability(1, f, y, weights, 0.2) == verdict_probability(1, f, other, weights, 0.2)
        assert same == (f[i] == 0)


def test_what_both_verdicts_say_of_a_mask_averages_to_what_was_said_before(some):
    _, y, theta = some
    p = report.probability(y, theta)
    for words, mass in zip(y, p):
        given = [rationale.kept(x, words, theta) for x in (0, 1)]
        np.testing.assert_allclose((1 - mass) * given[0] + mass * given[1], expit(theta.rho[words]), atol=1e-12)
        assert np.all((given[1] > given[0]) == (theta.votes[words] > 0))


def test_without_words_only_the_offset_speaks():
    theta = rationale.Rationale(RHO, VOTES, 0.4, 2.)
    none = [np.zeros(0, int)]
    np.testing.assert_allclose(np.exp(rationale.log_likelihood(np.array([1]), none, theta)), expit(0.4))
    assert len(rationale.kept(1, none[0], theta)) == 0


def test_blocks_of_unequal_sentences_are_sums_over_masks(some):
    x, y, theta = some
    truth = [np.log(sum_over_masks(label, words, theta.rho, theta.slope * theta.votes, theta.offset))
             for label, words in zip(x, y)]
    found = rationale.log_likelihood(x, y, theta)
    np.testing.assert_allclose(found, truth, atol=1e-12)
    assert np.all(found < 0)
    both = np.exp(found) + np.exp(rationale.log_likelihood(1 - x, y, theta))
    np.testing.assert_allclose(both, 1)


def test_sixty_words_take_the_recursion(rng):
    """Listed, their masks would be 1e18; draws of masks, and their standard error."""
    y, rho, votes = np.arange(60), rng.normal(size=60) - 1, rng.choice([-1., 1.], 60)
    f = (rng.random((100_000, 60)) < expit(rho)).astype(int)
    drawn = verdict_probability(1, f, y, 0.3 * votes, 0.1)
    off = recursion_over_sums(1, y, rho, votes, 0.1, 0.3) - np.mean(drawn)
    assert abs(off) < 6 * np.std(drawn) / np.sqrt(len(drawn))


# ---- learning

def test_the_gradient_of_all_blocks(some):
    x, y, theta = some

    def value(flat):
        return rationale.gradient(x, y, rationale.Rationale(flat[:12], theta.votes, *flat[12:]))[0]

    flat = np.array([*theta.rho, theta.offset, theta.slope])
    np.testing.assert_allclose(rationale.gradient(x, y, theta)[1], approx_fprime(flat, value, 1e-7), atol=1e-4)
    assert value(flat) == pytest.approx(np.sum(rationale.log_likelihood(x, y, theta)))


def test_the_climb_ends_where_it_is_level(some):
    """The slope of the log posterior was at most 7e-4 in 120 runs; any coin that is moved lowers it."""
    x, y, theta = some

    def log_posterior(found):
        return np.sum(rationale.log_likelihood(x, y, found)) - 0.5 * np.sum(((found.rho + 1) / 1.5)**2)

    found = rationale.fit(x, y, theta.votes, -1., 1.5, 500)
    level = rationale.gradient(x, y, found)[1] - np.append((found.rho + 1) / 1.5**2, [0, 0])
    assert np.max(np.abs(level)) < 0.02
    moved = [found._replace(rho=found.rho + step * (np.arange(12) == v)) for v in range(12) for step in (-0.1, 0.1)]
    assert all(log_posterior(other) < log_posterior(found) for other in moved)


def test_opinions_are_heard_and_things_are_not(rng):
    """UA.099: 1500 toy sentences; opinions were heard 11 to 24 times as readily as things in 25 runs."""
    data = polarity.toy_sentences(rng, 1500)
    columns, y, votes, _ = report.prepared(data, np.arange(1500))
    heard = expit(rationale.fit(data.labels, y, votes, *report.PRIOR).rho)
    for words, vote in ((polarity.LIKED, 1), (polarity.DISLIKED, -1)):
        assert all(votes[columns[word]] == vote for word in words)
    assert (np.mean([heard[columns[word]] for word in polarity.LIKED + polarity.DISLIKED])
            > 3 * np.mean([heard[columns[word]] for word in polarity.THINGS]))


# ---- bad inputs

@pytest.mark.parametrize("call, told", [
    (lambda: masks(30), r"30 words have 2\^30 masks, too many to list: with votes of -1 and 1 take "
                        "recursion_over_sums, which needs 496 sums; else draw masks"),
    (lambda: rationale.log_likelihood(np.array([1]), [[3]], rationale.Rationale(RHO, VOTES, 0., 1.)),
     "sentence 0: words must be integers in 0..2"),
    (lambda: rationale.log_likelihood(np.array([1]), [["dull"]], rationale.Rationale(RHO, VOTES, 0., 1.)),
     "sentence 0: words must be integers in 0..2, got text: number them first"),
    (lambda: rationale.log_likelihood(np.array([1, 0]), [[1]], rationale.Rationale(RHO, VOTES, 0., 1.)),
     r"x has shape \(2,\), expected \(1,\): one label"),
    (lambda: rationale.fit(np.array([0, 2]), [[1], [0]], VOTES, -1., 1.), "labels must be integers in 0..1"),
    (lambda: rationale.fit(np.array([0, 1]), [[1], [0]], 0.5 * VOTES, -1., 1.),
     "votes must be -1 or 1, got -0.5: sums of other weights are all different"),
    (lambda: rationale.fit(np.array([0, 1]), [[1], [0]], VOTES * np.nan, -1., 1.), "votes must be -1 or 1, got nan"),
    (lambda: rationale.fit(np.array([0, 1]), [[1], [0]], VOTES, -1., 0.), "prior_sd must be > 0, got 0.0"),
    (lambda: rationale.fit(np.array([0, 1]), [[1], [0]], VOTES, np.inf, 1.), "prior_mean must be a number, got inf"),
    (lambda: rationale.fit(np.array([], int), [], VOTES, -1., 1.), "no sentences: observe something first"),
    (lambda: rationale.kept(1, [0, -1], rationale.Rationale(RHO, VOTES, 0., 1.)), "words must be integers in 0..2"),
])
def test_what_is_not_what_it_seems_is_named(call, told):
    with pytest.raises(ValueError, match=told):
        call()


# ---- the report

def test_the_report_on_toy_sentences_repeats(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["fit", "rationale"]) == 0
    told = capsys.readouterr().out
    assert "REFVI_DATA is not set: these are toy sentences, drawn anew on every run" in told
    accuracy = [float(part.split(" +-")[0]) for part in told.split("accuracy ")[1:]]
    assert accuracy[1] > accuracy[0] - 8 and "[" in told.splitlines()[-3]
    bag, some = (float(part.split(" +-")[0]) for part in told.split("held out ")[1:3])
    assert float(told.split("words kept, ")[1].split(" +-")[0]) == pytest.approx(some - bag, abs=0.0016)
    for sign, words in (("  for: ", polarity.LIKED), ("  against: ", polarity.DISLIKED)):
        assert told.split(sign)[1].split()[0] in words
    assert main(["fit", "rationale", "--entropy", told.split("--entropy ")[1].split(")")[0]]) == 0
    assert capsys.readouterr().out == told


def test_votes_are_counted_where_one_learns():
    """Words that turn round on the sentences held out keep their votes."""
    words, turned = [["good"], ["good"], ["bad"], ["bad"]], [0, 0, 1, 1]
    data = polarity.Sentences("", 4 * words, np.array([1, 1, 0, 0, *3 * turned]))
    columns, _, votes, _ = report.prepared(data, np.arange(4))
    assert {word: votes[column] for word, column in columns.items()} == {"good": 1, "bad": -1}
    assert report.told(np.array([-1., -2., -3., -4.]), np.array([1, 1, 0, 1])) == (
        "-2.500 +- 0.645 nats per sentence, accuracy 75.0 +- 25.0 %")


def test_a_sentence_is_shown_with_its_verdict_and_its_words():
    columns, theta = {"dull": 0, "but": 1, "moving": 2}, rationale.Rationale(RHO, VOTES, 0., 1.)
    assert report.marked("dull , but moving".split(), columns, theta) == "0.54 [dull] , but [moving]"
    assert report.marked(["unknown"], columns, theta) == "0.50 unknown"
    torn = theta._replace(rho=logit(np.array([0.8, 0.1, 0.55])))      # kept less than half the time if negative
    assert report.marked("dull but moving".split(), columns, torn) == "0.46 [dull] but moving"

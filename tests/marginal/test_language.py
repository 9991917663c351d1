"""Language models: the page's numbers, a space that is learnt, bad inputs, losses with the wrong sign, the report."""
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import integrate, stats

from refvi.__main__ import main
from refvi.app.figures import load_press
from refvi.app.fits import language as report
from refvi.base.progress import Interrupted
from refvi.data import polarity, topics
from refvi.marginal.language import fit as language
from refvi.marginal.language.model import Sizes, forward, log_probability, padded, prior_nodes, strings
from refvi.marginal.language.rows import marginal_and_gradient, perplexity


def some(rng, V=3, H=4, D=1):
    sizes = Sizes(V, H, D)
    return 0.7 * rng.standard_normal(sizes.P), sizes


# ---- the page's numbers

def test_the_beaches_of_the_page():
    """A word is beach with probability Phi(z), which is uniform."""
    def chance(beaches, polices):
        return integrate.quad(lambda z: stats.norm.pdf(z) * stats.norm.cdf(z)**beaches * stats.norm.sf(z)**polices,
                              -10, 10)[0]

    np.testing.assert_allclose([chance(1, 0), chance(2, 0), chance(2, 0) / chance(1, 0), chance(3, 0) / chance(2, 0),
                                chance(2, 1) / chance(1, 1)], [1 / 2, 1 / 3, 2 / 3, 3 / 4, 1 / 2], atol=1e-8)


def test_a_fair_die_has_the_perplexity_of_its_sides():
    """Weights of zero: words and end are equally likely."""
    sizes = Sizes(7, 2, 0)
    sentences = [[0, 3], [], [6, 6, 1, 2]]
    assert perplexity(log_probability(np.zeros(sizes.P), np.zeros((1, 0)), sentences, sizes)[0], sentences) == (
        pytest.approx(8))


def test_the_topics_of_the_picture_lie_apart():
    """Most of the 500 sentences are closer to their own topic's mean than to the other two; a random space has a third
    or so of them there.
    """
    data = load_press().stored("sentence_space")
    nearest = np.argmin(np.abs(data["random_codes"][:, None] - data["random_points"]), axis=1)
    assert np.mean(nearest == data["random_topics"]) > 0.9
    best = np.argmax(data["random_shares"], axis=0)
    at = [np.argmin(np.abs(data["t"] - point)) for point in data["random_points"]]
    assert best[at].tolist() == [0, 1, 2]
    np.testing.assert_allclose(data["random_perplexities"], [2.385, 2.444, 2.430], atol=6e-4)     # truth, plain, space


# ---- the model

def test_a_conditional_is_as_fixed_with_a_sentence_variable_as_without(rng):
    """UA.101: two evaluations are equal to the last bit, and three points of the space give three conditionals."""
    theta, sizes = some(rng)
    first, second = (forward(weights, np.array([[-1.], [0.], [1.]]), padded([[2, 1]], 3), sizes)[1][-1]
                     for weights in (theta, theta.copy()))
    assert np.array_equal(first, second)
    assert np.max(np.abs(first[0] - first[1])) > 1e-6 and np.max(np.abs(first[1] - first[2])) > 1e-6


@pytest.mark.parametrize("D", [0, 1, 2])
def test_nodes_integrate_polynomials(D):
    z, w = prior_nodes(D, 5)
    assert z.shape == (5**D, D) and np.sum(w) == pytest.approx(1)
    np.testing.assert_allclose([w @ z**k for k in (1, 2, 4)], np.outer([0, 1, 3], np.ones(D)), atol=1e-12)


def test_padding_changes_nothing(rng):
    """Sentences of unequal length side by side, and each by itself: log probabilities and their gradient."""
    theta, sizes = some(rng)
    sentences, nodes = [[0, 1, 2, 2], [], [1]], prior_nodes(1, 6)
    together = marginal_and_gradient(theta, padded(sentences, 3), sizes, nodes)
    alone = [marginal_and_gradient(theta, padded([x], 3), sizes, nodes) for x in sentences]
    np.testing.assert_allclose(together[0], np.concatenate([value for value, _ in alone]), rtol=1e-12)
    np.testing.assert_allclose(together[1], sum(slope for _, slope in alone), atol=1e-12)


def test_a_space_that_says_nothing_is_no_space(rng):
    """With the table of z at zero: what a model without has. opened() keeps its other tables."""
    plain = Sizes(4, 3, 0)
    theta = rng.standard_normal(plain.P)
    opened = language.opened(rng, theta, plain._replace(D=2))
    start = 5 * 3 + 3 * 3
    assert np.any(opened[start:start + 6])
    opened[start:start + 6] = 0
    np.testing.assert_allclose(log_probability(opened.astype(float), np.ones((1, 2)), [[0, 3]], plain._replace(D=2)),
                               log_probability(theta, np.zeros((1, 0)), [[0, 3]], plain), rtol=1e-5)


def test_the_likeliest_word_is_taken_each_time(rng):
    theta, sizes = some(rng, V=5)
    words = language.likeliest(theta, [0.4], sizes, 6, without=[2])
    table = np.exp(forward(theta, np.array([[0.4]]), padded([words], 5), sizes)[1])[:, 0, 0]
    table[:, 2] = 0
    assert words == list(np.argmax(table, axis=1)[:len(words)])
    assert len(words) == 6 or np.argmax(table[-1]) == 5


def test_a_walk_through_the_space_changes_the_sentence():
    """One hidden unit, which says nothing but the sign of z: word 0 where it is positive, word 1 where not."""
    sizes, theta = Sizes(2, 1, 1), np.zeros(3 + 1 + 1 + 3 + 3)
    theta[4], theta[5:8] = 2, (1, -1, 0)
    assert [language.likeliest(theta, [z], sizes, 2) for z in (-1., 1.)] == [[1, 1], [0, 0]]
    np.testing.assert_allclose(language.codes(theta, [[0, 0, 0], [1, 1, 1]], sizes).sum(), 0, atol=1e-12)
    assert language.codes(theta, [[0, 0, 0]], sizes)[0, 0] > 0.5


def test_strings_are_all_there():
    assert strings(2, 2) == [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)]


# ---- sentences

def test_words_that_are_rare_are_unknown():
    columns = language.vocabulary([["b", "a"], ["a", "c", "b"], ["a"]], 3)
    assert columns == {"a": 0, "b": 1, language.UNKNOWN: 2}
    assert language.encoded([["c", "a"], [], ["never", "b"]], columns) == [[2, 0], [], [2, 1]]
    assert language.vocabulary([["a", language.UNKNOWN, language.UNKNOWN]], 3) == {"a": 0, language.UNKNOWN: 1}


def test_toy_sentences_have_the_probability_that_they_are_said_to_have(rng):
    """All 9 words of three places: masses of the sentences of three and of seven words; draws have the topics."""
    places = [topics.given_topic(place)[0] for place in range(3)]
    short = [[*topics.BEGINNING, *words] for words in itertools.product(*places)]
    assert np.sum(np.exp(topics.log_probability(short))) == pytest.approx(0.5)
    drawn = topics.toy_sentences(rng, 4000)
    shares = np.bincount(drawn.labels) / 4000
    assert np.all(np.abs(shares - topics.SHARES) < 6 * np.sqrt(0.25 / 4000))
    log_p = topics.log_probability(drawn.words)
    long = np.array([len(words) for words in drawn.words])
    assert abs(np.mean(long == 6) - 0.5) < 6 * np.sqrt(0.25 / 4000) and np.all(long % 4 == 2) and np.all(log_p < 0)


# ---- bad inputs

@pytest.mark.parametrize("call, told", [
    (lambda: padded([], 3), "no data: sentences has no rows"),
    (lambda: padded([[0], [1, 3]], 3), r"sentences\[1\] holds 3, expected integers in 0..2: encode words first"),
    (lambda: padded([[0, -1]], 3), r"sentences\[0\] holds -1"),
    (lambda: padded([["film"]], 3), r"holds 'film', expected integers"),
    (lambda: padded([[0.5]], 3), r"holds 0.5, expected integers"),
    (lambda: strings(30, 5), r"30\^5 strings are too many for a list: draw sentences from the model instead"),
    (lambda: prior_nodes(1, 0), "order must be an integer >= 1, got 0"),
    (lambda: log_probability(np.zeros(7), np.zeros((1, 0)), [[0]], Sizes(2, 2)), r"theta has shape \(7,\), expected"),
    (lambda: language.vocabulary([[], []], 3), "2 sentences without a word: there is no vocabulary"),
    (lambda: language.vocabulary([["a"]], 0), "V must be an integer >= 1, got 0"),
    (lambda: perplexity(np.array([-1., -2.]), [[0]]), r"log_p has shape \(2,\), expected \(1,\)"),
    (lambda: topics.toy_sentences(np.random.default_rng(), 0), "N must be an integer >= 1, got 0"),
    (lambda: language.fit(np.random.default_rng(), [], Sizes(2, 2), 1), "no data"),
    (lambda: language.fit(np.random.default_rng(), [[0]], Sizes(2, 2), 0), "epochs must be an integer >= 1"),
])
def test_what_is_not_what_it_seems_is_named(call, told):
    with pytest.raises(ValueError, match=told):
        call()


@pytest.mark.parametrize("log_p", [[-2., 0.3], [4., 7.], [-1., np.nan]])
def test_a_log_probability_above_zero_is_a_loss(log_p):
    """A loss handed in for a log probability would have a perplexity below one."""
    with pytest.raises(ValueError, match="that of a sentence is at most zero, is this a loss whose sign was turned"):
        perplexity(np.array(log_p), [[0], [1, 0]])


# ---- the fit

def test_both_models_learn(rng):
    """300 sentences, few steps: both end far above the frequencies of words, 34 nats below zero against 12."""
    data = topics.toy_sentences(rng, 400)
    columns = language.vocabulary(data.words, 26)
    train, test = (language.encoded(part, columns) for part in (data.words[:300], data.words[300:]))
    guessed = np.mean(report.by_frequency(train, test, len(columns)))
    for D in (0, 1):
        sizes = Sizes(len(columns), 5, D)
        theta = language.fit(rng, train, sizes, 8, 6, rate=0.05).lam
        assert np.mean(language.log_marginal(theta, test, sizes)) > guessed + 12


def test_the_report_on_toy_sentences_repeats(monkeypatch, capsys):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    for name, value in (("EPOCHS", 1), ("MORE", 1), ("ORDER", 5), ("H", 6)):
        monkeypatch.setattr(report, name, value)
    assert main(["fit", "language"]) == 0
    told = capsys.readouterr().out
    assert "REFVI_DATA is not set: these are toy sentences, drawn anew on every run" in told
    guessed, learnt = (float(told.split(words)[1].split("perplexity ")[1].split(" +-")[0])
                       for words in ("word by word", "1 epochs more with a"))
    truth = float(told.split("the truth: perplexity ")[1].split(" +-")[0])
    assert truth < learnt < guessed
    assert main(["fit", "language", "--entropy", told.split("--entropy ")[1].split(")")[0]]) == 0
    assert capsys.readouterr().out == told


def test_held_out_nats_and_codes_are_integrals_over_the_space(rng):
    """Beside evenly spaced nodes; more sentences than a block holds. In 60 runs they differed by 4e-13 at most."""
    (theta, sizes), sentences = some(rng), 70 * [[0, 1, 2], [], [2]]
    theta *= 0.35
    t = np.linspace(-8, 8, 801)
    joint = stats.norm.pdf(t) * 0.02 * np.exp(log_probability(theta, t[:, None], sentences, sizes).T)
    mass = np.sum(joint, axis=1)
    np.testing.assert_allclose(language.log_marginal(theta, sentences, sizes, 120), np.log(mass), atol=1e-6)
    np.testing.assert_allclose(language.codes(theta, sentences, sizes, 120)[:, 0], joint @ t / mass, atol=1e-6)


def test_every_epoch_shows_every_sentence_once(rng, monkeypatch):
    shown, known = [], language.padded

    def padded_and_noted(sentences, V):
        shown.append([word for word, in sentences])
        return known(sentences, V)

    monkeypatch.setattr(language, "padded", padded_and_noted)
    language.fit(rng, [[v] for v in range(12)], Sizes(12, 2), 3, M=4)
    np.testing.assert_array_equal(np.sort(np.reshape(shown[1:], (3, 12)), axis=1), 3 * [range(12)])


def test_the_climb_ends_where_data_and_prior_pull_alike(rng):
    """The slope of the log posterior, of whose two parts either is above a half somewhere; it ended below 1e-6."""
    sentences, sizes = [[0, 1], [0], [1, 1, 0], [0, 0], [], [0, 1, 1]], Sizes(2, 1, 1)
    theta = language.fit(rng, sentences, sizes, 600, 6, M=6, rate=0.05).lam
    slope = marginal_and_gradient(theta, padded(sentences, 2), sizes, prior_nodes(1, 6))[1]
    assert np.max(np.abs(slope - theta)) < 0.01 and np.max(np.abs(theta)) > 0.5


def test_ends_are_choices_as_words_are():
    """Of frequencies, with one half added to each; and where every choice costs two nats the ratio has no error."""
    shares = np.log(np.array([2.5, 1.5, 2.5]) / 6.5)
    np.testing.assert_allclose(report.by_frequency([[0, 1], [0]], [[1, 0], []], 2), [np.sum(shares), shares[2]])
    assert report.score(np.array([-6., -2.]), [[1, 0], []]) == (
        "perplexity 7.39 +- 0.00, -4.00 +- 2.00 nats per sentence")


def test_a_sentence_variable_is_told_by_its_gain_over_as_many_epochs_without(rng, monkeypatch):
    """Weights are the number of the climb, nats per sentence eight less than that; both go on from the first climb."""
    climbs = []

    def climb(rng, name, train, sizes, epochs, start=None):
        climbs.append((name, sizes.D, epochs, None if start is None else start[-1]))
        return SimpleNamespace(lam=np.full(sizes.P, float(len(climbs))), stopped="")

    def log_marginal(theta, sentences, sizes, order=40):
        return np.full(len(sentences), theta[0] - 8. + (order == 80) / 4)

    monkeypatch.setattr(report, "climb", climb)
    monkeypatch.setattr(language, "log_marginal", log_marginal)
    told = "\n".join(report.run(rng, "toy"))
    assert climbs == [("recurrent", 0, 8, None), ("without", 0, 6, 1), ("with", 1, 6, 1)]
    assert "gains +1.00 +- 0.00 nats per sentence; twice the nodes change 2e-01" in told
    assert [told.count(f"{nats} +- 0.00 nats") for nats in ("-7.00", "-6.00", "-5.00")] == [1, 1, 2]


def test_ctrl_c_ends_the_fit_with_what_it_has(rng):
    def interrupt(step, theta):
        if step == 3:
            raise KeyboardInterrupt

    sizes = Sizes(3, 2, 0)
    found = language.fit(rng, 40 * [[0, 1]], sizes, 9, M=10, watch=interrupt)
    assert found.steps == 3 and isinstance(found.stopped, Interrupted) and np.all(np.isfinite(found.lam))


@pytest.mark.skipif(not polarity.at_hand(), reason="the movie-review sentences are not at hand")
def test_real_sentences_are_short_and_half_known(rng):
    train, test, called, truth = report.choose(rng, "polarity")
    assert truth is None and called == "movie-review sentences of at most 12 words"
    assert len(train) + len(test) == 2142 and max(map(len, train)) == 12

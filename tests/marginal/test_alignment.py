"""Alignment: the page's numbers, EM that climbs, faults as public implementations have them, bad inputs, the report."""
import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import log_softmax

from refvi.__main__ import main
from refvi.app.figures import load_press
from refvi.app.fits import alignment as report
from refvi.app.fits.outcome import ratio
from refvi.base.progress import Progress
from refvi.data import hansards
from refvi.marginal.alignment import fit as em
from refvi.marginal.alignment.rows import generated, new_table, product_of_sums, sum_over_alignments
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove

HOUSES = [(np.array([0, 1]), np.array([0, 1])), (np.array([0, 2]), np.array([0, 2]))]


@pytest.fixture
def some(rng):
    """Ten pairs, and the shape of their table: all five words of y stand in them, two of eight words of x do not."""
    more = [(rng.integers(0, 6, rng.integers(3, 9)), rng.integers(0, 5, rng.integers(3, 9))) for _ in range(9)]
    return [(np.arange(3), np.arange(5)), *more], (5, 8)


# ---- the page's numbers, and what a table finds

def test_the_two_pairs_of_the_page():
    found = em.fit(HOUSES, (3, 3), 60)
    np.testing.assert_allclose(em.fit(HOUSES, (3, 3), 1).found, [[0.5, 0.25, 0.25], [0.5, 0.5, 0], [0.5, 0, 0.5]])
    np.testing.assert_allclose(found.trace[[0, 1]], [-4.394, -3.348], atol=5e-4)
    np.testing.assert_allclose(em.log_likelihood(HOUSES, found.found).sum(), -2.773, atol=5e-3)
    np.testing.assert_allclose(found.found, np.eye(3), atol=0.02)
    assert product_of_sums(*HOUSES[0], em.fit(HOUSES, (3, 3), 1).found) == pytest.approx(0.1875)


def test_a_dictionary_is_found(rng):
    """UA.094: 300 toy pairs; all seventeen words but *do* and *not*, which always stand together, in 200 of 200 runs.
    """
    data = hansards.toy_pairs(rng, 300)
    pairs, of_y, of_x = report.prepared(data, np.arange(300), False)
    theta = em.fit(pairs, (len(of_y), len(of_x)), 10, 1e-3).found
    found = {w: of_x[np.argmax(row)] for w, row in zip(of_y, theta)}
    assert {w: found[w] for w in hansards.DICTIONARY if w not in ("not", "?")} == {
        w: v for w, v in hansards.DICTIONARY.items() if w != "not"}
    assert found["not"] in ("ne", "pas")


def test_the_picture_says_what_the_page_says():
    data = load_press().stored("alignment_heat")
    likeliest = np.argmax(data["random_shares"][-1], axis=1)
    assert data["y"][likeliest].tolist() == ["our", "society", "canadian", "not", "is", "not", "unique"]
    held = data["random_held"][:, 0]
    assert np.argmax(held) == 5 and held[5] > data["random_alone"] + 0.7 and held[-1] < held[5] - 0.1
    assert np.all(np.diff(data["random_train"]) > -1e-6)


def test_each_word_has_its_likeliest_position():
    theta = np.array([[0.6, 0.3, 0.1], [0.3, 0.5, 0.2], [0.1, 0.2, 0.7]])
    assert em.aligned(np.array([2, 0, 0, 1]), np.array([0, 2, 1]), theta).tolist() == [1, 0, 0, 2]


def test_a_generated_word_never_lies_beyond_the_table():
    theta = np.array([[0.1] * 10, [0.3, 0.7] + [0.] * 8])
    below = np.nextafter(1., 0.)
    assert generated(np.array([[0., 0.], [0., below], [below, below]]), np.array([0, 1]), theta).tolist() == [0, 9, 1]


# ---- EM

@pytest.mark.parametrize("added", [0., 0.3])
def test_em_climbs_to_where_it_is_level(some, added):
    """Its value is the log-likelihood and the prior of the table that it returns; there the slope in the logits is
    zero, once a step of EM changes nothing.
    """
    pairs, (W, V) = some
    found = em.fit(pairs, (W, V), 400, added)
    theta = found.found

    def value(logits):
        table = log_softmax(logits.reshape(W, V), axis=1)
        whole = em.log_likelihood(pairs, np.exp(table)).sum()
        return whole + added * np.sum(table) if added else whole

    assert len(found.trace) == 401 and np.all(np.diff(found.trace) > -1e-9) and found.stopped == ""
    np.testing.assert_allclose(theta.sum(axis=1), 1)
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(theta), -40)
    assert found.trace[-1] == pytest.approx(value(logits.ravel()), abs=1e-8)
    if added:
        assert np.max(np.abs(approx_fprime(logits.ravel(), value, 1e-6))) < 1e-3


def test_the_fast_step_is_the_readable_one(some):
    pairs, shape = some
    theta = em.fit(pairs, shape, 3).found
    np.testing.assert_allclose(em.fit(pairs, shape, 4).found, new_table(pairs, theta), atol=1e-14)


def test_what_stands_in_no_pair_is_uniform_and_what_was_never_seen_together_zero():
    theta = em.fit([(np.array([0, 2]), np.array([0, 1]))], (3, 4), 5).found
    np.testing.assert_allclose(theta, [[0.5, 0, 0.5, 0]] * 2 + [[0.25] * 4])
    np.testing.assert_allclose(em.fit([(np.array([0]), np.array([0]))], (2, 3), 1, 0.5).found,
                               [[0.6, 0.2, 0.2], [1 / 3] * 3])


def test_a_climb_cut_short_returns_what_it_has(some, monkeypatch):
    def cut(self, done, note=""):
        if done == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "__call__", cut)
    pairs, shape = some
    found = em.fit(pairs, shape, 50)
    assert found.stopped == "interrupted after step 3 of 50" and len(found.trace) == 4
    np.testing.assert_allclose(found.found.sum(axis=1), 1)


# ---- faults as public implementations have them: the checker refuses each where the page's row stands

def start_is_kept(pairs, theta):
    """Only entries of words that stand in the same pair are replaced, the others are 1/V for ever."""
    table, new = np.full(theta.shape, 1 / theta.shape[1]), new_table(pairs, theta)
    return np.where(new > 0, new, table).sum(axis=1)


def without_its_factor(pairs, theta):
    """p(x, a | y) as the product of the table's entries alone, summed over alignments."""
    return np.array([np.prod(theta[y].sum(axis=0)[x]) for x, y in pairs])


def once_by_type(pairs, theta):
    """The table after a step whose repeated words of x count once."""
    return new_table([(np.unique(x), y) for x, y in pairs], theta)


FAULTS = {
    "rows that keep their start": (lambda theta: np.ones(len(theta)), start_is_kept,
                                   lambda pairs, theta: new_table(pairs, theta).sum(axis=1)),
    "no factor of the length": (lambda pairs, theta: np.array([sum_over_alignments(x, y, theta) for x, y in pairs]),
                                without_its_factor, lambda pairs, theta: np.exp(em.log_likelihood(pairs, theta))),
    "counts by type": (lambda pairs, theta: new_table(pairs, theta), once_by_type,
                       lambda pairs, theta: stepped(pairs, theta)),
}


def stepped(pairs, theta):
    """As fit.py steps, from any table."""
    known = em.links(pairs, theta.shape)
    values, rest = em.maximized(em.expected(theta[known.at], known)[1], known, 0.)
    theta = np.repeat(rest[:, None], theta.shape[1], axis=1)
    theta[known.at] = values
    return theta


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_refused_and_the_right_row_passes(entropy, rng, name):
    truth, fault, right = FAULTS[name]
    pairs = [(np.array([0, 1, 1]), np.array([0, 1])), (np.array([2, 0]), np.array([2, 0, 2]))]
    stage = dict(pairs=pairs, theta=rng.dirichlet([5., 7., 6., 8.], 3), truth=truth)
    for row, verdict in ((fault, FAIL), (right, PASS)):
        assert prove(entropy, "truth; = row", stage | dict(row=row))["row"].verdict == verdict


def test_a_table_that_kept_its_start_is_refused_where_it_would_be_used():
    theta = np.full((3, 3), 1 / 3)
    theta[0, :2] = [0.5, 0.5]
    with pytest.raises(ValueError, match=r"theta\[0\] sums to 1.3333.*a row holds probabilities that add up to 1"):
        em.log_likelihood(HOUSES, theta)


# ---- bad inputs

@pytest.mark.parametrize("call, told", [
    (lambda: em.fit([], (3, 3)), "no pairs: observe something first"),
    (lambda: em.fit([*HOUSES, (np.array([], int), np.array([0]))], (3, 3)), "pair 2: words must be integers in 0..2, "
                                                                            "at least one"),
    (lambda: em.fit([(np.array([0]), np.array([3]))], (3, 3)), "pair 0: words must be integers in 0..2"),
    (lambda: em.fit([(np.array([0, -1]), np.array([0]))], (3, 3)), "pair 0: words must be integers in 0..2"),
    (lambda: em.fit([(np.array([0.5]), np.array([0]))], (3, 3)), "pair 0: words must be integers in 0..2"),
    (lambda: em.fit([(["la"], ["the"])], (3, 3)), "pair 0: words must be integers in 0..2, got text"),
    (lambda: em.fit([(np.array([0]),)], (3, 3)), "pair 0 holds 1 sentences, expected two, x and y"),
    (lambda: em.fit(HOUSES, (3, 3), 5, -0.1), "added must be >= 0, got -0.1"),
    (lambda: em.fit(HOUSES, (3, 3), 5, np.nan), "added must be >= 0, got nan"),
    (lambda: em.log_likelihood(HOUSES, np.eye(3) - 0.5), r"theta\[0\] sums to -0.5, its least entry is -0.5"),
    (lambda: em.log_likelihood(HOUSES, np.ones(3)), r"theta has shape \(3,\), expected \(any, any\)"),
    (lambda: em.log_likelihood(HOUSES, np.full((3, 3), np.nan)), r"theta\[0, 0\] is nan"),
    (lambda: em.log_likelihood([(np.array([3]), np.array([0]))], np.eye(3)), "pair 0: words must be integers in 0..2"),
    (lambda: sum_over_alignments(np.zeros(30, int), np.zeros(9, int), np.eye(1)),
     r"30 words have 9\^30 alignments to 9 positions, too many to list: take product_of_sums, which needs 270"),
    (lambda: hansards.toy_pairs(np.random.default_rng(), 0), "N must be an integer >= 1, got 0"),
])
def test_what_is_not_what_it_seems_is_named(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def test_unknown_words_have_a_number_of_their_own():
    assert [each.tolist() for each in em.numbered([["la", "rue"], []], {"la": 0, "maison": 1})] == [[0, 2], []]


@pytest.mark.parametrize("french, english, error, told", [
    (None, b"a\n", FileNotFoundError, "no hansards.f under .*: put hansards.f and hansards.e there"),
    (b"un\ndeux\n", b"one\n", ValueError, "hansards.f has 2 lines, hansards.e 1: line n of one belongs to line n"),
    (b"un\n\n", b"one\ntwo\n", ValueError, "hansards.f:2: a sentence without words: take the line out of both"),
    (b"un\ndeux\n", b"one\n \n", ValueError, "hansards.e:2: a sentence without words"),
    (b"\n", b"\n", ValueError, "holds no sentences: it is empty, copy it again"),
    ("été".encode("latin-1"), b"summer", ValueError, "hansards.f:1: byte 0xe9 is not UTF-8: save the file as UTF-8"),
    ("un".encode("utf-16"), b"one", ValueError, "is not UTF-8 text"),
])
def test_pairs_that_are_none_are_told(french, english, error, told, tmp_path):
    for name, content in zip(hansards.FILES, (french, english)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=told):
        hansards.load(tmp_path)


def test_pairs_are_read(tmp_path, monkeypatch):
    (tmp_path / "hansards").mkdir()
    for name, text in zip(hansards.FILES, ("un été\ndeux\n", "a summer\ntwo\n")):
        (tmp_path / "hansards" / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("REFVI_DATA", str(tmp_path))
    data = hansards.load()
    assert hansards.at_hand() and data.x == [["un", "été"], ["deux"]] and data.y == [["a", "summer"], ["two"]]


# ---- the report

def test_the_report_on_toy_pairs_repeats(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["fit", "alignment"]) == 0
    told = capsys.readouterr().out
    assert "REFVI_DATA is not set: these are toy pairs, drawn anew on every run" in told
    gain = float(told.split("English is worth ")[1].split(" +-")[0])
    assert gain > 0.6 and "the: les" in told        # 0.95 +- 0.03
    assert main(["fit", "alignment", "--entropy", told.split("--entropy ")[1].split(")")[0]]) == 0
    assert capsys.readouterr().out == told


def test_the_better_number_of_imagined_words_is_taken(rng, monkeypatch):
    """300 of every word hide what was counted."""
    monkeypatch.setattr(report, "ADDED", (300., 0.01))
    assert "\n".join(report.run(rng, "toy")).count("0.01 added") == 2


@pytest.mark.skipif(not hansards.at_hand(), reason="the Hansard pairs are not at hand")
def test_english_is_worth_half_a_nat_to_a_french_word(rng):
    """0.68 +- 0.07 nats on a held-out tenth of the pairs; AND becomes ET, with 0.65."""
    *_, line = told = list(report.run(rng, "hansards"))
    assert 0.3 < float(line.split("worth ")[1].split(" +-")[0]) < 1.1
    assert any(text.strip().startswith("AND: ET") for text in told)


def test_null_is_one_more_word_of_every_sentence_and_rare_words_are_one():
    """Rare is who stands in one sentence of those that are learnt from, however often in others."""
    data = hansards.Pairs("", [["la", "rue"], ["la", "mer"], ["rue"]], [["the", "street"], ["sea", "the"], ["street"]])
    for null, last in ((False, []), (True, [2])):
        pairs, of_y, of_x = report.prepared(data, [0, 1], null)
        assert of_x.tolist() == ["la", "?"] and of_y.tolist() == ["the", "?", "NULL"][:2 + null]
        assert [x.tolist() for x, _ in pairs] == [[0, 1], [0, 1], [1]]
        assert [y.tolist() for _, y in pairs] == [[0, 1, *last], [1, 0, *last], [1, *last]]


def test_one_is_added_to_how_often_each_word_stands():
    np.testing.assert_allclose(report.frequencies([([0, 0, 2], [0])], 4), [3 / 7, 1 / 7, 2 / 7, 1 / 7])


def test_nats_per_word_and_their_standard_error(rng):
    """A ratio of sums: its error over many sets of fifty sentences."""
    words = rng.integers(3, 30, (4000, 50))
    nats = -2. * words + rng.normal(size=(4000, 50)) * np.sqrt(words)
    found = np.array([ratio(a, b) for a, b in zip(nats, words)])
    assert np.mean(found[:, 1]) == pytest.approx(np.std(found[:, 0]), rel=0.1)

"""What the rows of a chain say of each other: which row below a failed one is right, pins, scales, referees."""
from functools import partial

import numpy as np
import pytest

from refvi import noise, normal
from refvi.verify.chance import stream_of
from refvi.verify.document import Chain, Row
from refvi.verify.perform import Played
from refvi.verify.play import Scene, distrust, largest, pins, play
from refvi.verify.trial import FAIL, INCONCLUSIVE, PASS
from tests.verify.proof import prove

LAM = np.array([0.7, -0.4])
CHAPTER = "refvi.gradients.score_function"


def one(lam):
    return 2 * lam[0]


def also_one(lam):
    return lam[0] + lam[0]


def two(lam):
    return 4 * lam[0]


def three(lam):
    return 6.0 * lam[0]


def least(lam):
    return -9.0 + lam[1]


def average(eps):
    return 2 * np.mean(eps, axis=-1)


def proved(entropy, chain, **more):
    return prove(entropy, chain, dict(lam=LAM, one=one, also_one=also_one, two=two, three=three, least=least,
                                      average=average, S=2, noise=noise(normal, LAM), **more))


def test_a_bound_below_a_failed_row_does_not_follow_from_it(entropy):
    results = proved(entropy, r"one; = two; \ge least")
    assert (results["two"].verdict, results["least"].verdict) == (FAIL, PASS)
    assert not any("follows" in note for note in results["least"].notes)


def test_all_that_follows_from_a_failed_row_says_so(entropy):
    results = proved(entropy, "one; = two; = twice; = more", twice=lambda lam: 2 * lam[0] * 2,
                     more=lambda lam: lam[0] + 3 * lam[0])
    assert [result.verdict for result in results.values()] == [PASS, FAIL, PASS, PASS]
    assert "follows from line 2, which failed" in results["twice"].notes
    assert "follows from line 3, which failed" in results["more"].notes


def test_below_two_failed_rows_the_last_right_one_is_above_both(entropy):
    result = proved(entropy, "one; = two; = three; = also one")["also one"]
    assert result.verdict == PASS and result.against == "one"
    assert "held against line 1, since line 3 between them failed" in result.notes


def test_a_row_claimed_equal_to_a_failed_bound_is_not_saved_by_what_stands_above_the_bound(entropy):
    result = proved(entropy, r"one; \ge two; = also one")["also one"]
    assert result.verdict == FAIL and result.against == "two"


def test_an_estimate_below_nothing_but_a_broken_row_is_inconclusive(entropy):
    result = proved(entropy, r"broken; \approx average", broken=lambda lam: 1 / 0)["average"]
    assert result.verdict == INCONCLUSIVE and "is broken" in result.message


def test_a_zero_below_a_bound_needs_no_declared_scale(entropy):
    assert proved(entropy, r"zero; \le one", zero=lambda: 0.0)["one"].verdict == PASS


def test_a_declared_scale_may_be_as_large_as_the_numbers_of_the_stage(entropy):
    values = dict(zero=lambda: 0.0, difference=lambda xs: sum(xs) - xs[0] - xs[1], xs=(1.0, -1e6), scale=1e6)
    assert proved(entropy, "zero; = difference", **values)["difference"].verdict == PASS
    assert largest((1.0, [-5.0, np.array([3])], "a", None)) == 5.0 and largest(()) == largest(np.array(["a"])) == 0.0


def played(tag, own, modules=(), **more):
    return Played(Row(tag, "=", 1), set(modules), set(), dict.fromkeys(own, ""), (), **more)


def test_one_of_two_pins_may_be_a_chapter_s(entropy):
    truth, chapter, other = played("truth", "a"), played("row", "b", [CHAPTER]), played("other", "c", [CHAPTER])
    assert pins([truth, chapter]) == (("truth", "row"), "") and pins([chapter, truth]) == (("row", "truth"), "")
    assert pins([chapter, other]) == ((), "each of its deterministic rows enters a chapter of refvi")


@pytest.mark.parametrize("rows, why", [
    ([played("a", "x", [CHAPTER]), played("b", "y", at=np.square)], "no referee"),
    ([played("a", "x"), played("b", "x"), played("c", "y")], None),
    ([played("a", "x"), played("b", "x"), played("c", "xy")], "no two of {a}, {b}, {c}"),
], ids=["a random row is no referee", "two of three that share none are enough", "all share"])
def test_why_a_chain_is_distrusted(rows, why):
    told = list(distrust(rows, dict.fromkeys("abc", 0)))
    assert len(told) == bool(why) and all(why in message for message in told)


def test_a_random_row_is_announced_before_each_of_its_calls(entropy):
    rows, asked = (Row("one", "", 1), Row("average", r"\approx", 2)), []
    scene = Scene(Chain("a chain", 1, rows), "stage", dict(lam=LAM, S=2, noise=noise(normal, LAM)),
                  dict(one=one, average=average), partial(stream_of, entropy), asked.append)
    assert {result.verdict for result in play(scene)} == {PASS}
    assert asked.count("average") > asked.count("one") > 0

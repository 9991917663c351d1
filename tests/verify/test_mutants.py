"""Mistakes planted in the values of rows: how large they are, which way they go, which of them draws have to see."""
from functools import partial

import numpy as np
import pytest

from refvi import noise, normal
from refvi.verify import mutants
from refvi.verify.chance import stream_of
from refvi.verify.document import Chain, Row
from refvi.verify.perform import Played
from refvi.verify.play import Cast, segments_of
from refvi.verify.verdict import Result


def judged(value, reference, relation="=", scale=1.0, resolution=1e-8, **more):
    return Result("a chain", "stage", "below", relation, 2, scale=scale, resolution=resolution, value=value,
                  reference=reference, against="above", **more)


def changed(result, value, is_row=True):
    """{name: what the change makes of a value}."""
    return {name: change(np.array(value)).tolist() for name, change in mutants.mutants(result, is_row)}


def test_each_coordinate_is_shifted_by_what_must_be_seen_and_its_sign_turned():
    assert changed(judged([2.0, -3.0], [2.0, -3.0], scale=10.0), [2.0, -3.0]) == {
        "shifted by 1 in coordinate 0": [3.0, -3.0], "shifted by 1 in coordinate 1": [2.0, -2.0],
        "its sign turned in coordinate 0": [-2.0, -3.0], "its sign turned in coordinate 1": [2.0, 3.0]}
    assert changed(judged(2.0, 2.0, scale=10.0, resolution=0.75), 2.0) == {
        "shifted by 1.5 in coordinate 0": 3.5, "its sign turned": -2.0}
    assert len(changed(judged([1.0] * 6, [1.0] * 6), [1.0] * 6)) == 2 * mutants.COORDINATES == 8


def test_the_sign_is_turned_only_where_that_is_to_be_seen():
    assert not any("sign" in name for name in changed(judged([1.0, 0.0], [0.0, 1e-9]), [1.0, 0.0]))
    assert not any("sign" in name for name in changed(judged(0.9, 0.9, resolution=0.9), 0.9))
    assert any("sign" in name for name in changed(judged(0.9, 0.9, resolution=0.89), 0.9))
    assert not any("sign" in name for name in changed(judged(4e-7, 4e-7, scale=100.0, resolution=1e-9), 4e-7))
    assert [name for name in changed(judged([1.0, 0.0], [0.0, 1.0]), [0.0, 1.0], False) if "sign" in name] == [
        "its sign turned in coordinate 0"]                                        # beside the other row, not its own
    assert not any("sign" in name for name in changed(judged([1.0], None), [1.0]))     # a difference, held against zero


@pytest.mark.parametrize("relation, name",
                         [(r"\le", "moved across the gap"), (r"\ge", "moved across the gap"), (r"\ne", "made right")])
def test_a_bound_is_moved_and_a_slip_made_right(relation, name):
    assert list(mutants.mutants(judged(2.0, 1.0, relation), True)) == [(name, None)]


def number(tag, value):
    return Played(Row(tag, "", 1), set(), set(), {}, np.shape(value), value=np.array(value))


def draws(tag, at):
    return Played(Row(tag, "", 1), set(), set(), {}, (), at=at)


EPS = np.array([[1.0], [2.0]])
ONE, THREE = number("below", 1.0), number("above", 3.0)
SINGLE, DOUBLE = draws("below", lambda eps: 1 * eps), draws("above", lambda eps: 2 * eps)


def test_what_a_bound_refuses_lies_as_far_on_the_other_side():
    told = judged(1.0, 3.0, r"\ge", gap=2.0)
    assert mutants.moved(ONE, THREE, told).value == 5.0
    assert mutants.moved(SINGLE, THREE, told).at(EPS).tolist() == [[5.0], [4.0]]
    assert mutants.moved(SINGLE, DOUBLE, told).at(EPS).tolist() == [[3.0], [6.0]]
    assert mutants.moved(ONE, DOUBLE, told).value == 5.0                           # below it: to above it
    assert mutants.moved(number("above", 1.0), DOUBLE, told).value == -3.0         # above it: to below it
    assert mutants.moved(ONE, DOUBLE, told._replace(relation=r"\le")).value == -3.0


def test_a_change_is_made_in_every_repetition_of_a_row_of_two_coordinates():
    pair = draws("below", lambda eps: np.concatenate([eps, -eps], axis=1))._replace(shape=(2,))
    assert mutants.alter(pair, lambda v: v + np.array([0.0, 5.0])).at(EPS).tolist() == [[1.0, 4.0], [2.0, 3.0]]


def test_a_slip_made_right_is_the_row_above_it(entropy):
    lam = np.array([0.7, -0.4])
    cast = Cast(None, "stage", dict(noise=noise(normal, lam), S=3), [], {}, {})
    right = partial(mutants.crossed, judged=judged(1.0, 3.0, r"\ne"), cast=cast, stream=partial(stream_of, entropy))
    assert right(ONE, THREE).value == 3.0
    assert right(SINGLE, THREE).at(EPS).tolist() == [[3.0], [3.0]]
    assert right(SINGLE, DOUBLE).at(EPS).tolist() == [[2.0], [4.0]]
    mean = draws("above", lambda eps: np.mean(eps, axis=1, keepdims=True))
    assert abs(right(ONE, mean).value - 0.7) < 10 * np.exp(-0.4) / np.sqrt(3 * mutants.N1)


def test_the_first_row_is_judged_by_an_equality_before_a_bound():
    below = [judged(1.0, 3.0, relation) for relation in (r"\ne", r"\ge", "=", r"\le")]
    found = [mutants.follower_of(Row("above", "", 1), some) for some in (below, below[:2], below[:1])]
    assert [result and result.relation for result in found] == ["=", r"\ge", None]
    assert mutants.follower_of(Row("elsewhere", "", 1), below) is None


@pytest.mark.parametrize("pass_on", ["", "shifted by 0.1", "by draws alone"])
def test_what_is_not_refused_is_named(monkeypatch, pass_on):
    """Of a random row the first mutant is held beside draws alone as well."""
    rows = (Row("above", "", 1), Row("below", r"\approx", 2))
    chain = Chain("a chain", 1, rows)
    done = [number("above", 3.0)._replace(row=rows[0]), draws("below", lambda eps: eps)._replace(row=rows[1])]
    results = [Result("a chain", "stage", "above", "", 1, how="given"), judged(3.0, 3.0, r"\approx")]
    asked = []

    def passes(cast, row, stream, name, use_rule):
        asked.append((row.tag, name.split(" in ")[0], use_rule))
        return bool(pass_on) and pass_on in (name if use_rule else "by draws alone")

    monkeypatch.setattr(mutants, "passes", passes)
    told = mutants.plant(Cast(chain, "stage", {}, done, {}, segments_of(chain)), None, results)
    mine = [("below", "shifted by 0.1", True), ("below", "shifted by 0.1", False), ("below", "its sign turned", True)]
    assert asked == 2 * mine
    if pass_on:
        assert [result.row for result in told] == ["above", "below"]
        assert all(result.verdict == "FAIL" and ("by draws alone" in result.message) == (pass_on == "by draws alone")
                   and "shifted by 0.1 in coordinate 0" in result.message for result in told)
    else:
        assert [result.how for result in told] == ["6 planted, all refused"]
    failed = [results[0], results[1]._replace(verdict="FAIL")]
    assert mutants.plant(Cast(chain, "stage", {}, done, {}, segments_of(chain)), None, failed)[0].how.startswith("0 ")


def test_draws_have_two_strikes_to_refuse_a_mutant(monkeypatch):
    asked = []
    monkeypatch.setattr(mutants, "hold", lambda *arguments: asked.append(arguments) or judged(1.0, 1.0))
    stream = "{} {}".format
    assert mutants.passes("cast", "row", stream, "shifted", False)
    assert np.prod(mutants.STRIKES) == pytest.approx(1e-5)
    (cast, row, named, use_rule, alpha), = asked
    assert (cast, row, use_rule, alpha, named("row", 1)) == ("cast", "row", False, mutants.STRIKES, "row shifted 1")

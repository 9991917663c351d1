"""What two rows share: code, numbers of the module, answers of the stage; and what they may both use."""
import sys
import threading

import numpy as np
import pytest

from refvi.verify.tracing import Trace, holds_numbers
from refvi.verify.trial import PASS
from tests.verify.proof import prove

LAM = np.array([0.7, -0.4])


def cubed(z):
    return z**3


def expectation(g):
    return np.mean(g(np.arange(5.0)))


def first_squared(lam):
    return lam[0]**2


class Third:
    def __call__(self, lam):
        return lam[0] / 3


third, HELPERS = Third(), [cubed]


def share_code(entropy, **values):
    """Whether rows one and two are refused for the code they share; they are equal."""
    results = prove(entropy, "one; = two", dict(lam=LAM, **values))
    assert results["one"].verdict == results["two"].verdict == PASS
    return "the chain" in results and "do not share code" in results["the chain"].message


@pytest.mark.parametrize("values", [
    dict(one=lambda lam: third(lam) + 0.0, two=lambda lam: 1.0 * third(lam)),
    dict(one=lambda E: E(cubed) + 0.0, two=lambda E: 1.0 * E(cubed), E=expectation),
    dict(one=lambda E: E(HELPERS[0]) + HELPERS[0](2.0), two=lambda E: HELPERS[0](2.0) + E(HELPERS[0]), E=expectation),
    dict(one=lambda g, lam: g(lam) + 0.0, two=lambda g, lam: 1.0 * g(lam), g=lambda lam: lam**2),
], ids=["callable object", "handed to an expectation", "out of a list", "an array the stage was asked for"])
def test_what_two_rows_both_use_is_shared(entropy, values):
    assert share_code(entropy, **values)


def test_functions_in_a_tuple_of_the_stage_are_the_stage_s(entropy):
    values = dict(one=lambda pair: pair[0](2.0) + 0.0, two=lambda pair: 1.0 * pair[0](2.0), pair=(cubed, first_squared))
    assert not share_code(entropy, **values)


def test_what_is_no_number_may_be_asked_for_by_both(entropy):
    """What to do with it, a row says itself."""
    values = dict(which=lambda lam: [0, 1], one=lambda which, lam: np.sum(lam[which(lam)]),
                  two=lambda which, lam: lam[which(lam)] @ np.ones(2))
    assert not share_code(entropy, **values)


def test_a_trace_sees_threads_and_leaves_a_debugger_as_it_was():
    before = sys.gettrace()
    try:
        sys.settrace(debugger := lambda frame, event, argument: None)
        with Trace() as trace:
            thread = threading.Thread(target=cubed, args=(2.,))
            thread.start()
            thread.join()
        assert sys.gettrace() is debugger
    finally:
        sys.settrace(before)
    assert cubed.__code__ in trace.entered


def test_an_integrand_asked_at_the_row_s_own_points_gives_no_answer_of_the_stage(entropy):
    """Its points may be positional, with a keyword of its own; or it asks another of the stage's functions."""
    assert not share_code(entropy, f=lambda z, *, k: k * z**3, one=lambda f: f(np.arange(4.0), k=2.0),
                          two=lambda f: 2 * f(np.arange(4.0), k=1.0))
    assert not share_code(entropy, g=first_squared, h=lambda x, lam: x * first_squared(lam),
                          one=lambda h, lam: h(3.0, lam) + 0.0, two=lambda h, lam: 1.5 * h(2.0, lam))


def test_a_small_function_written_inside_each_of_two_rows_is_no_shared_code(entropy):
    def one(lam):
        def square(z):
            return z * z

        return square(lam[0]) + 0.0

    def two(lam):
        def square(z):
            return z * z

        return 1.0 * square(lam[0])

    assert not share_code(entropy, one=one, two=two)


def test_numbers_of_a_module_are_those_that_were_computed_and_what_may_remember_them():
    assert all(map(holds_numbers, (0.5, 2j, np.ones(2), np.array(1j), {"a": 0.5}, [[0.5]], ("a", 0.5), {}, [], set())))
    assert not any(map(holds_numbers, (3, "a", None, [1, 2], {"a": "b"}, np.arange(3), np.array(["a"]))))

"""The numbers of a comparison: what two rows may differ by, what a rule says of its error, how many draws are taken."""

import numpy as np
import pytest
from scipy import stats

from refvi import Estimate, Noise
from refvi.verify.compare import expectation
from refvi.verify.draws import BUDGET, N1, by_draws
from refvi.verify.trial import FAIL, PASS, UNDERPOWERED
from refvi.verify.verdict import Result, exact, tolerated
from tests.verify.proof import prove


@pytest.mark.parametrize(
    "value, reference, scale, tolerance",
    [
        ([100.0, 1.0], [100.0, 1.0], 100.0, [1e-6, 1e-8]),  # of its own size,
        ([100.0, 1e-4], [100.0, 1e-4], 100.0, [1e-6, 1e-8]),  # but not less than of rounding beside the largest
        ([0.0, 0.0], [1e-9, 0.0], 1.0, [1e-8, 1e-8]),  # zero by its own claim: of the scale
        ([1e-9, 1e-9], [1e-9, 2e-9], 1.0, [1e-8, 1e-8]),
        ([1e-3, 0.0], [1e-3, 0.0], 1.0, [1e-10, 1e-10]),
        ([200.0, 1.0], [100.0, 1.0], 100.0, [1e-6, 1e-8]),  # never more than of the scale
    ],
)
def test_a_coordinate_may_be_off_by_a_fraction_of_its_own_size(value, reference, scale, tolerance):
    np.testing.assert_allclose(tolerated(np.array(value), np.array(reference), scale), tolerance)


def test_twice_the_error_that_a_row_knows_of_is_allowed():
    np.testing.assert_allclose(tolerated(np.ones(2), np.ones(2), 1.0, np.array([1e-3, 0.0])), [2e-3, 1e-8])


@pytest.mark.parametrize(
    "relation, difference, verdict",
    [("=", 1.0, "PASS"), ("=", 1.01, "FAIL"), (r"\ge", -1.01, "PASS"), (r"\ge", -1.0, "FAIL"), (r"\ge", 2.0, "FAIL"),
     (r"\le", 1.01, "PASS"), (r"\ne", 11.01, "PASS"), (r"\ne", -11.01, "PASS"), (r"\ne", 10.99, "FAIL")],
)
def test_relations_hold_up_to_the_tolerance(relation, difference, verdict):
    result = Result("", "", "row", relation, 1, scale=100.0)
    assert exact(result, np.array([difference]), np.array([1.0])).verdict == verdict


def test_a_tolerance_beyond_what_is_to_be_seen_proves_nothing():
    result = Result("", "", "row", "=", 1, scale=100.0)
    assert exact(result, np.zeros(1), np.array([10.1])).verdict == UNDERPOWERED
    assert exact(result, np.zeros(1), np.array([9.9])).verdict == PASS


@pytest.mark.parametrize("value, error, verdict", [
    ([1., 2.], [0., 0.0095], PASS),             # at most 1 % of the scale, allowed twice,
    ([1., 2.], [0., 0.0105], UNDERPOWERED),
    ([0.01, 2.], [0.00045, 0.], PASS),          # and 10 % of a coordinate that is not small beside it
    ([0.01, 2.], [0.00055, 0.], UNDERPOWERED),
    ([0.0019, 2.], [0.001, 0.], PASS)])
def test_an_estimate_that_carries_much_could_not_fail(value, error, verdict, entropy):
    value, error = np.array(value), np.array(error)
    rows = dict(truth=lambda: value, row=lambda: Estimate(1 * value, error))
    assert prove(entropy, "truth; = row", rows)["row"].verdict == verdict


def counting(rule_of):
    return Noise(lambda rng, R, S: rng.standard_normal((R, S)), rule_of)


def test_the_error_of_a_rule_is_what_three_quarters_of_its_order_differ_by():
    noise = counting(lambda S, order: (np.full((1, S), float(order)), np.ones(1)) if order < 50 else None)
    mean, error = expectation(lambda eps: eps, noise, 1)
    assert mean == 40.0 and error == 10.0
    heavy = counting(lambda S, order: (np.full((1, S), 5.0), np.full(1, 1.2)))
    mean, error = expectation(lambda eps: eps, heavy, 1)
    np.testing.assert_allclose([mean[0], error[0]], [6.0, 1.2])  # a mass of 1.2 is an error of a fifth
    assert expectation(lambda eps: eps, counting(lambda S, order: None), 1) is None
    assert expectation(lambda eps: eps, counting(None), 1) is None


def test_as_many_draws_are_taken_as_it_takes(rng):
    taken = []

    def held(spread, effect=None):
        taken.clear()
        noise = Noise(lambda rng, R, S: taken.append(R) or rng.standard_normal((R, S)), None)
        result = Result("", "", "row", r"\approx", 1, scale=1.0)
        return by_draws(
            result, lambda eps: spread * eps, noise, 1, np.zeros(1), np.full(1, 1e-9), lambda strike: rng, effect=effect
        )

    assert held(0.5).verdict == PASS and sum(taken) == 2_000 + N1  # 6 sd / sqrt(N1) is .03: enough
    assert held(4.0).verdict == PASS
    wanted = (12 * 4 / 0.1) ** 2  # twice the spread of the pilots, a tenth of the scale
    pilots = 2_000 + wanted / 4
    assert 0.8 * (pilots + wanted) < sum(taken) < 1.25 * (pilots + wanted) or sum(taken) > 5 * wanted
    assert held(500.0).verdict == UNDERPOWERED and sum(taken) < 2.5 * BUDGET
    assert held(0.5, effect=0.01).verdict == PASS and sum(taken) > 200_000


def test_tails_too_small_to_be_held_are_named(entropy):
    """A binomial's tail with a wrong binomial coefficient: 2e-12 beside a largest probability of 0.6."""
    k = np.arange(10)
    right = stats.binom.pmf(k, 9, 0.05)
    wrong = right * np.where(k == 9, 9., 1.)
    noted = prove(entropy, "truth; = row", dict(truth=lambda: right, row=lambda: 1 * wrong))["row"]
    assert noted.verdict == PASS and "in coordinate 9 the two differ" in noted.notes[0]
    held = prove(entropy, "truth; = row", dict(truth=lambda: np.log(right), row=lambda: 1 * np.log(wrong)))["row"]
    assert held.verdict == FAIL
    again = prove(entropy, "truth; = row", dict(truth=lambda: right, row=lambda: right * (1 + 1e-12)))["row"]
    assert again.verdict == PASS and again.notes == ()

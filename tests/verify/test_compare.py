"""The numbers of a comparison: what two rows may differ by, what a rule says of its error, how many draws are taken."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from refvi import Estimate, Noise, noise, normal, tied
from refvi.verify.chance import stream_of
from refvi.verify.compare import SOME, compare, expectation, lower_orders, order_of
from refvi.verify.document import Fault, Row
from refvi.verify.draws import BUDGET, N1, by_draws
from refvi.verify.perform import Played
from refvi.verify.trial import ALPHA, FAIL, INCONCLUSIVE, PASS, UNDERPOWERED
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


@pytest.mark.parametrize("relation, difference, message",
                         [(r"\ne", [0.0, 11.01], ""), (r"\ge", [-1.01, -2.0], ""), (r"\ge", [-2.0, 0.5], "equal on"),
                          (r"\ge", [-2.0, 1.5], "the bound is violated"), ("=", [0.0, 1.5], "the two rows differ"),
                          ("=", [0.5, 0.0],
                           "the two rows differ in coordinate 0, which is small beside the scale 1e+02")])
def test_one_coordinate_that_is_wrong_is_enough_and_so_is_one_for_a_slip(relation, difference, message):
    tolerance = np.array([0.1, 1.0]) if relation == "=" else np.ones(2)
    told = exact(Result("", "", "row", relation, 1, scale=100.0), np.array(difference), tolerance)
    assert told.message.startswith(message) and bool(message) == (told.verdict == FAIL)
    assert (told.message == message) == (relation == "=" or message in ("", "the bound is violated"))


def test_a_tolerance_beyond_what_is_to_be_seen_proves_nothing():
    result = Result("", "", "row", "=", 1, scale=100.0)
    assert exact(result, np.zeros(1), np.array([10.1])).verdict == UNDERPOWERED
    assert exact(result, np.zeros(1), np.array([9.9])).verdict == PASS


@pytest.mark.parametrize("value, error, verdict", [
    ([1., 2.], [0., 0.0095], PASS),             # at most 1 % of the scale, allowed twice,
    ([1., 2.], [0., 0.0105], UNDERPOWERED),
    ([0.01, 2.], [0.00045, 0.], PASS),          # and 10 % of a coordinate that is not small beside it
    ([0.01, 2.], [0.00055, 0.], UNDERPOWERED),
    ([0.0025, 2.], [0.0002, 0.], UNDERPOWERED),
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


def alternating(rng, R, S):
    """Draws whose mean is zero and whose spread is one without chance."""
    return np.resize([1.0, -1.0], (R, S))


def test_as_many_draws_are_taken_as_it_takes():
    taken = []

    def held(spread, effect=None):
        taken.clear()
        noise = Noise(lambda rng, R, S: taken.append(R) or alternating(rng, R, S), None)
        result = Result("", "", "row", r"\approx", 1, scale=1.0)
        return by_draws(result, lambda eps: spread * eps, noise, 1, np.zeros(1), np.full(1, 1e-9), lambda strike: None,
                        effect=effect)

    assert held(0.5).verdict == PASS and sum(taken) == 2_000 + N1  # 6 sd / sqrt(N1) is .03: enough
    assert held(4.0).verdict == PASS
    wanted = (12 * 4 / 0.1) ** 2  # twice the spread of the pilots, a tenth of the scale
    assert sum(taken) == pytest.approx(2_000 + wanted / 4 + wanted, rel=1e-3)
    assert held(500.0).verdict == UNDERPOWERED and sum(taken) == 2_000 + BUDGET / 4 + BUDGET
    assert held(0.5, effect=0.01).verdict == PASS
    assert sum(taken) == pytest.approx(2_000 + (12 * 0.5 / 0.01)**2 * 1.25, rel=1e-3)


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


# ---- rows by hand: what is asked of a noise, and what is told

LAM = np.array([0.7, -0.4])
BARE = Played(Row("row", "=", 2), set(), set(), {}, ())


def exactly(value, **more):
    return BARE._replace(value=np.array(value, float), shape=np.shape(value), **more)


def drawn(at, shape=()):
    return BARE._replace(at=lambda eps: at(eps).reshape(len(eps), -1), shape=shape)


def average(eps):
    return np.mean(eps, axis=1)


class Asked:
    """The noise of a normal law that keeps what it was asked for."""

    def __init__(self, base=None):
        self.base, self.drawn, self.ruled = base or noise(normal, LAM), [], []

    def draw(self, rng, R, S):
        self.drawn.append((R, S))
        return self.base.draw(rng, R, S)

    def rule(self, S, order):
        self.ruled.append((S, order))
        return self.base.rule(S, order)


def held(entropy, played, reference, relation=r"\approx", S=2, source=None, scale=1.0, **more):
    result = Result("", "", "row", relation, 2, scale=scale, against="truth")
    values = dict(noise=source or noise(normal, LAM), S=S)
    return compare(played, reference, result, values, partial(stream_of, entropy), **more)


def test_the_values_of_both_rows_are_told_in_whole_numbers_where_they_are(entropy):
    big = exactly(1e20, whole=np.array(10**20 + 1, object))
    told = held(entropy, big, exactly([1.0, 2.0])._replace(value=np.array(1e20)), "=")
    assert told.value == 10**20 + 1 and told.reference == 1e20 and told.verdict == PASS
    assert held(entropy, big, big._replace(whole=np.array(10**20, object)), "=").gap == 1.0


def test_an_equality_is_tried_with_another_number_of_draws_and_a_bound_is_not(entropy):
    assert held(entropy, drawn(average), exactly(0.7)).draws == (2, 3)
    assert held(entropy, drawn(average), exactly(0.2), r"\ge").draws == ()
    assert held(entropy, exactly(0.2), drawn(average), r"\ge").draws == ()
    assert held(entropy, drawn(lambda eps: np.sum(eps, axis=1) / 2), exactly(0.7)).verdict == FAIL
    assert held(entropy, drawn(lambda eps: np.sum(eps, axis=1) - 1.2), exactly(0.7), r"\ge").verdict == PASS


def test_a_claim_about_one_number_of_draws_is_tried_with_no_other(entropy):
    told = held(entropy, drawn(lambda eps: np.sum(eps, axis=1) / 2), exactly(0.7), source=tied(noise(normal, LAM), 2))
    assert told.verdict == PASS and told.draws == (2,)
    assert told.notes == ("S = 2 only: the claim is about S = 2 draws, not 4",)


def test_a_rule_that_decides_is_asked_for_no_draws_but_those_that_its_nodes_are_mixed_with(entropy):
    source = Asked()
    assert held(entropy, drawn(average), exactly(0.7), source=source, only_rule=True).verdict == PASS
    assert set(source.drawn) == {(SOME, 2), (SOME, 3), (1, 3)}
    source = Asked()
    assert held(entropy, drawn(average), exactly(0.8), source=source, alpha=ALPHA[:2]).verdict == FAIL
    assert set(source.drawn) == {(SOME, 2)}         # a mutant that a rule refuses
    source = Asked()
    assert held(entropy, drawn(average), exactly(0.8), source=source).verdict == FAIL
    assert (16 * N1, 2) in source.drawn or sum(R for R, _ in source.drawn) > 16 * N1


def test_the_finest_order_that_fits_is_taken_and_five_below_it(entropy):
    assert [order_of(noise(normal, LAM), S) for S in (1, 2, 3, 4, 5)] == [64, 64, 40, 19, None]
    source = Asked(Noise(None, lambda S, order: (np.zeros((1, 1)), np.ones(1)) if order < 50 else None))
    assert order_of(source, 1) == 40 and len(list(lower_orders(lambda eps: eps, source, 1))) == 5
    assert [order for _, order in source.ruled[-5:]] == [36, 32, 28, 24, 20]


def test_a_row_that_cannot_be_computed_on_the_nodes_is_left_to_draws(entropy):
    def near(eps):
        if np.max(np.abs(eps - 0.7)) > 7 * np.exp(-0.4):
            raise Fault("too far out", "stay near")
        return average(eps)
    told = held(entropy, drawn(near), exactly(0.7))
    assert told.verdict == PASS and told.notes == ("not computed on the nodes of the noise's rule: too far out",)
    assert "rule" not in told.how


def test_a_row_that_gives_other_values_among_draws_than_on_nodes_alone_is_refused(entropy):
    with pytest.raises(Fault, match="mixes its repetitions: on the nodes"):
        held(entropy, drawn(lambda eps: eps[:, 0] - np.mean(eps) + 0.7), exactly(0.7))


def test_a_rule_whose_orders_differ_leaves_the_verdict_to_draws_and_says_how_far_off_it_was(entropy):
    def rough(S, order):
        return np.full((1, S), 0.7 + (0.05 if order in (64, 48) else 0.05 * (order % 4))), np.ones(1)
    source = Asked(Noise(noise(normal, LAM).draw, rough))
    told = held(entropy, drawn(average), exactly(0.7), source=source)
    assert told.verdict == PASS and "its orders differ by 5e-02: the draws decide" in told.notes[0]


@pytest.mark.parametrize("far, target, verdict", [(0.77, 0.7, PASS), (0.75, 0.7, FAIL), (0.9, 0.9, FAIL)])
def test_draws_contradict_a_settled_rule_where_its_gap_is_twice_what_they_see(far, target, verdict, entropy):
    """They see 6 sd / sqrt(2 N1) = 0.028."""
    settled = Asked(Noise(noise(normal, LAM).draw, lambda S, order: (np.full((1, S), far), np.ones(1))))
    assert held(entropy, drawn(average), exactly(target), source=settled).verdict == verdict


def test_a_mutant_of_a_row_without_a_rule_is_judged_by_draws(entropy):
    judge = partial(held, entropy, drawn(average), use_rule=False, alpha=ALPHA[:2])
    assert judge(exactly(0.7)).verdict == PASS and judge(exactly(0.8)).verdict == FAIL


def test_two_random_rows_are_held_in_the_unit_of_their_draws(entropy):
    giant = drawn(lambda eps: 1e6 * average(eps))
    assert held(entropy, giant, drawn(lambda eps: 1e6 * np.sum(eps, axis=1) / eps.shape[1]), "=").verdict == PASS
    off = held(entropy, giant, drawn(lambda eps: 1e6 * average(eps) + 1), "=")
    assert off.verdict == FAIL and off.how == "exact on 2,000 draws" and off.gap == pytest.approx(1.0)


def test_a_number_below_a_random_row_bounds_its_mean(entropy):
    below = partial(held, entropy, exactly([0.2, 0.1]),
                    drawn(lambda eps: np.stack([average(eps), 0.5 + 0 * eps[:, 0]], axis=-1), (2,)))
    assert below(relation=r"\ge").verdict == PASS and below(relation=r"\le").verdict == FAIL
    assert below(relation=r"\ge", use_rule=False).verdict == PASS
    with pytest.raises(Fault, match="write .approx"):
        held(entropy, drawn(average), exactly(0.7), "=")
    with pytest.raises(Fault, match="before a row without eps"):
        held(entropy, exactly(0.7), drawn(average))


def test_at_most_four_coordinates_that_differ_unseen_are_named(entropy):
    tails = np.array([1.0, 2e-12, 3e-12, 4e-12, 5e-12, 6e-12, 1e-16])
    other = tails * np.array([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    (note,) = held(entropy, exactly(other), exactly(tails), "=").notes
    assert "in coordinate 1, 2, 3, 4 the two differ, 4e-12 and 2e-12: too small beside the scale 1 to" in note
    assert held(entropy, exactly(other[[0, 6]]), exactly(tails[[0, 6]]), "=").notes == ()      # rounding of zero


# ---- what draws say

def by_hand(rng, mean, relation=r"\approx", spread=0.5, scale=1.0, target=0.0, **more):
    law = Noise(lambda rng, R, S: rng.standard_normal((R, S)), None)
    mean, target = np.atleast_1d(mean), np.broadcast_to(target, np.shape(np.atleast_1d(mean))).astype(float)
    result = Result("", "", "row", relation, 1, scale=scale)
    return by_draws(result, lambda eps: mean + spread * eps, law, 1, target, np.full(mean.shape, 1e-9),
                    lambda strike: rng, **more)


def test_the_first_strike_alone_is_shown(rng):
    kept = []
    told = by_hand(rng, 0.3, keep=lambda draws, target: kept.append((draws.shape, target.tolist())))
    assert kept == [((N1, 1), [0.0])] and told.verdict == FAIL and told.how == "160,000 draws"
    assert told.value == pytest.approx([0.3], abs=0.01) and told.gap == pytest.approx(0.3, abs=0.01)
    assert told.resolution == pytest.approx(6 * 0.5 / N1**0.5, rel=0.1)
    errors = float(told.message.split(" lies ")[1].split()[0])
    assert errors == pytest.approx(0.3 / (0.5 / 160_000**0.5), rel=0.05)
    assert by_hand(rng, 0.3, target=0.3, spread=0.0).how == "does not vary"


@pytest.mark.parametrize("mean, verdict", [(0.2, PASS), (-0.2, PASS), (0.05, FAIL), (0.1, INCONCLUSIVE)])
def test_draws_tell_a_slip_by_a_tenth_of_the_scale(mean, verdict, rng):
    told = by_hand(rng, mean, r"\ne", spread=0.05)
    assert told.verdict == verdict and ("do not separate it" in told.message) == (verdict != PASS)


@pytest.mark.parametrize("mean, relation, spread, verdict",
                         [(0.2, r"\le", 0.5, PASS), (-0.2, r"\ge", 0.5, PASS), (0.2, r"\ge", 0.5, FAIL),
                          (-0.2, r"\le", 0.5, FAIL), (2e-4, r"\le", 0.5, UNDERPOWERED),
                          (0.2, r"\le", 100.0, UNDERPOWERED)])
def test_draws_see_on_which_side_of_a_bound_a_row_lies(mean, relation, spread, verdict, rng):
    told = by_hand(rng, mean, relation, spread)
    assert told.verdict == verdict and ("or than the bound's gap" in told.message) == (verdict == UNDERPOWERED)


def test_an_effect_that_is_not_seen_is_told_as_the_stage_s(rng):
    told = by_hand(rng, 0.0, spread=4.0, effect=1e-3)
    assert told.verdict == UNDERPOWERED and "more than the effect that the stage declares" in told.message
    assert by_hand(rng, [5.5, 0.01], target=[5.0, 0.01], scale=10.0, spread=1.0).notes == ()      # it fails
    note, = by_hand(rng, [0.0, 5.0, 0.01], target=[0.0, 5.0, 0.01], scale=10.0, spread=1.0).notes
    assert note.startswith("draws are blind in coordinate 2: 0.01 is seen to 0.0")


@pytest.mark.parametrize("mean, relation, wanted",
                         [(5.02, r"\le", 0.02), (4.98, r"\ge", 0.02), ([5.5, 5.02], r"\le", 0.02),
                          (5.12, r"\ne", 0.02), (4.8, r"\ne", 0.1), (5.0, r"\approx", 0.1)])
def test_as_many_draws_are_taken_as_a_gap_asks_for(mean, relation, wanted):
    """Draws that alternate about their mean: a pilot of them is right."""
    law = Noise(alternating, None)
    told = by_draws(Result("", "", "row", relation, 1, scale=1.0), lambda eps: mean + 0.9 * eps, law, 1,
                    np.full(np.size(mean), 5.0), np.full(np.size(mean), 1e-9), lambda strike: None)
    assert told.verdict == PASS
    assert int(told.how.split()[0].replace(",", "")) == pytest.approx((12 * 0.9 / wanted)**2, rel=0.02)

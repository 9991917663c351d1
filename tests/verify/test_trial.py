"""Three strikes, fresh cards: false alarms as the product of the levels, power at the resolution, heavy tails never
condemned.
"""
import numpy as np
import pytest
from scipy import stats

from refvi.verify.trial import ALPHA, FAIL, INCONCLUSIVE, PASS, Moments, escalate, moments


def drawing(rng, sample, d=1):
    return lambda n, strike: moments([sample(rng, (n, d))])


def normal(shift=0., sd=1.):
    return lambda rng, size: shift + sd * rng.standard_normal(size)


def test_moments_of_blocks_are_those_of_the_whole(rng):
    draws = rng.standard_exponential((1000, 3))
    m = moments(np.array_split(draws, 7))
    square = (draws - draws.mean(axis=0))**2
    np.testing.assert_allclose(m.mean, draws.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(m.sd, draws.std(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(m.share, square.max(axis=0) / square.sum(axis=0), rtol=1e-12)


def test_moments_of_two_small_draws():
    m = moments([np.array([[1e-4]]), np.array([[3e-4]])])
    np.testing.assert_allclose([m.mean[0], m.sd[0], m.share[0]], [2e-4, 2**0.5 * 1e-4, 0.5], rtol=1e-12)


@pytest.mark.parametrize("side", [0, 1, -1])
def test_false_alarms_at_enlarged_levels_follow_the_product_formula(rng, side):
    alpha, trials = (0.2, 0.2, 0.2), 4000
    failed = sum(
        escalate(drawing(rng, normal()), np.zeros(1), 200, side, alpha=alpha).verdict == FAIL for _ in range(trials)
    )
    expected = trials * np.prod(alpha)
    assert (stats.binom.cdf(failed, trials, np.prod(alpha)) > 1e-6
            and stats.binom.sf(failed - 1, trials, np.prod(alpha)) > 1e-6), (failed, expected)


def test_the_levels_of_one_run_keep_500_checks_below_one_in_ten_thousand():
    assert np.prod(ALPHA) == pytest.approx(2e-8) and 500 * np.prod(ALPHA) < 1e-4


@pytest.mark.parametrize("d", [1, 10])
def test_a_bias_of_the_resolution_is_found(rng, d):
    shift = np.zeros(d)
    shift[-1] = 12 / np.sqrt(2000)          # twice the resolution: missed less than once in a million
    trial = escalate(drawing(rng, normal(shift), d), np.zeros(d), 2000)
    assert trial.verdict == FAIL
    assert np.argmax(np.abs(trial.gap)) == d - 1
    np.testing.assert_allclose(trial.first.resolution, 6 / np.sqrt(2000), rtol=0.2)


def test_one_sided_trials_condemn_only_their_own_side(rng):
    above = drawing(rng, normal(12 / np.sqrt(2000)))
    assert escalate(above, np.zeros(1), 2000, side=1).verdict == FAIL
    assert escalate(above, np.zeros(1), 2000, side=-1).verdict == PASS


def test_infinite_variance_is_never_condemned(rng):
    pareto = drawing(rng, lambda rng, size: rng.pareto(1.2, size) - 1 / 0.2)
    verdicts = {escalate(pareto, np.zeros(1), 1000).verdict for _ in range(20)}
    assert FAIL not in verdicts and INCONCLUSIVE in verdicts


def test_a_large_bias_is_no_heavy_tail(rng):
    """The share is centred at the mean: at the claim, a bias of 100 sd would look like one draw that carries
    everything.
    """
    assert escalate(drawing(rng, normal(100.0)), np.zeros(1), 1000).verdict == FAIL


def test_a_constant_coordinate_inside_a_random_vector_is_compared_exactly(rng):
    def half_constant(rng, size):
        draws = rng.standard_normal(size)
        draws[:, 0] = 3.
        return draws
    draw = drawing(rng, half_constant, 2)
    assert escalate(draw, np.array([3., 0.]), 1000, tolerance=1e-9).verdict == PASS
    assert escalate(draw, np.array([3.1, 0.]), 1000, tolerance=1e-9).verdict == FAIL


@pytest.mark.parametrize("d", [1, 8])
@pytest.mark.parametrize("side", [0, 1, -1])
def test_the_level_is_shared_among_coordinates_and_sides(rng, side, d):
    """Each of d coordinates fails at a d-th of the product of the levels, on either side or on one."""
    alpha, trials = (0.3, 0.3, 0.3), 3000
    draw = drawing(rng, normal(), d)
    failed = sum(escalate(draw, np.zeros(d), 100, side, alpha=alpha).verdict == FAIL for _ in range(trials))
    expected = 1 - (1 - np.prod(alpha) / d)**d
    assert stats.binom.cdf(failed, trials, expected) > 1e-7, failed
    assert stats.binom.sf(failed - 1, trials, expected) > 1e-7, failed


def test_strikes_grow_fourfold_and_end_with_the_first_that_sees_nothing(rng):
    asked = []

    def far(n, strike):
        asked.append((n, strike))
        return moments([1 + rng.standard_normal((n, 1))])
    assert escalate(far, np.zeros(1), 1000).verdict == FAIL and asked == [(1000, 0), (4000, 1), (16000, 2)]
    asked.clear()
    assert escalate(far, np.ones(1), 1000, alpha=(1e-9,) * 3).verdict == PASS and asked == [(1000, 0)]


def still(mean, sd=0.):
    return lambda n, strike: Moments(n, np.array(mean), np.full(len(mean), sd), np.full(len(mean), 0.5))


def test_what_does_not_vary_is_neither_heavy_nor_divided_by():
    assert escalate(still([3., 4.]), np.array([3., 4.]), 1000).verdict == PASS
    assert escalate(still([3., 4.], sd=1e-12), np.array([3., 4. + 1e-9]), 1000, tolerance=1e-8).verdict == PASS
    assert escalate(still([3., 4.]), np.array([3., 4. + 1e-7]), 1000, tolerance=1e-8).verdict == FAIL
    varies = still([3., 4.], sd=1.)         # and is heavy
    assert escalate(varies, np.array([3., 4.]), 1000, tolerance=1e-8).verdict == INCONCLUSIVE
    assert escalate(still([2.]), np.array([3.]), 1000, side=1).verdict == PASS
    assert escalate(still([2.]), np.array([3.]), 1000, side=-1).verdict == FAIL


def test_a_gap_within_the_tolerance_is_never_held_against_a_row(rng):
    near = drawing(rng, normal(1e-3, sd=1e-5))
    assert escalate(near, np.zeros(1), 1000, tolerance=2e-3).verdict == PASS
    assert escalate(near, np.zeros(1), 1000, tolerance=5e-4).verdict == FAIL

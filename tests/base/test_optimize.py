"""Adam goes uphill, and says why it stopped."""
import numpy as np
import pytest

from refvi.base.optimize import adam


def test_it_climbs_to_the_top_of_a_quadratic(rng):
    top, curvature = rng.normal(size=3), np.array([0.5, 2., 9.])
    ascent = adam(lambda lam: -curvature * (lam - top), np.zeros(3), 3000, lambda t: 0.1 / (1 + t / 50))
    np.testing.assert_allclose(ascent.lam, top, atol=1e-6)
    assert ascent.steps == 3000 and ascent.stopped == ""


def test_the_first_step_is_the_rate_in_the_direction_of_the_gradient():
    ascent = adam(lambda lam: np.array([3., -0.01]), np.array([1, 1]), 1, 0.25)
    np.testing.assert_allclose(ascent.lam, [1.25, 0.75])


def test_integer_parameters_are_not_truncated_and_not_changed():
    lam = np.array([1, 2])
    assert adam(lambda lam: np.ones(2), lam, 2, 0.1).lam.dtype == float
    assert lam.dtype == int and list(lam) == [1, 2]


def test_a_gradient_that_is_not_finite_stops_before_it_does_harm():
    def gradient(lam):
        return np.array([1., np.nan if lam[0] > 0.35 else 1.])

    with pytest.warns(
        RuntimeWarning, match=r"gradient of lam\[1\] is nan at step 5; the last finite parameters are returned"
    ):
        ascent = adam(gradient, np.zeros(2), 100, 0.1)
    assert ascent.steps == 4 and "step 5" in ascent.stopped and np.all(np.isfinite(ascent.lam))
    np.testing.assert_allclose(ascent.lam, 0.4)


def test_ctrl_c_returns_what_has_been_reached():
    def watch(step, lam):
        if step == 7:
            raise KeyboardInterrupt
    ascent = adam(lambda lam: np.ones(1), np.zeros(1), 100, 0.1, watch)
    np.testing.assert_allclose(ascent.lam, 0.7)
    assert "interrupted" in ascent.stopped and ascent.steps == 7


@pytest.mark.parametrize("arguments, message", [
    ((lambda lam: lam[:, None], np.zeros(2), 5, 0.1), r"the gradient has shape \(2, 1\), lam has \(2,\): would broadcast"),
    ((lambda lam: lam, np.zeros(2), 0, 0.1), "steps must be an integer >= 1, got 0"),
    ((lambda lam: lam, np.zeros(2), 5, -0.1), "rate must be > 0, got -0.1"),
    ((lambda lam: lam, np.array([0., np.inf]), 5, 0.1), r"lam\[1\] is inf"),
])
def test_bad_calls_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        adam(*arguments)

"""Ascents go uphill, and say why they stopped."""

import numpy as np
import pytest

from refvi.base.optimize import adam, adam_on_floats, gradient_ascent, never_down, robbins_monro


def test_it_climbs_to_the_top_of_a_quadratic(rng):
    top, curvature = rng.normal(size=3), np.array([0.5, 2.0, 9.0])
    ascent = adam(lambda lam: -curvature * (lam - top), np.zeros(3), 3000, lambda t: 0.1 / (1 + t / 50))
    np.testing.assert_allclose(ascent.lam, top, atol=1e-6)
    assert ascent.steps == 3000 and ascent.stopped == ""


def test_the_first_step_is_the_rate_in_the_direction_of_the_gradient():
    ascent = adam(lambda lam: np.array([3.0, -0.01]), np.array([1, 1]), 1, 0.25)
    np.testing.assert_allclose(ascent.lam, [1.25, 0.75])


def test_integer_parameters_are_not_truncated_and_not_changed():
    lam = np.array([1, 2])
    assert adam(lambda lam: np.ones(2), lam, 2, 0.1).lam.dtype == float
    assert lam.dtype == int and list(lam) == [1, 2]


def test_a_gradient_that_is_not_finite_stops_before_it_does_harm():
    def gradient(lam):
        return np.array([1.0, np.nan if lam[0] > 0.35 else 1.0])

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


@pytest.mark.parametrize(
    "arguments, message",
    [((lambda lam: lam[:, None], np.zeros(2), 5, 0.1),
      r"the gradient has shape \(2, 1\), lam has \(2,\): would broadcast"),
     ((lambda lam: lam, np.zeros(2), 0, 0.1), "steps must be an integer >= 1, got 0"),
     ((lambda lam: lam, np.zeros(2), 5, -0.1), "rate must be > 0, got -0.1"),
     ((lambda lam: lam, np.array([0.0, np.inf]), 5, 0.1), r"lam\[1\] is inf")],
)
def test_bad_calls_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        adam(*arguments)


@pytest.mark.parametrize("ascend", [adam, gradient_ascent, adam_on_floats])
def test_a_watcher_s_string_ends_an_ascent_and_says_why(ascend):
    ascent = ascend(lambda lam: [1.0, 1.0], np.zeros(2), 100, 0.1, lambda step, lam: "enough" if step == 7 else None)
    assert ascent.steps == 7 and ascent.stopped == "enough"
    np.testing.assert_allclose(ascent.lam, 0.7)


def test_on_a_quadratic_noise_dies_out_without_a_finite_sum_of_squares_but_not_with_a_constant_rate():
    """lam <- lam - rho_t (lam + noise) has E lam_t^2 = (1 - rho_t)^2 E lam_(t-1)^2 + rho_t^2."""
    left = {}
    for name, rate in {"root": lambda t: 0.5 * t**-0.5, "constant": lambda t: 0.5}.items():
        square, left[name] = 1.0, []
        for t in range(1, 10_001):
            square = (1 - rate(t)) ** 2 * square + rate(t) ** 2
            if t in (100, 10_000):
                left[name].append(square)
    assert left["root"][1] < 0.11 * left["root"][0] and left["constant"][1] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match=r"power must be above 1/2, got 0.5: the squared steps have no finite sum"):
        robbins_monro(0.1, power=0.5)


@pytest.mark.parametrize("ascend", [adam, gradient_ascent, adam_on_floats])
@pytest.mark.parametrize("rate, told, steps", [(lambda t: 0.1 * (1 - t / 30), "the rate is 0.0, .* at step 30;", 29),
                                               (lambda t: 0.1 if t < 5 else np.nan, "the rate is nan, .* step 5;", 4),
                                               (lambda t: np.inf, "the rate is inf, .* at step 1;", 0)])
def test_a_schedule_that_leaves_the_positive_numbers_is_named_with_its_step(ascend, rate, told, steps):
    with pytest.warns(RuntimeWarning, match=told):
        ascent = ascend(lambda lam: [1.0, 1.0], np.zeros(2), 100, rate)
    assert ascent.steps == steps and "the rate is" in ascent.stopped and np.all(np.isfinite(ascent.lam))


@pytest.mark.parametrize("ascend", [adam, gradient_ascent, adam_on_floats])
@pytest.mark.parametrize("rate, told", [(0, "rate must be > 0, got 0"), (np.inf, "rate must be finite, got inf"),
                                        (np.nan, "rate must be > 0, got nan")])
def test_a_rate_that_is_none_is_refused(ascend, rate, told):
    with pytest.raises(ValueError, match=told):
        ascend(lambda lam: [1.0], np.zeros(1), 5, rate)


# ---- steps that never go down

def halved(most, gain=None, worse=0.):
    """Steps halfway to 1 from 0, worse after the third."""
    def one_step(z):
        return (z + 1) / 2 - worse * (z > 0.8)

    return never_down(one_step, lambda z: -(z - 1.)**2, 0., most, "halves", gain)


def test_steps_that_never_go_down_say_how_they_ended():
    found = halved(5)
    np.testing.assert_allclose(found.trace, [-4.**-k for k in range(6)])
    assert found.found == 31 / 32 and found.stopped == ""
    assert halved(50, gain=0.1).trace.shape == (4,) and halved(50, gain=0.1).stopped == ""
    assert halved(2, gain=0.1).stopped == "still gaining after 2 steps"
    with pytest.raises(ArithmeticError, match="step 4 went from -0.015625 to -0.3.* nats: an update that"):
        halved(5, worse=0.5)

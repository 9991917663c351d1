"""Backward is forward's gradient, to rounding, in the dtype it is given; what does not fit is named."""
import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from refvi.likelihood.networks import (backward, count, forward, initial, layers, logistic, rectified, require_inputs,
                                       sigmoid, tanh)

SIZES = (7, 6, 5, 3)
ACTIVATIONS = {"tanh": tanh, "relu": rectified, "sigmoid": logistic}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_backward_is_autograd_s_gradient(name, rng):
    g, theta = ACTIVATIONS[name], rng.normal(size=count(SIZES))
    y, delta = rng.normal(size=(20, 7)), rng.normal(size=(20, 3))
    mine = backward(theta, forward(theta, y, SIZES, g), delta, SIZES, g)
    theirs = grad(lambda theta: anp.sum(delta * forward(theta, y, SIZES, g)[-1]))(theta)
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-10 * np.max(np.abs(theirs)))


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_backward_against_central_differences(name, rng):
    g, theta, h = ACTIVATIONS[name], rng.normal(size=count(SIZES)), 1e-5
    y, delta = rng.normal(size=(4, 7)), rng.normal(size=(4, 3))
    mine = backward(theta, forward(theta, y, SIZES, g), delta, SIZES, g)

    def value(theta):
        return np.sum(delta * forward(theta, y, SIZES, g)[-1])

    central = np.array([(value(theta + h * e) - value(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])
    np.testing.assert_allclose(mine, central, rtol=0, atol=1e-5 * np.max(np.abs(mine)))


def test_a_planted_fault_is_seen(rng):
    """A slope taken from the layer below is as large an error as any."""
    theta, y, delta = rng.normal(size=count(SIZES)), rng.normal(size=(20, 7)), rng.normal(size=(20, 3))
    hs = forward(theta, y, SIZES, tanh)
    right = backward(theta, hs, delta, SIZES, tanh)
    wrong = backward(theta, hs, delta, SIZES, tanh._replace(slope=lambda h: 1 - h))
    assert np.max(np.abs(right - wrong)) > 1e-2 * np.max(np.abs(right))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_float32_throughout(name, rng):
    g, theta = ACTIVATIONS[name], initial(rng, SIZES, np.float32)
    seen = []
    spying = g._replace(value=lambda a: seen.append(a.dtype) or g.value(a),
                        slope=lambda h: seen.append(g.slope(h).dtype) or g.slope(h))
    hs = forward(theta, rng.normal(size=(20, 7)).astype(np.float32), SIZES, spying)
    gradient = backward(theta, hs, np.ones((20, 3), np.float32), SIZES, spying)
    assert {h.dtype for h in hs} | {gradient.dtype} | set(seen) == {np.dtype(np.float32)}
    double = backward(theta.astype(float), [h.astype(float) for h in hs], np.ones((20, 3)), SIZES, g)
    np.testing.assert_allclose(gradient, double, rtol=1e-4, atol=1e-5 * np.max(np.abs(double)))


def test_autograd_keeps_float32_too(rng):
    theta, y = initial(rng, SIZES, np.float32), rng.normal(size=(20, 7)).astype(np.float32)
    for g in ACTIVATIONS.values():
        assert grad(lambda theta: anp.sum(forward(theta, y, SIZES, g)[-1]))(theta).dtype == np.float32


def test_sigmoid_far_out():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(sigmoid(np.array([-800., 0., 800.])), [0., 0.5, 1.])


def test_layers_are_views_and_sizes_are_checked(rng):
    theta = np.zeros(count(SIZES))
    layers(theta, SIZES)[1][0][2, 3] = 7.
    assert np.sum(theta) == 7. and count(SIZES) == 7 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3
    with pytest.raises(ValueError, match=r"theta has shape \(5,\), expected \(101,\): .* of layers 7-6-5-3"):
        layers(np.zeros(5), SIZES)


def test_initial_weights_keep_the_size_of_what_passes(rng):
    """Over 4000 units the ratio of mean squares is one with a standard deviation of 0.022."""
    sizes = (400, 4000, 1)
    y = np.abs(rng.normal(size=(100, 400)))
    hs = forward(initial(rng, sizes), y, sizes, rectified)
    assert 0.7 < np.mean(hs[1]**2) / np.mean(y**2) < 1.4


@pytest.mark.parametrize("y, message", [
    (np.full((3, 7), 255, np.uint8), r"expected float in \[0, 1\] .*, got uint8 max 255; divide by 255."),
    (np.zeros((7, 3)), r"y has shape \(7, 3\), expected \(any, 7\)"),
    (np.zeros((0, 7)), "empty batch"),
    (np.zeros(7), r"y has shape \(7,\)"),
])
def test_bad_inputs_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        require_inputs(y, 7)

"""Special functions and their gradients, against SciPy and central differences."""

import autograd.numpy as np
import numpy
import pytest
import scipy.special
from autograd import elementwise_grad, grad

from refvi.base.special import betaln, logsumexp


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_logsumexp(axis, rng):
    a = 30 * rng.normal(size=(3, 4))
    numpy.testing.assert_allclose(logsumexp(a, axis), scipy.special.logsumexp(a, axis), rtol=1e-13)
    numpy.testing.assert_allclose(
        grad(lambda a: np.sum(logsumexp(a, axis)))(a), scipy.special.softmax(a, axis), rtol=1e-10, atol=1e-14
    )


def test_logsumexp_far_out():
    numpy.testing.assert_allclose(logsumexp(np.array([1000.0, 1000.0])), 1000 + np.log(2))
    numpy.testing.assert_allclose(logsumexp(np.array([-5053.15, -np.inf])), -5053.15)
    with np.errstate(divide="ignore"):
        assert logsumexp(np.array([-np.inf, -np.inf])) == -np.inf


def test_betaln(rng):
    a, b, h = rng.uniform(0.5, 60, 7), rng.uniform(0.5, 60, 7), 1e-5
    for argument in (0, 1):
        steps = (h, 0.0) if argument == 0 else (0.0, h)
        central = (
            scipy.special.betaln(a + steps[0], b + steps[1]) - scipy.special.betaln(a - steps[0], b - steps[1])
        ) / (2 * h)
        numpy.testing.assert_allclose(elementwise_grad(betaln, argument)(a, b), central, rtol=1e-6, atol=1e-8)
    numpy.testing.assert_allclose(grad(lambda a: np.sum(betaln(a, b)))(2.0),
                                  np.sum(scipy.special.psi(2.0) - scipy.special.psi(2.0 + b)), rtol=1e-12)

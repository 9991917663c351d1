"""Companion of networks.md: its rows, its stages and its referees."""
import autograd.numpy as np
from autograd import grad

from refvi.likelihood.networks import (backpropagation, backpropagation_to_inputs, count,      # noqa: F401
                                       forward_layers, jacobian_product, logistic, rectified, tanh)


def setting(rng, g, scalar):
    """A 3-5-4-2 network with N = 6 data; scalar is the nonlinearity again, for one number."""
    sizes = (3, 5, 4, 2)
    theta, y, delta = rng.normal(size=count(sizes)) * 0.8, rng.normal(size=(6, 3)), rng.normal(size=(6, 2))

    def weighted(theta, y):
        """sum_n delta_n . output_n, one unit at a time."""
        return np.sum(delta * units(theta, y, sizes, scalar))

    return dict(theta=theta, y=y, delta=delta, sizes=sizes, g=g, scalar=scalar, gradient_of_units=lambda theta: grad(weighted)(theta, y),
                gradient_in_inputs=lambda y: grad(weighted, 1)(theta, y))


def stage_tanh(rng):
    return setting(rng, tanh, lambda a: (np.exp(2 * a) - 1) / (np.exp(2 * a) + 1))


def stage_relu(rng):
    return setting(rng, rectified, lambda a: a if a > 0 else 0. * a)


def stage_sigmoid(rng):
    return setting(rng, logistic, lambda a: 1 / (1 + np.exp(-a)))


def units(theta, y, sizes, scalar):
    """A network drawn as circles and arrows: every unit sums its inputs, one by one."""
    rows = []
    for datum in y:
        values, start = list(datum), 0
        for level, (m, n) in enumerate(zip(sizes, sizes[1:])):
            sums = [theta[start + m * n + j] + sum(values[i] * theta[start + i * n + j] for i in range(m)) for j in range(n)]
            values, start = sums if level == len(sizes) - 2 else [scalar(a) for a in sums], start + (m + 1) * n
        rows.append(values)
    return np.array(rows)

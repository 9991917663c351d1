"""Companion of networks.md: its rows, its stages and its referees."""
import autograd.numpy as np
from autograd import grad
from referees import by_differences

from refvi.likelihood.networks import (backpropagation, backpropagation_to_inputs, count,      # noqa: F401
                                       forward_layers, jacobian_product, logistic, rectified, tanh)


def setting(rng, g, scalar):
    """A 3-5-4-2 network with N = 6 data, of which some unit of every layer sees some; scalar is the nonlinearity."""
    sizes = (3, 5, 4, 2)
    theta = rng.normal(size=count(sizes)) * 0.8
    theta[15:20], theta[40:44] = rng.uniform(0.5, 1.5, 5), rng.uniform(1.5, 2.5, 4)     # biases of the hidden units
    theta[20:40] += 0.4                                                                 # weights from unit to unit
    y, delta = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))

    def weighted(theta, y):
        """sum_n delta_n . output_n, one unit at a time."""
        return np.sum(delta * units(theta, y, sizes, scalar))

    return dict(theta=theta, y=y, delta=delta, sizes=sizes, g=g, scalar=scalar,
                gradient_of_units=lambda: grad(weighted)(theta, y),
                gradient_in_inputs=lambda: grad(weighted, 1)(theta, y))


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
            weights, biases = theta[start:start + m * n], theta[start + m * n:]
            sums = [biases[j] + sum(values[i] * weights[i * n + j] for i in range(m)) for j in range(n)]
            last = level == len(sizes) - 2
            values, start = sums if last else [scalar(a) for a in sums], start + (m + 1) * n
        rows.append(values)
    return np.array(rows)


# ---- on the kink

def stage_kink(rng):
    """One input, one ReLU, one output, theta = (W_1, b_1, W_2, b_2): the unit's sum y W_1 + b_1 is exactly zero."""
    y, slope = rng.uniform(1.2, 1.8), rng.uniform(0.4, 0.9)
    return dict(theta=np.array([1., -y, slope, 0.3]), y=np.array([[y]]), single=y, delta=np.ones((1, 1)),
                sizes=(1, 1, 1), g=rectified)


def central_differences(theta, single):
    """Of the output in each parameter, one formula for the whole network."""
    return by_differences(lambda t: max(single * t[0] + t[1], 0.) * t[2] + t[3], theta)


def mean_of_both_sides(theta, single):
    """To the right the unit passes W_2 on, to the left nothing."""
    return np.array([0.5 * theta[2] * single, 0.5 * theta[2], 0, 1])


def left_side(single):
    """To the left of the kink nothing but the last bias is felt."""
    return np.array([0., 0, 0, 1])

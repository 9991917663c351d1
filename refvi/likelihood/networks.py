"""Multilayer perceptrons: forward, and backward written by hand: derivations/likelihood/networks.md.

Shapes: theta (P,) is one flat vector; layer l maps (N, n_{l-1}) to (N, n_l) by h_l = g(h_{l-1} W_l + b_l), the last one
without g. Everything stays in the dtype it is given: float32 in, float32 throughout.
Rumelhart, Hinton and Williams (1986); RAI, first slides.
"""
from typing import Callable, NamedTuple

import autograd.numpy as np

from refvi.base.checks import require_shape


class Activation(NamedTuple):
    """A nonlinearity and its slope, the slope as a function of the value h = g(a), which the forward pass has kept."""
    value: Callable
    slope: Callable


def relu(a):
    """max(a, 0); written as a product so that autograd, too, keeps float32."""
    return a * (a > 0)


def sigmoid(a):
    """1 / (1 + exp(-a)), by tanh: no overflow, and known to autograd."""
    half = np.array(0.5, dtype=getattr(a, "dtype", float))
    return half * (1 + np.tanh(half * a))


tanh = Activation(np.tanh, lambda h: 1 - h * h)
rectified = Activation(relu, lambda h: (h > 0).astype(h.dtype))
logistic = Activation(sigmoid, lambda h: h * (1 - h))


def count(sizes):
    """Number of parameters of a network with these layer sizes."""
    return sum((m + 1) * n for m, n in zip(sizes, sizes[1:]))


def layers(theta, sizes):
    """[(W (m, n), b (n,)), ...]: views into theta, so that writing into them writes into it."""
    if np.shape(theta) != (count(sizes),):
        raise ValueError(f"theta has shape {np.shape(theta)}, expected ({count(sizes)},): weights and biases of layers "
                         + "-".join(map(str, sizes)))
    views, start = [], 0
    for m, n in zip(sizes, sizes[1:]):
        views.append((theta[start:start + m * n].reshape(m, n), theta[start + m * n:start + (m + 1) * n]))
        start += (m + 1) * n
    return views


def initial(rng, sizes, dtype=float):
    """Random weights of variance 2 / fan-in, zero biases (He et al. 2015)."""
    theta = np.zeros(count(sizes), dtype)
    for W, _ in layers(theta, sizes):
        W[:] = rng.standard_normal(W.shape) * np.sqrt(2 / len(W))
    return theta


def forward(theta, y, sizes, g):
    """[h_0 = y, h_1, ..., output]: what every layer returned, (N, n_l)."""
    hs, (W, b) = hidden(theta, y, sizes, g), layers(theta, sizes)[-1]
    return hs + [np.dot(hs[-1], W) + b]


def hidden(theta, y, sizes, g):
    """[h_0 = y, h_1, ..., h_{L-1}]: what every layer but the last returned; the pass backward needs no more."""
    hs = [y]
    for V, c in layers(theta, sizes)[:-1]:
        hs.append(g.value(np.dot(hs[-1], V) + c))
    return hs


def backward(theta, hs, delta, sizes, g, out=None, inputs=None):
    """Gradient in theta (P,) of a scalar whose gradient in the output is delta (N, n_L); hs: from forward or hidden.

    out (P,) takes the gradient, if given; inputs (N, n_0), if given, that in the network's inputs.
    """
    gradient = np.empty_like(theta) if out is None else out
    views, own = layers(gradient, sizes), layers(theta, sizes)
    for level in reversed(range(len(views))):
        np.dot(hs[level].T, delta, out=views[level][0])
        np.dot(np.ones(len(delta), delta.dtype), delta, out=views[level][1])    # three times as fast as a sum over rows
        if level:
            delta = np.dot(delta, own[level][0].T) * g.slope(hs[level])
    if inputs is not None:
        np.dot(delta, own[0][0].T, out=inputs)
    return gradient


# ---- the rows of the derivation, for an output whose every entry is weighted by delta

def forward_layers(theta, y, sizes, g):
    """The network's output (N, n_L)."""
    return forward(theta, y, sizes, g)[-1]


def jacobian_product(theta, y, delta, sizes, g):
    """Gradient (P,) in theta with every Jacobian written out as a matrix, one datum and one layer at a time."""
    hs, own = hidden(theta, y, sizes, g), layers(theta, sizes)
    parts = []
    for level in range(len(own)):
        total = 0.
        for n in range(len(y)):
            J = np.eye(sizes[level + 1])                    # of the output in this layer's sums, from the inside out
            for above in range(level + 1, len(own)):
                J = own[above][0].T @ np.diag(g.slope(hs[above][n])) @ J
            total = total + np.outer(np.append(hs[level][n], 1.), delta[n] @ J)
        parts.append(total.ravel())                         # W and, below it, b
    return np.concatenate(parts)


def backpropagation(theta, y, delta, sizes, g):
    """Gradient (P,) in theta from the output inwards: one vector for each datum and layer instead of a matrix."""
    return backward(theta, hidden(theta, y, sizes, g), delta, sizes, g)


def backpropagation_to_inputs(theta, y, delta, sizes, g):
    """Gradient (N, n_0) in what entered the network."""
    inputs = np.empty(np.shape(y))
    backward(theta, hidden(theta, y, sizes, g), delta, sizes, g, inputs=inputs)
    return inputs


def require_inputs(y, D=None, name="y"):
    """Inputs (N, D) of a network, of any D if none is given; ValueError for another shape, or for integers, whose size
    says nothing.
    """
    meaning = f"(N=number of data, D={D or 'number of'} inputs)"
    if D in (None, 1):
        meaning += f"; a single input is a column, {name}[:, None]"
    given, y = np.asarray(y).dtype, require_shape(name, y, (None, D), meaning)
    if given.kind in "ui":
        largest = f"{y.max():g}" if y.size else "none"
        small = y.size and y.min() >= 0 and y.max() <= 1
        remedy = f"convert them with {name}.astype(float)" if small else "divide by 255."
        raise ValueError(f"expected float in [0, 1] or standardized inputs, got {given} max {largest}; {remedy}")
    if not len(y):
        raise ValueError(f"empty batch: {name} has no rows")
    return y

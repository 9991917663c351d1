"""Our own tape beside autograd's on everything the part can say, five optimizers at one optimum, and what is refused.
"""
import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from refvi import categorical as one_of, normal as one_normal
from refvi.base import files
from refvi.base.optimize import adam, gradient_ascent
from refvi.likelihood import heads
from refvi.likelihood.conditional.rows import log_probability
from refvi.likelihood.constraints import rows
from refvi.likelihood.constraints.optimizers import adagrad, momentum, rmsprop
from refvi.likelihood.constraints.tape import grad
from refvi.likelihood.heads import Network
from refvi.likelihood.likelihoods import logistic
from refvi.likelihood.mle.rows import sum_of_logs
from refvi.likelihood.networks import logistic as bending, rectified, sigmoid
from refvi.verify.companion import load

FUNCTIONS = {       # of a (2, 3) and b (3,), positive both; np is autograd's for one and NumPy's for the other
    "add": lambda np, a, b: np.sum((a + b) * (1 + a)),
    "subtract": lambda np, a, b: np.sum((a - b) * (2 - a)),
    "divide": lambda np, a, b: np.sum(a / b) + np.sum(3 / a),
    "power": lambda np, a, b: np.sum(a**2) + np.sum(a**b) + np.sum(2**a),
    "exp and log": lambda np, a, b: np.sum(np.exp(-a)) + np.sum(np.log(a) * b) + np.sum(np.log1p(a)),
    "bent": lambda np, a, b: np.sum(np.tanh(a)) + np.sum(np.sin(a) * b),
    "more bent": lambda np, a, b: np.sum(np.expm1(a) * np.sqrt(b)) + np.sum(np.square(a)) + np.sum(np.cos(a) * b),
    "abs": lambda np, a, b: np.sum(np.abs(a - 1) * b),
    "means": lambda np, a, b: np.mean(a) * np.mean(b) + np.sum(np.mean(a, axis=0) * b),
    "logaddexp": lambda np, a, b: np.sum(np.logaddexp(a, b) * a),
    "maximum": lambda np, a, b: np.sum(np.maximum(a, b) * b) + np.sum(np.max(a, axis=1)) + np.max(a),
    "matmul": lambda np, a, b: np.sum((a @ b)**2) + np.sum(np.dot(np.reshape(a, (3, 2)), a)**2),
    "vectors": lambda np, a, b: a[0] @ a[1] + a[0] @ b + np.sum(b @ np.reshape(a, (3, 2))),
    "sums": lambda np, a, b: np.sum(np.sum(a, axis=0) * b) + np.sum(a * np.sum(a, axis=1, keepdims=True)),
    "index": lambda np, a, b: np.sum(a[[0, 0, 1]] * b) + a[1, 2] * a[0, 0] + np.sum(a[:, 1:]),
    "shape": lambda np, a, b: np.sum(np.squeeze(a[:1], axis=0) * b) + np.sum(np.reshape(a, (6,))[::2] * b),
    "where": lambda np, a, b: np.sum(np.where(a > b, a * a, b * a)),
    "concatenate": lambda np, a, b: np.sum(np.concatenate([a[0] * 2, b, a[1]]) * np.concatenate([b, a[1], a[0]])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_table(name, rng):
    a, b = rng.uniform(0.4, 2, (2, 3)), rng.uniform(0.4, 2, 3)
    f = FUNCTIONS[name]
    theirs = autograd.grad(lambda a: f(anp, a, b))(a)
    np.testing.assert_allclose(grad(lambda a: f(np, a, b))(a), theirs, rtol=1e-12, atol=1e-12)
    theirs = autograd.grad(lambda b: f(anp, a, b) + anp.sum(b))(b)
    np.testing.assert_allclose(grad(lambda b: f(np, a, b) + np.sum(b))(b), theirs, rtol=1e-12, atol=1e-12)


HEADS = {"bernoulli": (heads.bernoulli, 3, lambda rng: rng.integers(0, 2, (5, 3)).astype(float)),
         "categorical": (heads.categorical, 4, lambda rng: np.eye(4)[rng.integers(0, 4, 5)]),
         "poisson": (heads.poisson, 2, lambda rng: rng.poisson(2., (5, 2)).astype(float)),
         "normal": (heads.normal, 2, lambda rng: rng.normal(size=(5, 2))),
         "normal of an sd": (heads.normal_of(1.3), 2, lambda rng: rng.normal(size=(5, 2))),
         "two heads": (heads.normal_heads, 4, lambda rng: rng.normal(size=(5, 2)))}


@pytest.mark.parametrize("g", [heads.tanh, rectified, bending], ids=["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("name", HEADS)
def test_every_likelihood_of_a_network(name, g, rng):
    head, k, data = HEADS[name]
    network = Network((2, 4, k), head, g)
    theta, x, y = 0.7 * rng.normal(size=network.size), data(rng), rng.normal(size=(5, 2))
    mine, theirs = rows.gradient_by_tape(theta, x, y, network), rows.gradient_by_autograd(theta, x, y, network)
    np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12 * np.max(np.abs(theirs)))


def test_the_likelihoods_of_one_parameter_for_all(rng):
    for log_density, x, theta in ((one_normal.log_prob, rng.normal(size=7), np.array([0.3, -0.2])),
                                  (one_of.log_prob, rng.integers(0, 3, 7), np.array([0.2, -0.4, 0.9]))):
        mine = grad(lambda theta: sum_of_logs(log_density, x, theta))(theta)
        theirs = autograd.grad(lambda theta: sum_of_logs(log_density, x, theta))(theta)
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13)


PROBLEMS = load(files.page("conditional")).stages


@pytest.mark.parametrize("name", ["sentiment", "entailment", "quality", "roles", "parse", "caption", "translation"])
def test_every_conditional_model(name, rng):
    """The recursions included."""
    stage = PROBLEMS[name](rng)
    mine, theirs = (slope(lambda theta: log_probability(stage["x"], stage["y"], theta, stage["p"], stage["scores"]))
                    (stage["theta"]) for slope in (grad, autograd.grad))
    np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13)


def test_what_is_used_twice_counts_twice_and_what_is_not_used_is_zero():
    np.testing.assert_allclose(grad(lambda a: a * a * a)(np.array(2.)), 12.)
    np.testing.assert_array_equal(grad(lambda a: 3.)(np.ones(2)), [0, 0])
    np.testing.assert_array_equal(grad(lambda a: np.sum(a[:1]))(np.ones(2)), [1, 0])
    np.testing.assert_array_equal(grad(lambda a: np.sum(np.maximum(a, a)))(np.ones(2)), [1, 1])


def test_the_worked_number():
    assert round(float(grad(lambda w: -np.log(1 + np.exp(-(w * 2.))))(np.array(0.5))), 3) == 0.538


@pytest.mark.parametrize("f, error, message", [
    (lambda a: a * 2, ValueError, r"f returned shape \(2,\), expected one number"),
    (lambda a: np.sum(np.cosh(a)), TypeError, "the tape has no slope for numpy.cosh: add a line to SLOPES"),
    (lambda a: np.linalg.norm(a), TypeError, "no slope for numpy.norm"),
    (lambda a: np.multiply.reduce(a), TypeError, "returned NotImplemented"),
])
def test_what_the_tape_does_not_know_is_named(f, error, message):
    with pytest.raises(error, match=message):
        grad(f)(np.array([1., 2.]))


# ---- five optimizers

WAYS = {"ascent": (gradient_ascent, 0.02), "momentum": (momentum, 0.002), "adagrad": (adagrad, 0.5),
        "rmsprop": (rmsprop, lambda t: 0.5 / t), "adam": (adam, lambda t: 0.5 / (1 + t / 20))}


@pytest.mark.parametrize("name", WAYS)
def test_all_reach_newton_s_optimum(name):
    """A logistic regression with a fixed design; the curvature is at most 40 / 4 times 2."""
    n = np.arange(40)
    y = np.column_stack([np.sin(n), 1.4 * np.cos(0.7 * n**1.3)])
    x = (np.sin(3. * n) + 0.5 * y[:, 0] > 0).astype(float)
    way, rate = WAYS[name]
    found = way(lambda theta: logistic.label_gradient(sigmoid(y @ theta), x, y), np.array([1., -1.]), 4000, rate).lam
    np.testing.assert_allclose(found, logistic.fit(x, y).found, atol=1e-4)


@pytest.mark.parametrize("name", WAYS)
def test_all_climb_a_network_s_likelihood(name, rng):
    network = Network((1, 6, 2), heads.normal_heads)
    y = np.linspace(-2, 2, 40)[:, None]
    x, theta = np.sin(2 * y) + 0.3 * rng.standard_normal((40, 1)), 0.2 * rng.standard_normal(network.size)
    way, rate = WAYS[name][0], dict(ascent=1e-4, momentum=1e-5, adagrad=0.03, rmsprop=3e-3, adam=0.01)[name]
    end = way(lambda theta: rows.gradient_by_tape(theta, x, y, network), theta, 200, rate).lam
    assert rows.summed_log_likelihood(end, x, y, network) > rows.summed_log_likelihood(theta, x, y, network)


@pytest.mark.parametrize("way", [momentum, adagrad, rmsprop])
@pytest.mark.parametrize("change, message", [
    (dict(steps=0), "steps must be an integer >= 1"), (dict(rate=-1.), "rate must be > 0"),
    (dict(lam=np.array([np.nan])), r"lam\[0\] is nan"), (dict(gradient=lambda lam: np.ones(2)), "would broadcast")])
def test_bad_calls_of_an_optimizer(way, change, message):
    given = dict(gradient=lambda lam: -lam, lam=np.ones(1), steps=3, rate=0.1) | change
    with pytest.raises(ValueError, match=message):
        way(**given)


# ---- what breaks, in the page's numbers

def test_straight_through_goes_the_wrong_way():
    assert round(rows.straight_through(0.3, 0.49), 10) == -0.38 and round((1 - 0.49)**2 - 0.49**2, 10) == 0.02


def test_a_short_chain_is_biased():
    def log_joint(z, theta):
        return theta[0] * z - 0.3 * z**2 - np.log1p(np.exp(-theta[1] - z))

    short, long = (rows.gradient_by_a_chain(log_joint, np.array([0.5, 0.2]), 4, steps) for steps in (1, 400))
    assert np.max(np.abs(short - long)) > 0.01

"""Effective draws per second of Hamiltonian Monte Carlo on the weights of a network, beside NumPyro's.

Both run four chains at once, with 300 trajectories of warm-up and 300 of about twenty steps that count, in float64, on
one thread; compilation is left out. Effective draws are those of predictions, by refvi's measure for both.
"""
import importlib.util
import os
import statistics
import time

import numpy as np

from refvi.bayes.bayesian_nn import model
from refvi.bayes.bnn_inference.methods import initial
from refvi.bayes.mcmc import hmc as chains
from refvi.bayes.mcmc.diagnostics import effective_sample_size
from refvi.bayes.mcmc.fast import log_joint

N, HIDDEN, C, WARM, DRAWS, STEPS = 100, 20, 4, 300, 300, 20
PLACES = np.linspace(-1.5, 1.5, 7)[:, None]


def problem(rng):
    """(x, y, net): a sine, and a network whose scales stand."""
    y = rng.uniform(-2, 2, (N, 1))
    x = np.sin(2 * y[:, 0]) + 0.2 * rng.standard_normal(N)
    return x, y, model.bayesian_network(1, (HIDDEN,), prior_sd=1., beta=25.)


def mine(rng, x, y, net, start):
    joint = log_joint(x, y, net)
    return lambda: chains.run(rng, start, joint, DRAWS, WARM, 0.02, 2 * STEPS - 1).z


def numpyro_hmc(rng, x, y, net, start):
    """HMC with a diagonal mass that is adapted, from the same weights."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax
    import jax.numpy as jnp
    import numpyro
    jax.config.update("jax_enable_x64", True)
    inputs, targets = jnp.asarray(y), jnp.asarray(x)

    def potential(w):
        h = jnp.tanh(inputs @ w[:HIDDEN][None] + w[HIDDEN:2 * HIDDEN])
        rest = targets - h @ w[2 * HIDDEN:-1] - w[-1]
        return 0.5 * net.beta * jnp.sum(rest**2) + 0.5 * jnp.sum((w / net.prior_sd)**2)

    kernel = numpyro.infer.HMC(potential_fn=potential, num_steps=STEPS, target_accept_prob=chains.WANTED)
    sampler = numpyro.infer.MCMC(kernel, num_warmup=WARM, num_samples=DRAWS, num_chains=C, chain_method="vectorized",
                                 progress_bar=False)

    def once():
        sampler.run(jax.random.PRNGKey(int(rng.integers(2**31))), init_params=jnp.asarray(start))
        return np.swapaxes(np.asarray(sampler.get_samples(group_by_chain=True)), 0, 1)

    once()      # compiles
    return once


def predictions(z, net):
    """Means (T, C, 7) that draws z (T, C, P) predict."""
    return np.stack([model.forward(w, PLACES, net)[-1][..., 0] for w in z])


def effective_per_second(run, net):
    """(least effective draws of a prediction over seconds, averages of the predictions)."""
    began = time.perf_counter()
    z = run()
    took = time.perf_counter() - began
    means = predictions(z, net)
    return np.min(effective_sample_size(means)) / took, np.mean(means, axis=(0, 1)), took


def hmc(rounds=5):
    """Prints effective draws per second, and the ratio to NumPyro's where it is installed."""
    rng = np.random.default_rng()
    x, y, net = problem(rng)
    start = np.stack([initial(rng, net) for _ in range(C)])
    run = mine(rng, x, y, net, start)
    if not importlib.util.find_spec("numpyro"):
        speeds = [effective_per_second(run, net)[0] for _ in range(rounds)]
        print(f"hmc: {statistics.median(speeds):.1f} effective draws a second; numpyro is not installed: not compared")
        return
    theirs = numpyro_hmc(rng, x, y, net, start)
    pairs = [(effective_per_second(run, net), effective_per_second(theirs, net)) for _ in range(rounds)]
    apart = np.max(np.abs(np.mean([a[1] - b[1] for a, b in pairs], axis=0)))
    assert apart < 0.1, f"predictions differ by {apart:.2f}: one of the two does something else"
    print(f"hmc: effective draws a second over NumPyro's {statistics.median(a[0] / b[0] for a, b in pairs):.2f}; "
          f"{statistics.median(a[0] for a, _ in pairs):.1f} in {statistics.median(a[2] for a, _ in pairs):.2f} s, "
          f"its run takes {statistics.median(b[2] for _, b in pairs):.2f} s; predictions differ by {apart:.3f}")

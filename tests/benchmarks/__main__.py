"""What is fast must stay fast: `python -m tests.benchmarks [vae ...]` prints ratios taken in one run, never a promise
in seconds.

Each pair of commands is run in turn, and the median of the ratios is reported beside the limit it is held to by hand.
"""
import importlib.util
import os
import secrets
import statistics
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import partial

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")      # as the command does: one thread for everybody

import numpy as np      # noqa: E402
from scipy.sparse import csr_matrix     # noqa: E402

from refvi import diagonal_normal
from refvi.base import models
from refvi.base.optimize import adam
from refvi.bayes.bayesian_nn.model import bayesian_network
from refvi.bayes.bnn_inference import fast as by_backprop
from refvi.bayes.dropout.model import dropping
from refvi.data import hansards
from refvi.generative.amortization.model import encode, sample
from refvi.generative.deep_latent import amortized, local, mcmc, model as deep
from refvi.generative.vae import model, training
from refvi.gradients.bbvi import regression
from refvi.gradients.bbvi.algorithm import bbvi
from refvi.gradients.laboratory.fast import regression_study
from refvi.gradients.laboratory.rows import score_gradient
from refvi.gradients.laboratory.study import variance_study
from refvi.gradients.reparameterization import regression as by_path
from refvi.gradients.reparameterization.algorithm import reparameterized
from refvi.gradients.reparameterization.rows import path_gradient
from refvi.likelihood import heads, networks
from refvi.likelihood.constraints.rows import gradient_by_autograd, gradient_by_tape
from refvi.likelihood.conditional.sentiment import vocabulary
from refvi.likelihood.heads import Network
from refvi.likelihood.likelihoods import logistic
from refvi.likelihood.mle import classifier
from refvi.marginal.alignment import fit as em
from refvi.marginal.alignment.rows import sum_over_alignments
from refvi.marginal.marginal_gradient import mixture
from refvi.marginal.topics import lda
from tests.benchmarks.chains import hmc
from tests.benchmarks.peers import (BNN_PEERS, LOGISTIC_PEERS, PATH_PEERS, PEERS, TOPIC_PEERS, VAE_PEERS, jax_study,
                                    nltk_alignment)
from tests.verify.alarms import run

DEPENDENCIES = "import numpy, scipy.special, scipy.linalg, autograd, autograd.numpy"
REFVI = ("import refvi.bound.elbo.rows, refvi.gradients.score_function, refvi.base.models, refvi.data.store, "
         "refvi.base.optimize, refvi.base.core, refvi.base.families.gammas")


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def python(code):
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def ratio(mine, theirs, times):
    """Median of mine / theirs over interleaved runs, and mine's median in seconds."""
    pairs = [(seconds(mine), seconds(theirs)) for _ in range(times)]
    return statistics.median(a / b for a, b in pairs), statistics.median(a for a, _ in pairs)


def bare_draws():
    """What 500 checks at n1 = 10,000 cannot do without: their random numbers, with the pilot's."""
    rng = np.random.Generator(np.random.SFC64(secrets.randbits(128)))
    for _ in range(500):
        rng.standard_normal(12_000)


# ---- one epoch of the classifier: N images, minibatches of M, float32

N, M = 12_800, 128
RNG = np.random.Generator(np.random.SFC64(secrets.randbits(128)))
IMAGES, LABELS = RNG.integers(0, 256, (N, 784), dtype=np.uint8), RNG.integers(0, 10, N)


def epoch():
    classifier.fit(RNG, LABELS, IMAGES, 1, M)


def products_alone():
    """The matrix products that no implementation can do without, on arrays that are ready."""
    sizes = classifier.SIZES
    h = [RNG.random((M, n), dtype=np.float32) for n in sizes]
    W = [RNG.random((m, n), dtype=np.float32) for m, n in zip(sizes, sizes[1:])]
    forward, weights, inward = [h[1] * 0, h[2] * 0, h[3] * 0], [w * 0 for w in W], [h[0] * 0, h[1] * 0, h[2] * 0]
    for _ in range(N // M):
        for level in range(3):
            np.dot(h[level], W[level], out=forward[level])
        for level in reversed(range(3)):
            np.dot(h[level].T, h[level + 1], out=weights[level])
            if level:
                np.dot(h[level + 1], W[level].T, out=inward[level])


def torch_epoch():
    """PyTorch eager with fused Adam, one thread; the model is built outside the clock."""
    import torch
    torch.set_num_threads(1)
    layers = [layer for m, n in zip(classifier.SIZES, classifier.SIZES[1:])
              for layer in (torch.nn.Linear(m, n), torch.nn.ReLU())][:-1]
    model = torch.nn.Sequential(*layers)
    adam, images, labels = (torch.optim.Adam(model.parameters(), fused=True), torch.from_numpy(IMAGES),
                            torch.from_numpy(LABELS))

    def once():
        order = torch.randperm(N)
        for start in range(0, N, M):
            batch = order[start:start + M]
            adam.zero_grad()
            torch.nn.functional.cross_entropy(model(images[batch].float() / 255), labels[batch]).backward()
            adam.step()
    return once


def jax_epoch():
    """JAX with the whole step, Adam included, under jit, which is compiled outside the clock."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax
    import jax.numpy as jnp
    sizes = classifier.SIZES
    weights = [(jnp.asarray(RNG.standard_normal((m, n), dtype=np.float32) * (2 / m) ** 0.5), jnp.zeros(n))
               for m, n in zip(sizes, sizes[1:])]

    def loss(weights, y, x):
        for W, b in weights[:-1]:
            y = jnp.maximum(y @ W + b, 0)
        logits = y @ weights[-1][0] + weights[-1][1]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), x[:, None], axis=1))

    @jax.jit
    def step(weights, first, second, t, y, x):
        g = jax.grad(loss)(weights, y.astype(jnp.float32) / 255, x)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, g)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, g)
        weights = jax.tree.map(
            lambda w, m, v: w - 1e-3 * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), weights, first, second
        )
        return weights, first, second

    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = [weights, zeros, zeros]

    def once():
        order = RNG.permutation(N)
        for t, start in enumerate(range(0, N, M), 1):
            batch = order[start:start + M]
            state[:] = step(*state, float(t), IMAGES[batch], LABELS[batch])
        jax.block_until_ready(state)
    once()
    return once


# ---- log-likelihood and gradient of a mixture of K normals over 100,000 data, float64, one thread

DATA = RNG.normal(size=100_000) * 3


def components(K):
    return RNG.normal(size=K), RNG.normal(size=K) * 3, RNG.normal(size=K) * 0.2 - 0.5


def torch_mixture(parameters):
    """logsumexp and its backward, eager."""
    import torch
    torch.set_num_threads(1)
    x, leaves = torch.from_numpy(DATA)[:, None], [torch.from_numpy(v).requires_grad_() for v in parameters]

    def once():
        logits, mu, log_sigma = leaves
        joint = (torch.log_softmax(logits, 0) - log_sigma - 0.9189385332046727
                 - 0.5 * ((x - mu) * torch.exp(-log_sigma)) ** 2)
        return torch.autograd.grad(torch.logsumexp(joint, 1).sum(), leaves)
    return once


def jax_mixture(parameters):
    """Adam in JAX under jit, compiled outside the clock."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_enable_x64", True)

    def value(parameters, x):
        logits, mu, log_sigma = parameters
        joint = (jax.nn.log_softmax(logits) - log_sigma - 0.9189385332046727
                 - 0.5 * ((x[:, None] - mu) * jnp.exp(-log_sigma)) ** 2)
        return jnp.sum(jax.scipy.special.logsumexp(joint, axis=1))

    step, x, parameters = jax.jit(jax.value_and_grad(value)), jnp.asarray(DATA), tuple(map(jnp.asarray, parameters))
    assert np.isclose(
        float(step(parameters, x)[0]), mixture.gradient(DATA, *map(np.asarray, parameters)).value, rtol=1e-9
    )
    return lambda: jax.block_until_ready(step(parameters, x))


def peak(N, K):
    """Peak memory of one gradient beyond the data, in bytes."""
    x, parameters = RNG.normal(size=N), components(K)
    tracemalloc.start()
    mixture.gradient(x, *parameters)
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top


def several(call, times):
    return lambda: [call() for _ in range(times)]


def mixtures():
    for K in (10, 100, 1000):
        parameters = components(K)

        def mine():
            mixture.gradient(DATA, *parameters)

        mine()
        for name, peer, limit in (("torch", torch_mixture, 20), ("jax", jax_mixture, 3)):
            if importlib.util.find_spec(name):
                calls = 1000 // K       # as many as make the short ones measurable
                told, took = ratio(several(peer(parameters), calls), several(mine, calls), 3)
                print(f"mixture, K = {K}: {name} over refvi {told:.1f} (limit {limit}; {name} {took / calls:.3f} s)")
    small, large = components(100), components(1000)
    for name, more, less in (
        ("K from 100 to 1000", lambda: mixture.gradient(DATA, *large), lambda: mixture.gradient(DATA, *small)),
        ("N from 10,000 to 100,000", lambda: mixture.gradient(DATA, *small),
         lambda: mixture.gradient(DATA[:10_000], *small)),
    ):
        print(f"mixture, ten times {name}: time times {ratio(more, less, 7)[0]:.1f}")
    print(f"mixture, peak memory at K = 1000: {peak(100_000, 1000) / 1e6:.1f} MB for 100,000 data, "
          f"{peak(400_000, 1000) / 1e6:.1f} MB for 400,000")


# ---- logistic regression on N = 100,000 labels with D = 50 inputs, independent ones or correlated ones

def logistics(N=100_000, D=50):
    """Newton beside SciPy's optimizers, given refvi's gradient, and beside scikit-learn; all end within 1e-4 nats."""
    for name, mix in (("independent", np.eye(D - 1)), ("correlated", np.eye(D - 1) + 0.4)):
        y = np.column_stack([np.ones(N), RNG.standard_normal((N, D - 1)) @ mix])
        theta = RNG.normal(size=D) / np.linalg.norm(y.std(axis=0))
        x = (RNG.random(N) < networks.sigmoid(y @ theta)).astype(float)
        best = logistic.fit(x, y).trace[-1]
        for peer, (library, prepare) in LOGISTIC_PEERS.items():
            if not importlib.util.find_spec(library):
                print(f"{peer} is not installed: not compared")
                continue
            theirs = prepare(x, y)
            below = best - logistic.log_likelihood(theirs(), x, y)
            assert below < 1e-4, f"{peer} ends {below:.2g} nats below Newton"
            told, took = ratio(theirs, lambda: logistic.fit(x, y), 5)
            print(f"logistic regression, {N:,} data, {D} {name} inputs: {peer} over refvi {told:.2f} "
                  f"({took:.2f} s; ends {below:.1e} nats below)")


# ---- one step of EM for IBM model 1 with NULL, on 500 pairs of sentences

def tables(pairs, steps):
    """(pairs as numbers, refvi's table and NLTK's (W, V) after so many steps, its run() for one step): NULL comes last.
    """
    x, y = zip(*pairs)
    columns = [vocabulary(sentences, 1) for sentences in (x, y)]
    x, y = em.numbered(x, columns[0]), em.numbered(y, columns[1])
    numbers = [(a, np.append(b, len(columns[1]))) for a, b in zip(x, y)]
    mine = em.fit(numbers, (len(columns[1]) + 1, len(columns[0])), steps).found
    entry, run = nltk_alignment(pairs, steps)
    return numbers, mine, np.array([[entry(v, w) for v in columns[0]] for w in (*columns[1], None)]), run


def beside(pairs, steps):
    """(refvi's and NLTK's entries at the cells where words stand together, the links, NLTK's rows' sums, its run())."""
    numbers, mine, theirs, run = tables(pairs, steps)
    known = em.links(numbers, mine.shape)
    return mine[known.at], theirs[known.at], known, np.sum(theirs, axis=1), run


def alignments(steps=5):
    data = hansards.load() if hansards.at_hand() else hansards.toy_pairs(RNG, 500)
    pairs = list(zip(data.x, data.y))
    if not importlib.util.find_spec("nltk"):
        print("nltk is not installed: not compared")
        return
    plain = [(x, y) for x, y in pairs if len(set(x)) == len(x)]
    mine, theirs, *_ = beside(plain, steps)
    gap = np.max(np.abs(mine - theirs))
    assert gap < 1e-8, f"NLTK's table differs by {gap:.1g} where no word of x repeats: it does something else"
    print(f"alignment, {len(plain)} {data.name} in which no word of x repeats: NLTK's table differs by {gap:.0e}")
    mine, theirs, known, sums, run = beside(pairs, steps)
    told, took = ratio(run, several(lambda: em.maximized(em.expected(mine, known)[1], known, 0.), 10), 5)
    print(f"alignment, {len(pairs)} {data.name}, one step of EM: NLTK over refvi {10 * told:.0f} (limit 10; "
          f"{took * 1e3:.0f} ms); after {steps} steps {em.expected(mine, known)[0]:.0f} nats, NLTK "
          f"{em.expected(theirs, known)[0]:.0f}; NLTK's rows sum to {np.min(sums):.2f} to {np.max(sums):.2f}")
    (pair, *_), mine, theirs, _ = tables([(("a", "a", "b"), ("w",))], 30)
    print("alignment, a a b explained by one word and NULL, all alignments listed: refvi "
          f"{sum_over_alignments(*pair, mine):.4f}, NLTK {sum_over_alignments(*pair, theirs):.4f} (best 4/27 = "
          f"{4 / 27:.4f})")


# ---- latent Dirichlet allocation: N documents of 100 words, V words in all, K topics

def topics(N=2000, V=2000, K=20, sweeps=20):
    """Time per sweep, what a fit costs besides taken off; bounds with each one's topics and the best shares beside."""
    truth, shares = RNG.dirichlet(np.full(V, 0.05), K), RNG.dirichlet(np.full(K, 0.1), N)
    x = csr_matrix(np.array([RNG.multinomial(100, share @ truth) for share in shares], float))

    def bound(lam):
        q = lda.Topics(np.ones((N, K)), lam, np.full(K, 1 / K))
        for _ in range(50):
            q = lda.swept(x, q, 0.1)._replace(lam=lam)
        return lda.bound(x, q, 0.1) / x.sum()

    def per_sweep(run):
        """Seconds, from a short fit and a long one."""
        return (seconds(run(3 * sweeps)) - seconds(run(sweeps))) / (2 * sweeps)

    def mine(sweeps):
        return lambda: lda.fit(RNG, x, K, sweeps, learn=False)

    print(f"topics: bound after {3 * sweeps} sweeps {bound(mine(3 * sweeps)().found.lam):.4f} nats per word, "
          f"{x.nnz:,} counts")
    for name, (library, peer) in TOPIC_PEERS.items():
        if not importlib.util.find_spec(library):
            print(f"{name} is not installed: not compared")
            continue
        pairs = [(per_sweep(lambda n: peer(x, K, n)), per_sweep(mine)) for _ in range(3)]
        told, took = statistics.median(a / b for a, b in pairs), statistics.median(b for _, b in pairs)
        print(f"topics: a sweep of {name} over refvi's, its bound included: {told:.1f} (refvi {took * 1e3:.0f} ms); "
              f"bound {bound(peer(x, K, 3 * sweeps)()):.4f}")


# ---- the gradient of a softmax network's log-likelihood by our own tape

def tape():
    for sizes, N in (((50, 64, 32, 10), 200), ((20, 16, 5), 10)):
        network = Network(sizes, heads.categorical)
        theta, y = 0.1 * RNG.normal(size=network.size), RNG.normal(size=(N, sizes[0]))
        x = np.eye(sizes[-1])[RNG.integers(0, sizes[-1], N)]
        told, took = ratio(several(lambda: gradient_by_tape(theta, x, y, network), 50),
                           several(lambda: gradient_by_autograd(theta, x, y, network), 50), 9)
        print(f"tape, {network}, {N} data: our own over autograd's {told:.2f} (limit 3; {took / 50 * 1e3:.2f} ms)")


# ---- black-box inference for a linear regression, two weights and 100 data: a fit of 2000 steps of Adam on 10 draws
# each

def line(N=100):
    """(x, theta, start) of a regression with an offset and a slope."""
    y = np.column_stack([np.ones(N), RNG.normal(size=N)])
    return (y @ [1.0, 0.5] + 0.5 * RNG.normal(size=N), models.regression(y, prior_sd=1.5, noise_sd=0.5),
            np.array([0.0, 0.0, -1.5, -1.5]))


def inferences(steps=2000, S=10, rate=0.02, many=1000):
    x, theta, start = line()
    best = models.elbo(models.mean_field(x, theta), x, theta)

    def mine(rotate=True):
        return lambda: regression.fit(x, theta, start, RNG, steps, S, rate, rotate=rotate).lam

    def readable():
        bbvi(lambda z: models.linear_gaussian.log_joint(z, x, theta), diagonal_normal, start, RNG, steps // 20, S, rate)

    def below(lam):
        return best - models.elbo(np.asarray(lam, float), x, theta)

    told, took = ratio(several(mine(), 10), bare_noise(steps * S * 2 * 10), 9)
    print(f"inference: {took / 10 / steps * 1e6:.1f} us a step, {told:.0f} times its bare normals; the fit ends "
          f"{below(mine()()):.4f} nats below the best")
    told, _ = ratio(mine(False), mine(), 15)
    print(f"inference: every draw meets all {len(x)} data, over the triangular factor: {told:.2f}")
    told, _ = ratio(several(readable, 1), mine(), 5)
    print(f"inference: the readable path over the fast one: {20 * told:.0f}")
    beside_peers("inference", PEERS, mine(), mine(False), below, x, theta, start, steps, S, rate, many)


def beside_peers(task, peers, mine, all_data, below, x, theta, start, steps, S, rate, many):
    """Every peer that is installed over mine, and over a path of refvi where every draw meets all data; it must end
    where mine does.
    """
    for name, (library, peer, limit) in peers.items():
        if not importlib.util.find_spec(library):
            print(f"{name} is not installed: not compared")
            continue
        theirs = peer(x, theta, start, steps, S, rate)
        told, took = ratio(theirs, mine, 5)
        slower, _ = ratio(theirs, all_data, 3)
        careful = peer(x, theta, start, steps, many, rate / 4)
        same = statistics.median(below(careful()) for _ in range(3))
        assert same < 0.3, (
            f"{name} ends {same:.2f} nats below the best with {many} draws a step: it does something else"
        )
        print(f"{task}: {name} over refvi {told:.1f}, over refvi with all data "
              f"{slower:.1f}{f' (limit {limit})' if limit else ''}; {took / steps * 1e6:.1f} us a step; "
              f"it ends {below(theirs()):.3f} nats below the best, with {many} draws a step {same:.3f}")


def path_inferences(steps=2000, S=10, rate=0.02, many=1000):
    """Path gradients beside the peers; with all data: the estimator of the page, draws_by_hand, under optimize.adam."""
    x, theta, start = line()
    best = models.elbo(models.mean_field(x, theta), x, theta)

    def mine():
        return by_path.fit(x, theta, start, RNG, steps, S, rate).lam

    def all_data():
        adam(lambda lam: by_path.draws_by_hand(RNG.standard_normal((1, S, 2)), x, theta, lam)[0], start, steps, rate)

    def readable():
        reparameterized(
            lambda z: models.linear_gaussian.log_joint(z, x, theta), diagonal_normal, start, RNG, steps // 20, S, rate
        )

    def below(lam):
        return best - models.elbo(np.asarray(lam, float), x, theta)

    told, took = ratio(several(mine, 10), bare_noise(steps * S * 2 * 10), 9)
    print(f"paths: {took / 10 / steps * 1e6:.1f} us a step, {told:.0f} times its bare normals; the fit ends "
          f"{below(mine()):.4f} nats below the best")
    print(f"paths: every draw meets all {len(x)} data, over sums: {ratio(all_data, mine, 7)[0]:.1f}; the readable "
          f"path over the fast one: {20 * ratio(readable, mine, 5)[0]:.0f}")
    beside_peers("paths", PATH_PEERS, mine, all_data, below, x, theta, start, steps, S, rate, many)


def bare_noise(size):
    return lambda: RNG.standard_normal(size)


# ---- the study of gradient variances: 10,000 replicates of score function and path, each for five numbers of draws

def laboratory(replicates=10_000, draws=(1, 3, 5, 10, 25)):
    for N, noise_sd in ((5, 0.1), (100, 0.5)):
        y = np.column_stack([np.ones(N), np.linspace(0, 1, N)])
        # q of the slides' picture
        theta, lam = (models.regression(y, prior_sd=10.0, noise_sd=noise_sd),
                      np.array([1.5, 0.6, np.log(0.2), np.log(0.2)]))
        x = y @ [1.041, 0.508] + noise_sd * RNG.normal(size=N)

        def mine(rotate=True):
            return lambda: {S: regression_study(x, theta, lam, RNG, replicates, S, rotate) for S in draws}

        def readable():
            return variance_study(
                {"score": score_gradient, "path": path_gradient},
                lambda z, lam: models.linear_gaussian.log_joint(z, x, theta) - diagonal_normal.log_prob(z, lam),
                diagonal_normal,
                lam,
                RNG,
                replicates,
                3,
            )

        told, took = ratio(mine(), bare_noise(2 * replicates * sum(draws)), 9)
        print(f"laboratory, {N} data: {took * 1e3:.0f} ms, {told:.1f} times its bare normals")
        told, _ = ratio(readable, lambda: regression_study(x, theta, lam, RNG, replicates, 3), 3)
        print(f"laboratory, {N} data: the readable study over the fast one {told:.0f}")
        told, took = ratio(mine(False), mine(), 5)
        print(
            f"laboratory, {N} data: every draw meets all data, over once for all draws {told:.1f} ({took * 1e3:.0f} ms)"
        )
        if not importlib.util.find_spec("jax"):
            print("jax is not installed: not compared")
            continue
        for dtype in ("float32", "float64"):
            theirs = jax_study(x, theta, lam, replicates, draws, dtype)
            same, other = mine()(), theirs()
            for S in draws:
                for kind, value in zip(("score", "path"), other[S]):
                    assert np.all(np.abs(np.asarray(value) - same[S][kind].value) < 10 * same[S][kind].error), (
                        f"jax finds another variance: {kind}, {S} draws"
                    )
            told, took = ratio(theirs, mine(), 3)
            all_data, _ = ratio(theirs, mine(False), 3)
            print(f"laboratory, {N} data: jax {dtype} over refvi {told:.1f}, over refvi with all data {all_data:.1f} "
                  f"(limit 2.5; jax {took * 1e3:.0f} ms)")


# ---- a new datum of a deep latent model: an ascent of its own, chains of its own, or one pass of an encoder

def deep_latents(N=500, steps=24, chains=20, walk=100):
    d, encoder = deep.decoder((1, 32, 16)), Network((16, 64, 2))
    theta, phi = np.append(networks.initial(RNG, d.sizes), np.log(0.3)), amortized.initial(RNG, encoder)
    x, _ = sample(RNG, theta, d, N)
    z = RNG.standard_normal((chains, N, 1))
    ways = {
        "ascents of their own": (lambda: local.ascend(x, theta, d, local.start(N, 1), steps),
                                 f"{steps} steps of 16 nodes"),
        "chains of their own": (lambda: mcmc.run(RNG, z, x, theta, d, walk, 0.2), f"{chains} chains of {walk} steps"),
        "quadrature": (lambda: deep.posterior_nodes(x, theta, d), "360 nodes that all data share"),
    }

    def network():
        encode(x, phi, encoder)

    for name, (call, what) in ways.items():
        told, took = ratio(call, several(network, 10), 3)
        print(f"deep latents, {N:,} new data: {name} over one pass of an encoder {10 * told:,.0f} "
              f"({took / N * 1e6:,.1f} us a datum; {what})")
    few = x[:N // 10]
    for name, more, less in (("ascents", ways["ascents of their own"][0],
                              lambda: local.ascend(few, theta, d, local.start(len(few), 1), steps)),
                             ("the encoder", several(network, 10), several(lambda: encode(few, phi, encoder), 10))):
        print(f"deep latents, ten times N: {name} times {ratio(more, less, 5)[0]:.1f}")


# ---- one epoch of the VAE of the slides: a fifth of MNIST's, pixels by chance

def vae(rounds=7):
    """Every contestant in turn, `rounds` times; medians of ratios to the matrix products alone, and of peers to ours.
    """
    shape, x = model.SLIDE, RNG.random((11_000, 784)) < 0.15
    for M, threads in ((128, 1), (512, 1), (512, 2)):
        run = training.epochs(training.begin(RNG, shape, training.Settings(M=M, threads=threads)), x)
        calls = {"products": lambda: vae_products(shape, len(x), M, threads), "ours": lambda: next(run)}
        for name, (library, peer, _) in VAE_PEERS.items() if threads == 1 else ():
            if importlib.util.find_spec(library):
                calls[name] = peer(shape, x, M)
            else:
                print(f"{library} is not installed: not compared")
        for call in calls.values():
            call()
        took = [{name: seconds(call) for name, call in calls.items()} for _ in range(rounds)]
        several = f"VAE, minibatches of {M}, {threads} thread{'s' * (threads > 1)}"
        limit = " (limit 1.35)" if (M, threads) == (128, 1) else ""
        print(f"{several}: one epoch over its matrix products alone "
              f"{statistics.median(t['ours'] / t['products'] for t in took):.2f}{limit}; "
              f"{statistics.median(t['ours'] for t in took) * 5:.2f} s for 55,000 images")
        for name in list(calls)[2:]:
            bound = f", limit {VAE_PEERS[name][2]:.0f}" if VAE_PEERS[name][2] else ""
            print(f"{several}: {name} over refvi {statistics.median(t[name] / t['ours'] for t in took):.2f} "
                  f"({statistics.median(t[name] for t in took) * 5:.2f} s{bound})")
    tracemalloc.start()
    next(training.epochs(training.begin(RNG, shape), x))
    print(f"VAE: {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MB beside the data (limit 400)")
    tracemalloc.stop()


def vae_products(shape, N, M, threads=1):
    """What no implementation can do without: five large products a minibatch and the small ones, each thread with its
    share, on arrays that are ready.
    """
    m = M // threads

    def arrays(sizes):
        return ([RNG.random((m, n), dtype=np.float32) for n in sizes],
                [RNG.random((a, b), dtype=np.float32) for a, b in zip(sizes, sizes[1:])],
                [np.empty((m, n), np.float32) for n in sizes],
                [np.empty((a, b), np.float32) for a, b in zip(sizes, sizes[1:])])

    def share():
        both = [(arrays(shape.encoder), False), (arrays(shape.decoder), True)]
        for _ in range(-(-N // M)):
            for (h, W, out, _), _ in both:
                for level in range(len(W)):
                    np.dot(h[level], W[level], out=out[level + 1])
            for (h, W, out, into), inputs in reversed(both):
                for level in reversed(range(len(W))):
                    np.dot(h[level].T, h[level + 1], out=into[level])
                    if level or inputs:
                        np.dot(h[level + 1], W[level].T, out=out[level])

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(share) for _ in range(threads)]:
            done.result()


def bnn(N=1000, sizes=(1, 50, 50, 1), steps=300, rounds=7):
    """A step of Bayes by Backprop on all N data, one draw of the weights, beside peers; in both precisions."""
    for dtype in (np.float32, np.float64):
        y = np.linspace(-2, 2, N, dtype=dtype)[:, None]
        x, net = np.sin(2 * y), bayesian_network(1, sizes[1:-1], prior_sd=1., beta=100.)
        lam = np.concatenate([0.3 * RNG.standard_normal(net.P), np.full(net.P, -3.)]).astype(dtype)

        def mine():
            by_backprop.climb(RNG, x, y, net, lam, steps, 1, 1e-3)

        for name, (library, peer, limit) in BNN_PEERS.items():
            if not importlib.util.find_spec(library):
                print(f"{library} is not installed: not compared")
                continue
            run = peer(x, y, sizes, 1., 0.1)
            told, took = ratio(lambda: run(steps), mine, rounds)
            print(f"Bayes by Backprop {'-'.join(map(str, sizes))}, {N} data, {dtype.__name__}: {name} over refvi "
                  f"{told:.2f} (limit {limit:g}; {1000 * took / steps:.2f} ms a step of theirs)")


def house():
    told, took = ratio(python(REFVI), python(DEPENDENCIES), 9)
    print(f"import of all chapters over import of numpy, scipy and autograd: {told:.2f} (limit 1.3; {took:.2f} s)")
    told, took = ratio(lambda: run(secrets.randbits(128)), bare_draws, 5)
    print(f"500 Monte Carlo checks at n1 = 10,000 over their bare draws: {told:.1f} (about 2 s on two cores; "
          f"{took:.2f} s)")


def classifiers():
    told, took = ratio(epoch, products_alone, 7)
    print(f"one epoch of the classifier over its matrix products alone: {told:.2f} (limit 1.5; {took:.2f} s for {N:,} "
          f"images)")
    for name, peer in (("torch", torch_epoch), ("jax", jax_epoch)):
        if importlib.util.find_spec(name):
            told, took = ratio(peer(), epoch, 7)
            print(f"one epoch of {name} over one of the classifier: {told:.2f} ({took:.2f} s)")
        else:
            print(f"{name} is not installed: not compared")


def dropout():
    """Both epochs with OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE as they are found: unset them."""
    def masked():
        classifier.fit(RNG, LABELS, IMAGES, 1, M, gradient=partial(classifier.gradient, g=dropping(RNG, 0.8)))

    told, took = ratio(masked, epoch, 9)
    print(f"one epoch of the classifier with dropout over one without: {told:.2f} (limit 1.3; {took:.2f} s for {N:,} "
          f"images)")


def main_line():
    took = seconds(lambda: subprocess.run([sys.executable, "-m", "refvi"], check=True, stdout=subprocess.DEVNULL))
    print(f"the main line, verify, figures and fits: {took:.1f} s (limit 120 s on two cores)")


ALL = (house, classifiers, dropout, logistics, alignments, topics, tape, mixtures, inferences, path_inferences,
       laboratory, deep_latents, vae, bnn, hmc, main_line)


def main(wanted):
    known = {benchmark.__name__: benchmark for benchmark in ALL}
    for name in wanted:
        if name not in known:
            sys.exit(f"no benchmark {name!r}, expected some of {', '.join(known)}")
    for benchmark in [known[name] for name in wanted] or ALL:
        benchmark()


if __name__ == "__main__":
    main(sys.argv[1:])

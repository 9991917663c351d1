"""Other libraries on the same tasks, what tests.benchmarks compares with: a linear regression with two weights by
black-box inference, the study of
variances, and, at the end, one epoch of the VAE.

A peer of the regression is a function of (x, theta, lam, steps, S, rate) that prepares everything outside the clock
and returns run() -> lam after
`steps` steps of Adam along the score-function gradient of S draws, with path=True along the reparameterized one, in
float64, on one thread.
Nobody plots, logs or evaluates the bound.
"""
import os
from functools import partial

import numpy as np
from scipy.optimize import minimize

from refvi.likelihood.likelihoods import logistic
from refvi.likelihood.networks import sigmoid


def torch_eager(x, theta, lam, steps, S, rate, path=False):
    """A loop written by hand: backward, torch.optim.Adam; for the score function draws without gradient, and the
    surrogate loss -(weight - baseline) log q.
    """
    import torch
    torch.set_num_threads(1)
    targets, inputs, D = torch.from_numpy(x), torch.from_numpy(np.ascontiguousarray(theta.y.T)), theta.y.shape[1]

    def run():
        at = torch.tensor(lam, requires_grad=True)
        adam, baseline = torch.optim.Adam([at], lr=rate), 0.
        for _ in range(steps):
            adam.zero_grad()
            mu, log_sigma = at[:D], at[D:]
            with torch.set_grad_enabled(path):
                eps = torch.randn(S, D, dtype=at.dtype)
                z = mu + log_sigma.exp() * eps
                log_joint = -0.5 * (
                    ((targets - z @ inputs) / theta.noise_sd).square().sum(-1) + (z / theta.prior_sd).square().sum(-1)
                )
            if path:        # log q of a carried draw is -sum(log_sigma), up to a constant
                loss = -(log_joint.mean() + log_sigma.sum())
            else:
                log_q = (-0.5 * ((z - mu) * torch.exp(-log_sigma)).square() - log_sigma).sum(-1)
                weights = log_joint - log_q.detach()
                loss = -((weights - baseline) * log_q).mean()
                baseline = weights.mean()
            loss.backward()
            adam.step()
        return at.detach().numpy()
    return run


def pyro_svi(x, theta, lam, steps, S, rate, path=False):
    """SVI with Trace_ELBO, S particles at once; for the score function a guide that is not reparameterized, and Pyro's
    decaying average baseline.
    """
    import pyro
    import torch
    from pyro import distributions as dist
    from pyro.distributions.testing.fakes import NonreparameterizedNormal
    torch.set_num_threads(1)
    N, D = theta.y.shape
    targets, inputs, start, zeros = (torch.from_numpy(x), torch.from_numpy(theta.y), torch.tensor(lam),
                                     torch.zeros(D, dtype=torch.float64))

    def model():
        z = pyro.sample("z", dist.Normal(zeros, theta.prior_sd).to_event(1))
        mean = z.reshape(-1, D) @ inputs.T
        assert mean.shape in ((1, N), (S, N))       # z @ inputs.T would be (S, 1, N), and count every datum S times
        with pyro.plate("data", N):
            pyro.sample("x", dist.Normal(mean if z.dim() > 1 else mean[0], theta.noise_sd), obs=targets)

    def guide():
        mu, log_sigma = pyro.param("mu", start[:D].clone()), pyro.param("log_sigma", start[D:].clone())
        if path:
            pyro.sample("z", dist.Normal(mu, log_sigma.exp()).to_event(1))
        else:
            pyro.sample("z", NonreparameterizedNormal(mu, log_sigma.exp()).to_event(1),
                        infer={"baseline": {"use_decaying_avg_baseline": True}})

    def run():
        pyro.clear_param_store()
        elbo = pyro.infer.Trace_ELBO(num_particles=S, vectorize_particles=True, max_plate_nesting=1)
        svi = pyro.infer.SVI(model, guide, pyro.optim.Adam({"lr": rate}), elbo)
        for _ in range(steps):
            svi.step()
        return torch.cat([pyro.param("mu"), pyro.param("log_sigma")]).detach().numpy()
    return run


def one_thread_of_jax():
    """JAX in float64 on one thread; the flag counts only before its first computation."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax
    jax.config.update("jax_enable_x64", True)
    return jax


def numpyro_svi(x, theta, lam, steps, S, rate, compiled=False, path=False):
    """svi.run with Trace_ELBO; for the score function with TraceGraph_ELBO, which takes it where a guide is not
    reparameterized.

    svi.run compiles anew in every call; compiled: the whole run is put under jit, and compiled by a run before the
    clock.
    """
    jax = one_thread_of_jax()
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist
    N, D = theta.y.shape

    class NotReparameterized(dist.Normal):
        reparametrized_params = []

    def model():
        z = numpyro.sample("z", dist.Normal(jnp.zeros(D), theta.prior_sd).to_event(1))
        with numpyro.plate("data", N):
            numpyro.sample("x", dist.Normal(theta.y @ z, theta.noise_sd), obs=x)

    def guide():
        mu, log_sigma = numpyro.param("mu", lam[:D]), numpyro.param("log_sigma", lam[D:])
        numpyro.sample("z", (dist.Normal if path else NotReparameterized)(mu, jnp.exp(log_sigma)).to_event(1))

    elbo = numpyro.infer.Trace_ELBO if path else numpyro.infer.TraceGraph_ELBO
    svi = numpyro.infer.SVI(model, guide, numpyro.optim.Adam(rate), elbo(num_particles=S))

    def whole(key):
        return svi.run(key, steps, progress_bar=False).params

    if compiled:
        whole = jax.jit(whole)

    def run():
        found = whole(jax.random.key(int.from_bytes(os.urandom(4), "big")))
        return np.concatenate([found["mu"], found["log_sigma"]])
    run()
    return run


def jax_scan(x, theta, lam, steps, S, rate, path=False):
    """The whole loop under jit, gradient by hand, every draw meeting all data, Adam written out; compiled by a run
    before the clock.
    """
    jax = one_thread_of_jax()
    import jax.numpy as jnp
    D, (first, second) = theta.y.shape[1], (0.9, 0.999)
    inputs, targets, start = jnp.asarray(theta.y.T / theta.noise_sd), jnp.asarray(x / theta.noise_sd), jnp.asarray(lam)

    def step(state, noise):
        t, at, m, v, baseline = state
        mu, sigma = at[:D], jnp.exp(at[D:])
        z = mu + sigma * noise
        residuals = targets - z @ inputs
        weights = -0.5 * (
            jnp.sum(residuals**2, -1) + jnp.sum((z / theta.prior_sd) ** 2, -1) - jnp.sum(noise**2, -1)
        ) + jnp.sum(at[D:])
        if path:
            slope = residuals @ inputs.T - z / theta.prior_sd**2 + noise / sigma
            g = jnp.mean(jnp.concatenate([slope, slope * sigma * noise], -1), 0)
        else:
            g = jnp.mean((weights - baseline)[:, None] * jnp.concatenate([noise / sigma, noise**2 - 1], -1), 0)
        m, v = first * m + (1 - first) * g, second * v + (1 - second) * g * g
        at = at + rate * m / (1 - first**t) / (jnp.sqrt(v / (1 - second**t)) + 1e-8)
        return (t + 1, at, m, v, jnp.mean(weights)), None

    @jax.jit
    def whole(key):
        noise = jax.random.normal(key, (steps, S, D))
        return jax.lax.scan(step, (1., start, jnp.zeros(2 * D), jnp.zeros(2 * D), 0.), noise)[0][1]

    def run():
        return np.asarray(whole(jax.random.key(int.from_bytes(os.urandom(4), "big"))))
    run()
    return run


def jax_study(x, theta, lam, replicates, draws, dtype):
    """Variances of score-function and path gradients of the bound for every number of draws: jax.grad of one draw
    under two vmaps, all under jit.

    A function of its own signature: run() -> {S: (variance of score (2 D,), of path (2 D,))}. Both take the same
    draws; compiled by a run before the clock.
    """
    jax = one_thread_of_jax()
    import jax.numpy as jnp
    D, log = theta.y.shape[1], jax.scipy.stats.norm.logpdf
    inputs, targets, start, sds = (jnp.asarray(v, dtype) for v in (theta.y, x, lam, [theta.prior_sd, theta.noise_sd]))

    def log_joint(z):
        return jnp.sum(log(targets, inputs @ z, sds[1])) + jnp.sum(log(z, 0., sds[0]))

    def log_q(z, at):
        return jnp.sum(log(z, at[:D], jnp.exp(at[D:])))

    def along_path(at, eps):
        z = at[:D] + jnp.exp(at[D:]) * eps
        return log_joint(z) - log_q(z, at)

    def one_draw(eps):
        z = start[:D] + jnp.exp(start[D:]) * eps
        return (log_joint(z) - log_q(z, start)) * jax.grad(log_q, 1)(z, start), jax.grad(along_path)(start, eps)

    def variances(key, S):
        eps = jax.random.normal(key, (replicates, S, D), dtype)
        estimates = jax.vmap(lambda noise: [jnp.mean(g, axis=0) for g in jax.vmap(one_draw)(noise)])(eps)
        return [jnp.var(g, axis=0, ddof=1) for g in estimates]

    compiled = jax.jit(variances, static_argnums=1)

    def run():
        keys = jax.random.split(jax.random.key(int.from_bytes(os.urandom(4), "big")), len(draws))
        return jax.block_until_ready({S: compiled(key, S) for key, S in zip(keys, draws)})
    run()
    return run


PEERS = {       # the library it needs, and the ratio it is held to
    "Pyro, SVI": ("pyro", pyro_svi, 60),
    "PyTorch, eager": ("torch", torch_eager, 15),
    "NumPyro, svi.run as it is called": ("numpyro", numpyro_svi, 15),
    "NumPyro, compiled before": ("numpyro", partial(numpyro_svi, compiled=True), None),
    "JAX, by hand and compiled before": ("jax", jax_scan, None),
}

PATH_LIMITS = {"Pyro, SVI": 80, "PyTorch, eager": 20, "NumPyro, svi.run as it is called": 20}
PATH_PEERS = {
    name: (library, partial(peer, path=True), PATH_LIMITS.get(name)) for name, (library, peer, _) in PEERS.items()
}


# ---- one epoch of the VAE: functions of (shape, x, M) that prepare everything outside the clock and return epoch();
# float32, one draw a datum, Adam

def batches_of(N, M):
    """Fresh minibatches of indices, the last one short, as int64."""
    order = np.random.default_rng().permutation(N)
    return [order[start:start + M] for start in range(0, N, M)]


def torch_networks(shape):
    """Encoder and decoder of these layer sizes as torch modules."""
    import torch

    def network(sizes):
        return torch.nn.Sequential(
            *[layer for m, n in zip(sizes, sizes[1:]) for layer in (torch.nn.Linear(m, n), torch.nn.ReLU())][:-1]
        )

    return network(shape.encoder), network(shape.decoder)


def torch_vae(shape, x, M, threads=1):
    """Eager, fused Adam, the KL in closed form."""
    import torch
    torch.set_num_threads(threads)
    encoder, decoder = torch_networks(shape)
    adam, images = (torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3, fused=True),
                    torch.from_numpy(x.astype(np.float32)))

    def epoch():
        for batch in batches_of(len(x), M):
            seen = images[torch.from_numpy(batch)]
            adam.zero_grad()
            mu, log_sd = encoder(seen).chunk(2, dim=1)
            sd = log_sd.exp()
            logits = decoder(mu + sd * torch.randn_like(sd))
            kl = 0.5 * (mu.square() + sd.square() - 1).sum() - log_sd.sum()
            loss = (torch.nn.functional.binary_cross_entropy_with_logits(logits, seen, reduction="sum") + kl) / len(
                batch
            )
            loss.backward()
            adam.step()
    return epoch


def pyro_vae(shape, x, M):
    """SVI with Trace_ELBO, as Pyro's own tutorial has it; validation off."""
    import pyro
    import torch
    from pyro import distributions as dist
    torch.set_num_threads(1)
    pyro.enable_validation(False)
    pyro.clear_param_store()
    encoder, decoder = torch_networks(shape)
    images = torch.from_numpy(x.astype(np.float32))

    def model(seen):
        pyro.module("decoder", decoder)
        with pyro.plate("data", len(seen)):
            z = pyro.sample("z", dist.Normal(torch.zeros(len(seen), shape.D), 1.).to_event(1))
            pyro.sample("x", dist.Bernoulli(logits=decoder(z)).to_event(1), obs=seen)

    def guide(seen):
        pyro.module("encoder", encoder)
        with pyro.plate("data", len(seen)):
            mu, log_sd = encoder(seen).chunk(2, dim=1)
            pyro.sample("z", dist.Normal(mu, log_sd.exp()).to_event(1))

    svi = pyro.infer.SVI(model, guide, pyro.optim.Adam({"lr": 1e-3}), pyro.infer.Trace_ELBO())

    def epoch():
        for batch in batches_of(len(x), M):
            svi.step(images[torch.from_numpy(batch)])
    return epoch


def jax_vae(shape, x, M):
    """The whole step, gathering and Adam included, under jit, compiled by an epoch before the clock; the data are on
    the device.
    """
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    import jax
    import jax.numpy as jnp
    rng, images = np.random.default_rng(), jnp.asarray(x, jnp.float32)

    def network(sizes):
        return [(jnp.asarray(rng.standard_normal((m, n)) * (2 / m) ** 0.5, jnp.float32), jnp.zeros(n, jnp.float32))
                for m, n in zip(sizes, sizes[1:])]

    def forward(own, y):
        for W, b in own[:-1]:
            y = jnp.maximum(y @ W + b, 0)
        return y @ own[-1][0] + own[-1][1]

    def loss(own, seen, key):
        mu, log_sd = jnp.split(forward(own[0], seen), 2, axis=1)
        sd = jnp.exp(log_sd)
        logits = forward(own[1], mu + sd * jax.random.normal(key, sd.shape, jnp.float32))
        return (
            jnp.sum(jax.nn.softplus(logits) - seen * logits) + 0.5 * jnp.sum(mu**2 + sd**2 - 1) - jnp.sum(log_sd)
        ) / len(seen)

    def step(own, first, second, t, batch, key):
        g = jax.grad(loss)(own, images[batch], key)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, g)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, g)
        own = jax.tree.map(
            lambda w, m, v: w - 1e-3 * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), own, first, second
        )
        return own, first, second

    compiled = jax.jit(step, donate_argnums=(0, 1, 2))
    own = [network(shape.encoder), network(shape.decoder)]
    state = [own, jax.tree.map(jnp.zeros_like, own), jax.tree.map(jnp.zeros_like, own)]

    def epoch():
        batches = batches_of(len(x), M)
        keys = jax.random.split(jax.random.key(int.from_bytes(os.urandom(4), "big")), len(batches))
        for t, (batch, key) in enumerate(zip(batches, keys), 1):
            state[:] = compiled(*state, jnp.float32(t), batch, key)
        jax.block_until_ready(state)
    epoch()
    return epoch


VAE_PEERS = {       # the library it needs, the limit of its time over ours
    "PyTorch, eager, fused Adam": ("torch", torch_vae, 1.),
    "Pyro, SVI": ("pyro", pyro_vae, 1.),
    "JAX, the step under jit": ("jax", jax_vae, None),
}


# ---- logistic regression: a function of (x, y) that returns run() -> theta, all in float64 from zero

def scipy_logistic(method, **options):
    """SciPy's optimizer with refvi's value and gradient, and its curvature where the method asks for one."""
    def peer(x, y):
        def both(theta):
            return -logistic.log_likelihood(theta, x, y), -logistic.label_gradient(sigmoid(y @ theta), x, y)

        curvature = dict(hess=lambda theta: logistic.information(sigmoid(y @ theta), y)) if "trust" in method else {}
        return lambda: minimize(both, np.zeros(y.shape[1]), jac=True, method=method, options=options, **curvature).x

    return peer


def sklearn_logistic(solver):
    """scikit-learn without a penalty and with an offset in y; its tolerance is on the gradient of the mean."""
    def peer(x, y):
        from sklearn.linear_model import LogisticRegression
        model = LogisticRegression(C=np.inf, fit_intercept=False, solver=solver, tol=1e-6, max_iter=1000)
        return lambda: model.fit(y, x).coef_[0]

    return peer


LOGISTIC_PEERS = {      # the library it needs
    "SciPy L-BFGS-B": ("scipy", scipy_logistic("L-BFGS-B", ftol=0., gtol=1e-3, maxiter=1000)),
    "SciPy trust-exact": ("scipy", scipy_logistic("trust-exact", gtol=1e-3)),
    "scikit-learn lbfgs": ("sklearn", sklearn_logistic("lbfgs")),
    "scikit-learn newton-cholesky": ("sklearn", sklearn_logistic("newton-cholesky")),
}


# ---- EM for IBM model 1: from pairs (x, y), tuples of words, the model that has been trained for so many steps

def nltk_alignment(pairs, steps):
    """(its translation table as a function of a word of x and a word of y or None for NULL, run() for one more step).
    """
    from nltk.translate import AlignedSent, IBMModel1
    corpus = [AlignedSent(list(x), list(y)) for x, y in pairs]
    model = IBMModel1(corpus, steps)
    return lambda v, w: model.translation_table[v][w], lambda: model.train(corpus)


# ---- topics: a function of (x, K, sweeps) that returns run() -> lam (K, V), shares and topics in turn

def sklearn_topics(rounds):
    """scikit-learn's variational LDA over all documents at once, with so many rounds for the shares in each sweep."""
    def peer(x, K, sweeps):
        from sklearn.decomposition import LatentDirichletAllocation
        model = LatentDirichletAllocation(K, doc_topic_prior=1 / K, topic_word_prior=0.1, learning_method="batch",
                                          max_iter=sweeps, max_doc_update_iter=rounds, mean_change_tol=0., n_jobs=1)
        return lambda: model.fit(x).components_

    return peer


TOPIC_PEERS = {
    "scikit-learn, one round for shares": ("sklearn", sklearn_topics(1)),
    "scikit-learn, ten rounds": ("sklearn", sklearn_topics(10)),
}


# ---- Bayes by Backprop: a function of (x (N, 1), y (N, D), sizes, prior_sd, sd of the noise) that returns run(steps);
# one draw of all weights a step, tanh, sigma = softplus(rho), the divergence in closed form, Adam, in the dtype of y

def shapes_of(sizes):
    """[(first, W's shape, behind W, behind b)] of every layer in the flat weights."""
    found, start = [], 0
    for m, n in zip(sizes, sizes[1:]):
        found.append((start, (m, n), start + m * n, start + (m + 1) * n))
        start += (m + 1) * n
    return found


def torch_bnn(x, y, sizes, prior_sd, sd):
    """Eager, fused Adam, bias and product in one call."""
    import torch
    torch.set_num_threads(1)
    x, y, shapes = torch.from_numpy(x), torch.from_numpy(y), shapes_of(sizes)
    P = shapes[-1][-1]
    mu, rho = torch.randn(P, dtype=y.dtype).mul_(0.3), torch.full((P,), -3., dtype=y.dtype)
    adam = torch.optim.Adam([mu.requires_grad_(), rho.requires_grad_()], lr=1e-3, fused=True)

    def run(steps):
        for _ in range(steps):
            adam.zero_grad()
            sigma = torch.nn.functional.softplus(rho)
            w, h = mu + sigma * torch.randn_like(mu), y
            for level, (first, shape, inner, end) in enumerate(shapes):
                h = torch.addmm(w[inner:end], h, w[first:inner].view(shape))
                if level < len(shapes) - 1:
                    h = torch.tanh(h)
            fit = -0.5 * ((x - h) / sd).square().sum()
            kl = 0.5 * (mu.square() + sigma.square()).sum() / prior_sd**2 - sigma.log().sum()
            (kl - fit).backward()
            adam.step()
    return run


def jax_bnn(x, y, sizes, prior_sd, sd):
    """The whole step, noise and Adam included, under jit, compiled by a step before the clock."""
    jax = one_thread_of_jax()
    import jax.numpy as jnp
    rng, shapes, dtype = np.random.default_rng(), shapes_of(sizes), y.dtype
    P, x, y = shapes[-1][-1], jnp.asarray(x), jnp.asarray(y)

    def loss(lam, eps):
        mu, sigma = lam[:P], jax.nn.softplus(lam[P:])
        w, h = mu + sigma * eps, y
        for level, (first, shape, inner, end) in enumerate(shapes):
            h = h @ w[first:inner].reshape(shape) + w[inner:end]
            if level < len(shapes) - 1:
                h = jnp.tanh(h)
        kl = 0.5 * jnp.sum(mu**2 + sigma**2) / prior_sd**2 - jnp.sum(jnp.log(sigma))
        return kl + 0.5 * jnp.sum(((x - h) / sd)**2)

    def step(t, lam, first, second, key):
        g = jax.grad(loss)(lam, jax.random.normal(key, (P,), dtype))
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        move = 1e-3 * first / (1 - 0.9**t) / (jnp.sqrt(second / (1 - 0.999**t)) + 1e-8)
        return t + 1, lam - move, first, second

    compiled, zeros = jax.jit(step, donate_argnums=(0, 1, 2, 3)), np.zeros(2 * P, dtype)
    lam = np.concatenate([0.3 * rng.standard_normal(P), np.full(P, -3.)]).astype(dtype)
    state = [jnp.asarray(value) for value in (dtype.type(1), lam, zeros, zeros)]

    def run(steps):
        for key in jax.random.split(jax.random.key(int.from_bytes(os.urandom(4), "big")), steps):
            state[:] = compiled(*state, key)
        jax.block_until_ready(state)
    run(1)
    return run


BNN_PEERS = {       # the library it needs, the limit of its time over ours
    "PyTorch, eager, fused Adam": ("torch", torch_bnn, 3.),
    "JAX, the step under jit": ("jax", jax_bnn, 1.),
}

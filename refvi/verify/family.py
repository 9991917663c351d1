"""Try a family in all its words before a derivation rests on it: are density, draws, nodes and transport of one law?"""

import secrets
from typing import NamedTuple

import numpy as np

from refvi.base.core import score
from refvi.verify.chance import stream_of
from refvi.verify.trial import FAIL, escalate, moments

ORDERS = (64, 48)  # of the nodes
DRAWS = 10_000
CLOSE = 1e-6  # to which integrals over nodes have to agree, beside what their two orders differ by
STEP = 1e-5  # of the differences that the score is held against


class Check(NamedTuple):
    """One property of a family."""

    name: str
    gap: float  # how far off it is
    allowed: float
    message: str = ""  # what to look for, "" where it holds


def check_family(q, lam, entropy=None):
    """The Checks of a family at lam, or a ValueError that names what does not hold of shapes, mass, draws, score, ...

    entropy: an integer below 2^128 repeats the draws of another run.
    """
    entropy = secrets.randbits(128) if entropy is None else entropy
    lam = np.asarray(lam, float)
    checks = []
    for check in (shapes, support, mass, draws_beside_nodes, score_of_mean_zero, score_by_differences, transport):
        try:
            checks.append(check(q, lam, stream_of(entropy, check.__name__)))
        except Exception as error:
            checks.append(Check(check.__name__, np.inf, 0.0, f"raised {type(error).__name__}: {error}"))
    wrong = [f"{check.name.replace('_', ' ')}: {check.message}" for check in checks if check.message]
    if wrong:
        raise ValueError(
            f"the family does not hold together at lam = {lam} (entropy {entropy:#034x}):\n  " + "\n  ".join(wrong)
        )
    return checks


def judged(name, gap, allowed, message):
    return Check(name, float(gap), float(allowed),
                 "" if gap <= allowed else f"{message} (off by {gap:.2g}, allowed {allowed:.2g})")


def shapes(q, lam, rng):
    z = q.sample(rng, lam, (3, 2))
    wrong = np.shape(z)[:2] != (3, 2) or np.shape(q.log_prob(z, lam)) != (3, 2)
    nodes, w = q.nodes(lam, ORDERS[0])
    wrong = (wrong or len(nodes) != len(w) or np.ndim(nodes) != np.ndim(z) - 1
             or np.shape(q.log_prob(nodes, lam)) != np.shape(w))
    return judged("shapes", float(wrong), 0.0,
                  "sample(rng, lam, (3, 2)) is (3, 2, ...), nodes z (n, ...) and w (n,), log_prob one number for each")


def support(q, lam, rng):
    """What is drawn has a density, and no node has one that is infinite or no number."""
    drawn = q.log_prob(q.sample(rng, lam, (DRAWS,)), lam)
    at_nodes = q.log_prob(q.nodes(lam, ORDERS[0])[0], lam)
    bad = np.sum(~np.isfinite(drawn)) + np.sum(np.isnan(at_nodes) | (at_nodes == np.inf))
    return judged("support", bad, 0.0,
                  "log_prob is not finite where draws or nodes lie: draws beyond the edge, or a term like 0 log 0")


def mass(q, lam, rng):
    one = [np.sum(weight) for _, weight in weighted_nodes(q, lam)]
    return judged("mass", abs(one[0] - 1), allowance(*one),
                  "exp(log_prob) over the nodes does not sum to one: the normalizer, or the nodes' weights")


def weighted_nodes(q, lam):
    """(z, weights) at both orders."""
    for order in ORDERS:
        z, w = q.nodes(lam, order)
        yield z, w * np.exp(q.log_prob(z, lam))


def allowance(fine, coarse):
    return CLOSE + 4 * np.max(np.abs(fine - coarse))


def features(q, lam, rng):
    """Bounded functions of z, which have means under every law: (n, d) of z (n, ...)."""
    sample = np.asarray(q.sample(rng, lam, (DRAWS,)), float).reshape(DRAWS, -1)
    centre, width = np.median(sample, axis=0), np.subtract(*np.quantile(sample, [0.9, 0.1], axis=0)) + 1e-300

    def at(z):
        u = (np.asarray(z, float).reshape(len(z), -1) - centre) / width
        return np.concatenate([np.arctan(u), np.sin(3 * u), np.cos(2 * u)], axis=1)

    return at


def means(q, lam, at):
    return [weight @ at(z) for z, weight in weighted_nodes(q, lam)]


def draws_beside_nodes(q, lam, rng):
    at = features(q, lam, rng)
    fine, coarse = means(q, lam, at)
    trial = escalate(
        lambda n, strike: moments([at(q.sample(rng, lam, (n,)))]), fine, DRAWS, tolerance=allowance(fine, coarse)
    )
    message = "draws and nodes have different means: sample draws another law than log_prob says"
    return Check("draws_beside_nodes", float(np.max(np.abs(trial.gap))), float(np.max(trial.first.resolution)),
                 message if trial.verdict == FAIL else "")


def score_of_mean_zero(q, lam, rng):
    """The mean score is zero, as far as the nodes have mass one."""
    mean = [weight @ score(q, z, lam) for z, weight in weighted_nodes(q, lam)]
    return judged("score_of_mean_zero", np.max(np.abs(mean[0])), allowance(*mean),
                  "the score has a mean: a normalizer without its lam")


def score_by_differences(q, lam, rng):
    z = q.sample(rng, lam, (50,))
    steps = STEP * np.eye(len(lam))
    slopes = np.stack([(q.log_prob(z, lam + step) - q.log_prob(z, lam - step)) / (2 * STEP) for step in steps], axis=-1)
    allowed = 1e-5 * (1 + np.max(np.abs(slopes)))
    return judged("score_by_differences", np.max(np.abs(score(q, z, lam) - slopes)), allowed,
                  "autograd's score is not the slope of log_prob")


def transport(q, lam, rng):
    if q.transport is None:
        return Check("transport", 0.0, 0.0)
    at = features(q, lam, rng)
    carried = [weight @ at(q.transport(z, lam)) for z, weight in weighted_nodes(q, np.zeros(len(lam)))]
    own = means(q, lam, at)
    allowed = allowance(*own) + allowance(*carried)
    return judged("transport", np.max(np.abs(carried[0] - own[0])), allowed,
                  "transport(eps, lam) carries draws of q(0) to another law than q(lam)")

"""The gamma family's relatives: shapes and rates enter by their logarithm."""
import autograd.numpy as np
from scipy.special import expit, log_expit

from refvi.core import Family
from refvi.families.lam import pair, trapezoid
from refvi.special import betaln

# beta: z (..., S) in (0, 1); lam = (log a, log b). Nodes: the trapezoid in the logit of z, where both ends decay exponentially;
# it errs by about exp(-sqrt(2 pi order min(a, b))).

def beta_log_prob(z, lam):
    a, b = map(np.exp, pair(lam))
    return (a - 1) * np.log(z) + (b - 1) * np.log1p(-z) - betaln(a, b)


def beta_sample(rng, lam, size):
    return rng.beta(*map(np.exp, pair(lam)), size)


def beta_nodes(lam, order=64):
    a, b = map(np.exp, pair(lam))
    t, h = trapezoid(order)
    stretch = np.sqrt(2 / min(a, b))            # balances truncation, exp(-min(a, b) |t|), with spacing
    t = np.log(a / b) + stretch * t
    return expit(t), stretch * h * np.exp(log_expit(t) + log_expit(-t))


beta = Family(beta_log_prob, beta_sample, beta_nodes)

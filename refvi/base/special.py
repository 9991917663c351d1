"""Special functions that autograd lacks, or has only in a package that imports scipy.stats on the way."""
import autograd.numpy as np
import scipy.special
from autograd.extend import defvjp, primitive
from autograd.numpy.numpy_vjps import unbroadcast_f


def logsumexp(a, axis=None):
    """log of the sum of exp(a), shifted by its maximum; minus infinity where all of a is."""
    top = np.max(a, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.)
    return np.log(np.sum(np.exp(a - top), axis=axis)) + np.squeeze(top, axis=axis)


betaln = primitive(scipy.special.betaln)
defvjp(betaln,
       lambda ans, a, b: unbroadcast_f(a, lambda g: g * (scipy.special.psi(a) - scipy.special.psi(a + b))),
       lambda ans, a, b: unbroadcast_f(b, lambda g: g * (scipy.special.psi(b) - scipy.special.psi(a + b))))

gammaln, digamma = primitive(scipy.special.gammaln), primitive(scipy.special.digamma)
trigamma = primitive(lambda a: scipy.special.polygamma(1, a))
defvjp(gammaln, lambda ans, a: lambda g: g * digamma(a))
defvjp(digamma, lambda ans, a: lambda g: g * trigamma(a))

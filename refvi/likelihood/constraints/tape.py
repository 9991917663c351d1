"""Reverse-mode differentiation in one file: a tape of what was computed, read backwards.

A Traced stands for an array. NumPy hands its functions over to it, so that a log-likelihood in NumPy is differentiated
as it is written; every operation leaves on the tape its result and, for each array that went in, how a gradient in the
result becomes one in that array. What has no slope here raises a TypeError; comparisons return plain arrays.
UA and SA, "DL in NLP recipe"; PML, "Automatic differentiation engines".
"""
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy.special import betaln, gammaln, psi


def turned(a):
    """The transpose of the last two axes."""
    return np.swapaxes(a, -1, -2)


def of_matmul(out, a, b):
    """Pullbacks of a @ b, vectors included."""
    rows, columns = np.atleast_2d(a), b[:, None] if np.ndim(b) == 1 else b
    shape = np.shape(rows @ columns)
    return (lambda g: (np.reshape(g, shape) @ turned(columns)).reshape(np.shape(rows))[0 if np.ndim(a) == 1 else ...],
            lambda g: (turned(rows) @ np.reshape(g, shape))[..., 0 if np.ndim(b) == 1 else slice(None)])


def of_sum(out, a, axis=None, keepdims=False):
    """Pullback of a sum: everybody gets the gradient of what it went into."""
    kept = np.shape(np.sum(a, axis=axis, keepdims=True))
    return (lambda g: np.reshape(g, kept) + np.zeros(np.shape(a)),)


def of_mean(out, a, axis=None, keepdims=False):
    """Pullback of a mean: that of a sum, over how many were averaged."""
    (pull,) = of_sum(out, a, axis, keepdims)
    return (lambda g: pull(g) * np.size(out) / np.size(a),)


def of_max(out, a, axis=None, keepdims=False):
    """Pullback of a maximum, shared where several are largest."""
    top = np.max(a, axis=axis, keepdims=True)
    share = (a == top) / np.sum(a == top, axis=axis, keepdims=True)
    return (lambda g: np.reshape(g, np.shape(top)) * share,)


SLOPES = {      # (out, *arguments) -> a pullback for each argument
    np.add: lambda out, a, b: (lambda g: g, lambda g: g),
    np.subtract: lambda out, a, b: (lambda g: g, lambda g: -g),
    np.multiply: lambda out, a, b: (lambda g: g * b, lambda g: g * a),
    np.divide: lambda out, a, b: (lambda g: g / b, lambda g: -g * out / b),
    np.power: lambda out, a, b: (lambda g: g * b * a**(b - 1.), lambda g: g * out * np.log(a)),
    np.negative: lambda out, a: (lambda g: -g,),
    np.exp: lambda out, a: (lambda g: g * out,),
    np.log: lambda out, a: (lambda g: g / a,),
    np.log1p: lambda out, a: (lambda g: g / (1 + a),),
    np.tanh: lambda out, a: (lambda g: g * (1 - out * out),),
    np.expm1: lambda out, a: (lambda g: g * (out + 1),),
    np.sqrt: lambda out, a: (lambda g: g / (2 * out),),
    np.square: lambda out, a: (lambda g: g * 2 * a,),
    np.abs: lambda out, a: (lambda g: g * np.sign(a),),
    np.sin: lambda out, a: (lambda g: g * np.cos(a),),
    np.cos: lambda out, a: (lambda g: -g * np.sin(a),),
    np.logaddexp: lambda out, a, b: (lambda g: g * np.exp(a - out), lambda g: g * np.exp(b - out)),
    np.maximum: lambda out, a, b: (lambda g: g * (a > b), lambda g: g * (a <= b)),
    np.matmul: of_matmul,
    np.dot: of_matmul,
    np.sum: of_sum,
    np.mean: of_mean,
    np.max: of_max,
    np.reshape: lambda out, a, shape: (lambda g: np.reshape(g, np.shape(a)), None),
    np.squeeze: lambda out, a, axis=None: (lambda g: np.reshape(g, np.shape(a)),),
    np.where: lambda out, condition, a, b: (None, lambda g: g * condition, lambda g: g * ~condition),
    gammaln: lambda out, a: (lambda g: g * psi(a),),
    betaln: lambda out, a, b: (lambda g: g * (psi(a) - psi(a + b)), lambda g: g * (psi(b) - psi(a + b))),
}
FLAT = {np.greater, np.less, np.greater_equal, np.less_equal, np.equal, np.isfinite, np.shape, np.ndim}


class Traced(NDArrayOperatorsMixin):
    """An array on a tape, and its parents: pairs of a Traced and what takes a gradient in this to one in that."""
    __slots__ = ("value", "tape", "parents")

    def __init__(self, value, tape, parents=()):
        self.value, self.tape, self.parents = value, tape, parents
        tape.append(self)

    shape, ndim, dtype = (property(lambda self, name=name: getattr(self.value, name))
                          for name in ("shape", "ndim", "dtype"))

    def reshape(self, *shape):
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def view(self, kind):
        """Itself: what autograd's concatenate asks of its result."""
        return self

    def __len__(self):
        return len(self.value)

    def __getitem__(self, index):
        def pull(g):
            found = np.zeros(np.shape(self.value))
            np.add.at(found, index, g)
            return found

        return Traced(self.value[index], self.tape, ((self, pull),))

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return self.__array_function__(ufunc, (), inputs, options) if method == "__call__" else NotImplemented

    def __array_function__(self, function, types, inputs, options):
        if function is np.concatenate:
            return joined(*inputs, **options)
        plain = [item.value if isinstance(item, Traced) else item for item in inputs]
        if function in FLAT:
            return function(*plain, **options)
        if function not in SLOPES:
            raise TypeError(f"the tape has no slope for numpy.{function.__name__}: add a line to SLOPES")
        out = function(*plain, **options)
        pulls = SLOPES[function](out, *plain, **options)
        parents = [(item, pull) for item, pull in zip(inputs, pulls) if isinstance(item, Traced)]
        return Traced(out, parents[0][0].tape, parents)


def joined(parts, axis=0):
    """np.concatenate, whose pullbacks cut the gradient where the parts were joined."""
    plain = [part.value if isinstance(part, Traced) else part for part in parts]
    ends = np.cumsum([np.shape(part)[axis] for part in plain])[:-1]
    parents = [(part, lambda g, i=i: np.split(g, ends, axis=axis)[i])
               for i, part in enumerate(parts) if isinstance(part, Traced)]
    return Traced(np.concatenate(plain, axis=axis), parents[0][0].tape, parents)


def unbroadcast(g, shape):
    """g summed over the axes along which an array of this shape was repeated."""
    g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
    return np.sum(g, axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)


def backward(out):
    """{id of a Traced: gradient of the number out in it}: the tape read from its end, each node once."""
    found = {id(out): np.ones(np.shape(out.value))}
    for node in reversed(out.tape):
        for parent, pull in node.parents if id(node) in found else ():
            more = unbroadcast(pull(found[id(node)]), np.shape(parent.value))
            found[id(parent)] = found.get(id(parent), 0.) + more
    return found


def grad(f):
    """The gradient of f(at, *others), a number, in the array at; zero where f does not use it. ValueError for an f that
    returns more than one number.
    """
    def gradient(at, *others):
        start = Traced(np.asarray(at, float), [])
        out = f(start, *others)
        if np.shape(out) != ():
            raise ValueError(f"f returned shape {np.shape(out)}, expected one number: sum it, or ask row by row")
        found = backward(out) if isinstance(out, Traced) else {}
        return found.get(id(start), np.zeros(np.shape(start.value)))

    return gradient

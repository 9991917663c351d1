"""Named latent variables under constraints, and the free coordinates they are made of.

A description such as dict(weights=("real", 3), noise_sd="positive") gives every latent variable its constraint and its
size; without a size it is a scalar. Shapes: free coordinates u (..., S, D), all variables side by side; values (..., S)
of a scalar, (..., S, n) of a vector.
"""
from collections import namedtuple
from typing import NamedTuple

import autograd.numpy as np

from refvi.base.checks import require_count, require_shape
from refvi.programs.automatic.bijections import Bijection, bijection


class Latent(NamedTuple):
    """One variable: its bijection, its size (None: a scalar), and its place among the free coordinates."""
    name: str
    bijection: Bijection
    size: int | None
    start: int
    stop: int


class Space(NamedTuple):
    """All variables of a model."""
    latents: tuple
    values: type                    # a namedtuple with a field for each variable

    @property
    def D(self):
        """The number of free coordinates."""
        return self.latents[-1].stop

    def constrain(self, u):
        """The variables' values at free coordinates u (..., D), by name."""
        def value(latent):
            z = latent.bijection.forward(u[..., latent.start:latent.stop])
            return z[..., 0] if latent.size is None else z

        return self.values(*map(value, self.latents))

    def free(self, **values):
        """Free coordinates (D,) of values by name, zero where none is given; ValueError for one that its constraint
        does not allow."""
        names = [latent.name for latent in self.latents]
        if set(values) - set(names):
            unknown = sorted(set(values) - set(names))[0]
            raise ValueError(f"no latent variable {unknown!r}, expected one of {', '.join(names)}")
        return np.concatenate([freed(latent, values.get(latent.name)) for latent in self.latents], axis=-1)

    def log_det(self, u):
        """log |det| (...,) of what constrain does to volumes: the sum over variables."""
        return sum(latent.bijection.log_det(u[..., latent.start:latent.stop]) for latent in self.latents)


def space(description):
    """The Space of a description by name, or a ValueError that names what is wrong with it."""
    if not description:
        raise ValueError("no latent variables: describe at least one, "
                         "as in dict(weights=('real', 3), noise_sd='positive')")
    latents, stop = [], 0
    for name, told in description.items():
        constraint, size = (told, None) if isinstance(told, str) else pair_of(name, told)
        b = bijection(constraint)
        count = 1 if size is None else require_count(f"the size of {name}", size)
        if b.free(count) < 1:
            raise ValueError(f"{name} is a {constraint} of size {count}: it needs at least two values, "
                             f"as in {name}=({constraint!r}, 3)")
        latents.append(Latent(name, b, size, stop, stop + b.free(count)))
        stop = latents[-1].stop
    return Space(tuple(latents), namedtuple("Values", description))


def pair_of(name, told):
    """(constraint, size) as they were given, or a ValueError."""
    if not isinstance(told, (tuple, list)) or len(told) != 2:
        raise ValueError(f"{name} is described by {told!r}, expected a constraint such as 'positive', "
                         "or one with a size, such as ('real', 3)")
    return told


def freed(latent, value):
    """Free coordinates of one variable's value; zero, in the middle of what is allowed, where none is given."""
    if value is None:
        return np.zeros(latent.stop - latent.start)
    b = latent.bijection
    if latent.size is None:
        value = np.atleast_1d(value)
    else:
        value = require_shape(latent.name, value, (latent.size,), b.meaning)
    if not b.allows(value):
        raise ValueError(f"{latent.name} cannot start at {value.tolist()}, expected values that are {b.meaning}")
    return b.inverse(value.astype(float))


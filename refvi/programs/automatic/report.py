"""In words, why a fit ended and what its bound last did."""
NOISY = 10.         # nats: blocks whose gain is known no better than to this are too noisy to tell


def why(done, steps, tolerance, gain, lower=False):
    """In words, why a fit ended and what the bound last did; tolerance in nats where it has settled within it, else
    None; lower: whether it ended below where it began."""
    ended = f"all {steps} steps taken"
    if tolerance is not None:
        ended = f"settled within {tolerance:g} nats after step {done} of {steps}"
    if gain is None:
        return f"{ended}, too few to tell whether the ELBO still rises"
    relative = f"{100 * gain.relative:.2g} +- {100 * gain.relative_error:.1g} %"
    return (f"{ended}; last block gained {gain.nats:.2g} +- {gain.error:.1g} nats ({relative}): "
            + verdict(gain, tolerance, lower))


def verdict(gain, tolerance, lower):
    """What a Gain says of the bound, with the smallest rise that it could have told from noise."""
    if lower:
        return "lower than it began"
    if tolerance is not None:
        return "at rest"
    if gain.nats > 2 * gain.error:
        return "still rising, take more steps"
    if not 2 * gain.error <= NOISY:
        return f"too noisy to tell a rise of less than {2 * gain.error:.2g} nats a block"
    return f"no rise of more than {max(gain.nats, 0) + 2 * gain.error:.2g} nats a block, which these draws could tell"

"""Fits on real data, one file each: `refvi fit NAME`. A fit's run(rng, ...) returns the lines of its report, a summary last."""

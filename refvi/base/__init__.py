"""What every part stands on: families, models, networks' and optimizers' tools, checks of arguments, files."""

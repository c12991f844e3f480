"""From a patched tree to a wheel and an egg, and the effect on each file."""

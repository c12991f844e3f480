"""From a patched tree to a wheel and an egg, and what the build made of each file."""

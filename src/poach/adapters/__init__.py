"""Adapters: the only modules that read, write, fetch or start processes."""

"""From the name of a patch to its bytes: where diffs are defined, and reading them.

The public doors are `poach.catalog.definitions` and `poach.catalog.reader`.
"""

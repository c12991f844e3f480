"""The part of the applier that reads and writes files: trees, journals, signals.

The public door is `poach.applier.disk.tree`.
"""

"""The applier: diffs and a source tree go in, the patched tree comes out.

It could be a distribution of its own: it imports nothing of poach but `poach.errors`.
Here everything works on bytes in memory; only `poach.applier.disk` touches files.  The
public doors are `poach.applier.disk.tree` (plan and write) and, for what diffs and
results are, `poach.applier.diff`, `poach.applier.hunks` and `poach.applier.outcome`.
"""

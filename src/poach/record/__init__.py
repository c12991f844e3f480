"""The record of an egg: which diffs went into it, and what became of their files.

All of it is pure.  The public doors are `poach.record.provenance` and
`poach.record.effect`.
"""

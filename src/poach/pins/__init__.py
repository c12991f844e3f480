"""What users write, as values: pins, locations, series, patch sets, build keys.

All of it is pure.  The public doors are its modules, one for each value.
"""

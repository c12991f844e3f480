"""The edge to zc.buildout on Python 2.7: small, and frozen.

It asks ``poach bridge``, which runs on Python 3, for versions and eggs, and gives them
out.  Nothing of it is shared with `poach.buildout`, where each module of the same name
does the same for Python 3.
"""

"""The bridge: patched eggs for a buildout that runs on Python 2.7.

It asks ``poach bridge``, which runs on Python 3, for versions and eggs, and shares the
hooks that substitute them with the extension for Python 3.
"""

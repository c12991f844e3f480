"""What poach does inside a running zc.buildout, on Python 2.7 and on Python 3 alike.

The extension for Python 3 and the bridge for Python 2.7 share these modules: they are
written in what both languages have in common, and import nothing but zc.buildout and
pkg_resources.
"""

# zc.buildout 6 brings the pkg_resources that the modules here import.
import zc.buildout.easy_install

"""The edge towards zc.buildout: its options, its installer, its recipes."""

# zc.buildout 6 brings the pkg_resources that all modules here import.
import zc.buildout.easy_install  # noqa: F401

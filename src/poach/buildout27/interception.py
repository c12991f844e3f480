"""Interception: the way into zc.buildout's installer, and out again.

The few methods of Installer that matter are wrapped in place (a subclass would miss
code that imported the class before) and restored at the end.
"""

import functools
import sys

import pkg_resources
import zc.buildout.easy_install as easy_install
from zc.buildout.buildout import Buildout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from poach.buildout27.substitution import Substitution


def intercept(substitution, is_over):
    # type: (Substitution, Callable[[], bool]) -> Callable[[], None]
    """Wrap zc.buildout's installer; return the function that restores it.

    A buildout that fails unloads no extension.  So a program that begins another one in
    this process restores everything first, if `is_over` tells that this one ended.
    """
    installer = easy_install.Installer
    handlers = {
        "_constrain": substitution.constrain,
        "_satisfied": substitution.satisfied,
        "_obtain": substitution.obtain,
        "_get_dist": substitution.get_dist,
        "install": substitution.install,
        "build": substitution.build,
    }  # type: dict[str, Callable[..., Any]]
    # As the class has them: what Python 2 gives out is bound to it.
    originals = {name: vars(installer)[name] for name in handlers}
    normalize = easy_install.normalize_versions
    listeners = pkg_resources.working_set.callbacks
    match = vars(pkg_resources.Environment)["best_match"]
    begin = vars(Buildout)["__init__"]
    sign = vars(Buildout)["_compute_part_signatures"]

    def restore():  # type: () -> None
        if substitution.added not in listeners:
            return
        listeners.remove(substitution.added)
        Buildout.__init__ = begin
        Buildout._compute_part_signatures = sign
        pkg_resources.Environment.best_match = match
        easy_install.normalize_versions = normalize
        for name, original in originals.items():
            setattr(installer, name, original)

    def begin_another(self, *args, **kwargs):
        # type: (Any, *Any, **Any) -> None
        if is_over():
            restore()
        begin(self, *args, **kwargs)

    for name, handler in handlers.items():
        setattr(installer, name, _method(originals[name], handler))
    Buildout.__init__ = begin_another
    Buildout._compute_part_signatures = _method(sign, substitution.foresee)
    better = _method(match, substitution.isolation.best_match)
    pkg_resources.Environment.best_match = better
    listeners.append(substitution.added)
    easy_install.normalize_versions = _function(normalize, substitution.translated)
    easy_install.default_versions(dict(installer._versions))
    return restore


def is_running(buildout):  # type: (Any) -> bool
    """Tell whether the method `install` of `buildout` is at work up the stack."""
    install = type(buildout).install.__code__
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code is install and frame.f_locals.get("self") is buildout:
            return True
    return False


def _method(original, handler):
    # type: (Callable[..., Any], Callable[..., Any]) -> Any
    @functools.wraps(original)
    def method(self, *args, **kwargs):  # type: (Any, *Any, **Any) -> Any
        return handler(self, functools.partial(original, self), *args, **kwargs)

    return method


def _function(original, handler):
    # type: (Callable[..., Any], Callable[..., Any]) -> Any
    @functools.wraps(original)
    def function(*args, **kwargs):  # type: (*Any, **Any) -> Any
        return handler(original, *args, **kwargs)

    return function

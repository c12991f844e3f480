"""Interception: the way into zc.buildout's installer, and out again.

The few methods of Installer that matter are wrapped in place (a subclass would miss
code that imported the class before) and restored at the end.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install
from zc.buildout.buildout import Buildout

from poach.buildout.substitution import Substitution


def intercept(
    substitution: Substitution, is_over: Callable[[], bool]
) -> Callable[[], None]:
    """Wrap zc.buildout's installer; return the function that restores it.

    A buildout that fails unloads no extension.  So a program that begins another one in
    this process restores everything first, if `is_over` returns that this one ended.
    """
    installer = easy_install.Installer
    handlers: dict[str, Callable[..., Any]] = {
        "_constrain": substitution.constrain,
        "_satisfied": substitution.satisfied,
        "_obtain": substitution.obtain,
        "_get_dist": substitution.get_dist,
        "install": substitution.install,
        "build": substitution.build,
    }
    originals = {name: vars(installer)[name] for name in handlers}
    normalize = easy_install.normalize_versions
    listeners = pkg_resources.working_set.callbacks
    match = vars(pkg_resources.Environment)["best_match"]
    begin = vars(Buildout)["__init__"]
    sign = vars(Buildout)["_compute_part_signatures"]

    def restore() -> None:
        if substitution.added not in listeners:
            return
        listeners.remove(substitution.added)
        Buildout.__init__ = begin
        Buildout._compute_part_signatures = sign
        pkg_resources.Environment.best_match = match
        easy_install.normalize_versions = normalize
        for name, original in originals.items():
            setattr(installer, name, original)

    def begin_another(self: Any, *args: Any, **kwargs: Any) -> None:
        if is_over():
            restore()
        begin(self, *args, **kwargs)

    for name, handler in handlers.items():
        setattr(installer, name, _method(originals[name], handler))
    Buildout.__init__ = begin_another
    Buildout._compute_part_signatures = _method(sign, substitution.foresee)
    better = _method(match, substitution.best_match)
    pkg_resources.Environment.best_match = better
    listeners.append(substitution.added)
    easy_install.normalize_versions = _function(normalize, substitution.translated)
    easy_install.default_versions(dict(installer._versions))
    return restore


def is_running(buildout: Any) -> bool:
    """Return whether the method `install` of `buildout` is at work up the stack."""
    install = type(buildout).install.__code__
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code is install and frame.f_locals.get("self") is buildout:
            return True
    return False


def _method(original: Callable[..., Any], handler: Callable[..., Any]) -> Any:
    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return handler(self, functools.partial(original, self), *args, **kwargs)

    return method


def _function(original: Callable[..., Any], handler: Callable[..., Any]) -> Any:
    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        return handler(original, *args, **kwargs)

    return function

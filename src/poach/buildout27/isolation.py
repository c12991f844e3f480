"""Isolation: what is patched goes to those whose pin says so, and to nobody else.

``==1.16.0``, ``>=1.16`` and no pin at all admit ``1.16.0+hello.p1234abcd`` (PEP 440),
which may lie in a shared eggs-directory or on an index.  Here only a requirement that
says this very version admits it, which is what buildout makes of such a pin.
"""

import contextlib
import re

import pkg_resources
import zc.buildout.easy_install as easy_install
from zc.buildout import UserError

from poach.buildout27.errors import NotForPlainPins, not_for_plain_pins, tagged_loaded
from poach.buildout27.names import canonical, is_tagged, same_version
from poach.buildout27.pinning import forget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

#: User and password, query and fragment of a URL.
_SECRETS = re.compile(r"(?<=://)[^/@]*@|[?#].*")


class Isolation(object):
    """Keeps tagged versions from requirements that do not say them.

    `is_free` tells the distributions for which that does not hold: the eggs of the
    store and develop eggs.  `hidden` are the distributions on buildout's own path that
    no pin takes, by canonical name; `passed` are those that would have done for the
    last requirement that nothing else satisfied.
    """

    def __init__(self, is_free):  # type: (Callable[[Any], bool]) -> None
        self.is_free = is_free
        self.hidden = {}  # type: dict[str, Any]
        self.passed = []  # type: list[Any]
        self._installing = 0

    def hides(self, dist, requirement):  # type: (Any, Any) -> bool
        """Tell whether a requirement must not be satisfied with `dist`."""
        return (
            is_tagged(dist.version)
            and canonical(dist.project_name) == canonical(requirement.project_name)
            and not _says(requirement, dist.version)
            and not self.is_free(dist)
        )

    def satisfied(self, installer, original, requirement, source):
        # type: (Any, Callable[..., Any], Any, Any) -> tuple[Any, Any]
        """Return what an installer has or can get, as its method does."""
        dist, available = original(requirement, source)
        if dist is not None and self.hides(dist, requirement):
            with self._without(installer._env, requirement):
                dist, available = original(requirement, source)
        self.passed = []
        if dist is None and (available is None or installer._dest is None):
            places = [installer._env, installer._index]
            self.passed = list(self._passed_over(places, requirement))
        return dist, available

    def obtain(self, installer, original, requirement, source):
        # type: (Any, Callable[..., Any], Any, Any) -> Any
        """Return the best distribution on offer, as the method of an installer does."""
        dist = original(requirement, source)
        if dist is not None and self.hides(dist, requirement):
            with self._without(installer._index, requirement):
                dist = original(requirement, source)
        return dist

    def best_match(self, env, original, requirement, ws, *args, **kwargs):
        # type: (Any, Callable[..., Any], Any, Any, *Any, **Any) -> Any
        """Return what an environment has, as its method does.

        What is in the working set is there already.  An installer has looked at pins.
        Where none asks, nothing else will be got: raises `NotForPlainPins`.
        """
        dist = original(requirement, ws, *args, **kwargs)
        if dist is None or ws.by_key.get(dist.key) is dist:
            return dist
        if not self.hides(dist, requirement):
            return dist
        if not self._installing and _is_pinned(dist):
            return dist
        with self._without(env, requirement):
            other = original(requirement, ws, *args, **kwargs)
        if other is None and ws is pkg_resources.working_set and not self._installing:
            raise not_for_plain_pins("", requirement, [_facts(dist)])
        return other

    @contextlib.contextmanager
    def explaining(self, requirement):  # type: (Any) -> Iterator[None]
        """Say what was passed over if nothing is found for a requirement.

        Raises `NotForPlainPins` in the place of buildout's own error.
        """
        self.passed = []
        try:
            yield
        except NotForPlainPins:
            raise
        except UserError as error:
            if not self.passed:
                raise
            facts = sorted(set(map(_facts, self.passed)))
            raise not_for_plain_pins(str(error), requirement, facts)

    @contextlib.contextmanager
    def installing(self):  # type: () -> Iterator[None]
        """Note that an installer is at work in the ``with`` block."""
        self._installing += 1
        try:
            yield
        finally:
            self._installing -= 1

    # Buildout's own working set, on which extensions and recipes run.

    def clear(self):  # type: () -> None
        """Hide what buildout has on its path and no pin takes.

        Raises zc.buildout.UserError for an egg that was put there for somebody.
        """
        ws = pkg_resources.working_set
        found = [dist for dist in list(ws) if self._is_foreign(dist)]
        loaded = [_facts(dist) for dist in found if dist.location.endswith(".egg")]
        if loaded:
            raise tagged_loaded(loaded)
        self.hidden.update({canonical(dist.project_name): dist for dist in found})
        forget(ws, self.hidden)

    def added(self, dist):  # type: (Any) -> None
        """Hide what is added to buildout's own working set and no pin takes."""
        if self._is_foreign(dist):
            self.hidden[canonical(dist.project_name)] = dist
            forget(pkg_resources.working_set, [canonical(dist.project_name)])

    def covered(self, dists, ws):  # type: (Any, Any) -> Iterator[Any]
        """Yield those of `dists`, got for `ws`, that come before what is hidden."""
        if ws is pkg_resources.working_set and self.hidden:
            for dist in dists:
                if canonical(dist.project_name) in self.hidden:
                    yield dist

    def refuse_imported(self, dist, files):  # type: (Any, Iterator[str]) -> None
        """Raise `NotForPlainPins` for `files` that run in the place of `dist`."""
        for file in files:
            reason = "%s is needed, but %s is imported already." % (dist, file)
            hidden = self.hidden[canonical(dist.project_name)]
            raise not_for_plain_pins(reason, dist.as_requirement(), [_facts(hidden)])

    def _is_foreign(self, dist):  # type: (Any) -> bool
        return (
            is_tagged(dist.version) and not self.is_free(dist) and not _is_pinned(dist)
        )

    def _passed_over(self, places, requirement):  # type: (Any, Any) -> Iterator[Any]
        for place in places:
            for dist in place[requirement.project_name]:
                if dist in requirement and self.hides(dist, requirement):
                    yield dist

    @contextlib.contextmanager
    def _without(self, env, requirement):  # type: (Any, Any) -> Iterator[None]
        """Take what a requirement must not see out of an environment for a while.

        An index may come upon the same once more in that time.
        """
        there = env[requirement.project_name]
        hidden = [dist for dist in there if self.hides(dist, requirement)]
        there[:] = [dist for dist in there if dist not in hidden]
        admits = env.can_add
        env.can_add = lambda dist: not self.hides(dist, requirement) and admits(dist)
        try:
            yield
        finally:
            del env.can_add
            for dist in hidden:
                env.add(dist)


def _says(requirement, version):  # type: (Any, str) -> bool
    """Tell whether a requirement is for exactly `version`, with its label."""
    return any(
        operator in ("==", "===") and same_version(said, version)
        for operator, said in requirement.specs
    )


def _is_pinned(dist):  # type: (Any) -> bool
    """Tell whether the versions section of the buildout says the version of `dist`."""
    return any(
        canonical(key) == canonical(dist.project_name)
        and same_version(version.lstrip("="), dist.version)
        for key, version in easy_install.Installer._versions.items()
    )


def _facts(dist):  # type: (Any) -> tuple[str, str, str]
    """Return project, version and place of a distribution, for people."""
    place = _SECRETS.sub("", dist.location or "")
    return str(dist.project_name), str(dist.version), place

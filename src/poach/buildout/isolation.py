"""Isolation: a patched egg is used only where a pin has the patches.

``==1.16.0``, ``>=1.16`` and no pin at all admit ``1.16.0+hello.p1234abcd`` (PEP 440),
which may lie in a shared eggs-directory or on an index.  Here only a requirement that
says this very version admits it, which is what buildout makes of such a pin.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install
from zc.buildout import UserError

from poach.buildout.errors import NotForPlainPins, TaggedLoaded
from poach.buildout.pinning import forget
from poach.names import canonicalize_name, is_tagged, same_version

#: User and password, query and fragment of a URL.
_SECRETS = re.compile(r"(?<=://)[^/@]*@|[?#].*")


class Isolation:
    """Keeps tagged versions from requirements that do not name them."""

    def __init__(self, is_free: Callable[[Any], bool]) -> None:
        #: Returns whether a distribution is exempt: an egg of the store or a develop
        #: egg.
        self.is_free = is_free
        #: The distributions on buildout's own path that no pin takes, by canonical
        #: name.
        self.hidden: dict[str, Any] = {}
        #: Those that would have satisfied the last requirement that nothing else
        #: satisfied.
        self.passed: list[Any] = []
        self._installing = 0

    def hides(self, dist: Any, requirement: Any) -> bool:
        """Return whether a requirement must not be satisfied with `dist`."""
        return (
            is_tagged(dist.version)
            and canonicalize_name(dist.project_name)
            == canonicalize_name(requirement.project_name)
            and not _says(requirement, dist.version)
            and not self.is_free(dist)
        )

    def satisfied(
        self,
        installer: Any,
        original: Callable[..., Any],
        requirement: Any,
        source: Any,
    ) -> tuple[Any, Any]:
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

    def obtain(
        self,
        installer: Any,
        original: Callable[..., Any],
        requirement: Any,
        source: Any,
    ) -> Any:
        """Return the best distribution on offer, as the method of an installer does."""
        dist = original(requirement, source)
        if dist is not None and self.hides(dist, requirement):
            with self._without(installer._index, requirement):
                dist = original(requirement, source)
        return dist

    def best_match(
        self,
        env: Any,
        original: Callable[..., Any],
        requirement: Any,
        ws: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
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
            raise NotForPlainPins("", requirement, [_facts(dist)])
        return other

    @contextlib.contextmanager
    def explaining(self, requirement: Any) -> Iterator[None]:
        """Say what was passed over if nothing is found for a requirement.

        Raises `NotForPlainPins` instead of buildout's own error.
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
            raise NotForPlainPins(str(error), requirement, facts) from error

    @contextlib.contextmanager
    def installing(self) -> Iterator[None]:
        """Note that an installer is at work in the ``with`` block."""
        self._installing += 1
        try:
            yield
        finally:
            self._installing -= 1

    # Buildout's own working set, on which extensions and recipes run.

    def clear(self) -> None:
        """Hide what buildout has on its path and no pin takes.

        Raises `TaggedLoaded` for an egg that was put there for somebody already.
        """
        ws = pkg_resources.working_set
        found = [dist for dist in list(ws) if self._is_foreign(dist)]
        loaded = [_facts(dist) for dist in found if dist.location.endswith(".egg")]
        if loaded:
            raise TaggedLoaded(loaded)
        self.hidden.update(
            {canonicalize_name(dist.project_name): dist for dist in found}
        )
        forget(ws, self.hidden)

    def added(self, dist: Any) -> None:
        """Hide what is added to buildout's own working set and no pin takes."""
        if self._is_foreign(dist):
            self.hidden[canonicalize_name(dist.project_name)] = dist
            forget(pkg_resources.working_set, [canonicalize_name(dist.project_name)])

    def covered(self, dists: Any, ws: Any) -> Iterator[Any]:
        """Yield those of `dists`, got for `ws`, that come before what is hidden."""
        if ws is pkg_resources.working_set and self.hidden:
            for dist in dists:
                if canonicalize_name(dist.project_name) in self.hidden:
                    yield dist

    def refuse_imported(self, dist: Any, files: Iterator[str]) -> None:
        """Raise `NotForPlainPins` for `files` that run instead of `dist`."""
        for file in files:
            reason = f"{dist} is needed, but {file} is imported already."
            hidden = self.hidden[canonicalize_name(dist.project_name)]
            raise NotForPlainPins(reason, dist.as_requirement(), [_facts(hidden)])

    def _is_foreign(self, dist: Any) -> bool:
        return (
            is_tagged(dist.version) and not self.is_free(dist) and not _is_pinned(dist)
        )

    def _passed_over(self, places: Any, requirement: Any) -> Iterator[Any]:
        for place in places:
            for dist in place[requirement.project_name]:
                if dist in requirement and self.hides(dist, requirement):
                    yield dist

    @contextlib.contextmanager
    def _without(self, env: Any, requirement: Any) -> Iterator[None]:
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


def _says(requirement: Any, version: str) -> bool:
    """Return whether a requirement is for exactly `version`, with its label."""
    return any(
        operator in ("==", "===") and same_version(said, version)
        for operator, said in requirement.specs
    )


def _is_pinned(dist: Any) -> bool:
    """Return whether the versions section pins `dist` to its version."""
    return any(
        canonicalize_name(key) == canonicalize_name(dist.project_name)
        and same_version(version.lstrip("="), dist.version)
        for key, version in easy_install.Installer._versions.items()
    )


def _facts(dist: Any) -> tuple[str, str, str]:
    """Return project, version and place of a distribution, for people."""
    place = _SECRETS.sub("", dist.location or "")
    return str(dist.project_name), str(dist.version), place

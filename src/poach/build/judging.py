"""What becomes of the files that patches touch: the patched tree beside the wheel.

A patch that applies need not have an effect.  The build may compile a generated file
and not the patched source, install another one of two folders that look alike, or
leave a file out.  `verdicts` decides that file by file, from names and bytes alone;
who runs the build, and reads what is there before and after, is elsewhere.
"""

from __future__ import annotations

import re
from functools import cached_property

from poach.applier.paths import parents
from poach.build import filekinds, generated
from poach.build.buildfiles import BuildFiles
from poach.build.built import Built, Placement, above, is_tail
from poach.build.lost_changes import is_like, is_lost
from poach.build.products import Products
from poach.record.effect import Effect, Verdict

#: Why a file counts as not installed if its name does not show that.
_NO_PART = "the wheel lacks it, and it is not in a package that the wheel has"

_FOR_READERS = "for readers and developers"

_CURE_OF_UNCOMPILED = (
    "look into the output of the build: the patch may break the extension, or a "
    "compiler or an option is missing"
)

#: What the __init__.py of a namespace package says.
_NAMESPACE = re.compile(rb"\bdeclare_namespace\b|\bextend_path\b")

#: How the files of a package end that has code and no data.
_CODE = (".py", ".pyi", "/py.typed")

#: Folders at the top of a tree that are packages, and not for users.
_TOOLS = frozenset(
    ("tools", "scripts", "contrib", "misc", "utils", "dev", "bin", "build")
)


def verdicts(built: Built) -> dict[str, Verdict]:
    """Return what becomes of each touched file of a build, by its path."""
    judge = _Judge(built)
    return {path: judge.verdict(path) for path in built.touched}


def of_moved(here: Verdict, before: Verdict) -> Verdict:
    """Return the verdict on a moved file from those on its new and its old place."""
    return before if before.effect is Effect.WITHOUT_EFFECT else here


class _Judge:
    """Decides about the files of one build."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self._wheel = built.wheel
        self._at = Placement(built)
        self._products = Products(built, self._at)
        self._files = BuildFiles(built, self._at)

    def verdict(self, path: str) -> Verdict:
        """Return what becomes of a touched file; the first rule that knows decides."""
        upstream, patched = self._built.touched[path]
        if upstream == patched:
            why = "no patch changes it in the end"
            return Verdict(Effect.NOT_INSTALLED, why=why)
        source = self._generated(path)
        if source is not None and source.effect is Effect.WITHOUT_EFFECT:
            if patched is None or not self._is_data(path):
                return source
            return self._installed(path, patched) or source
        if patched is None:
            return self._uncompiled(path) or self._deleted(path, upstream)
        return (
            self._uncompiled(path)
            or self._made_again(path, patched)
            or self._installed(path, patched)
            or source
            or self._lost(path, upstream, patched)
            or self._lacking(path)
        )

    # -- generated files ----------------------------------------------------------

    def _generated(self, path: str) -> Verdict | None:
        """Return a verdict on a source of which other files are made, None for others.

        It has no effect where such a file is in the sdist and stays as it is.
        """
        if self._is_for_people(path) or filekinds.is_build_file(path):
            return None
        made = [
            self._products.made_of(source)
            for source in self._products.compiled_with(path)
        ]
        return next(iter(sorted(filter(None, made), key=_is_without_effect)), None)

    def _made_again(self, path: str, patched: bytes) -> Verdict | None:
        """Return a verdict on a product that the build makes of an unpatched source."""
        named = filekinds.is_doc(path) or filekinds.is_build_file(path)
        if named or self._is_for_people(path) or not self._differs(path, patched):
            return None
        source = self._products.source_of(path)
        if not source:
            return None
        return Verdict(
            Effect.WITHOUT_EFFECT,
            why=f"the build makes it again from {source}, which no patch changes",
            cure=f"patch {source}, too",
        )

    def _differs(self, path: str, patched: bytes) -> bool:
        """Return whether the build wrote the file at `path` with other bytes.

        What is compiled is the file in the tree, not what the wheel has as data.  All
        else may be written for the wheel alone.
        """
        written = path in self._built.written and path in self._built.after.sizes
        found = [self._built.after.read(path)] if written else []
        if not filekinds.is_compiled(path):
            if self._installed(path, patched):
                return False
            found += [
                self._wheel.read(place)
                for place in self._at.expected(path)
                if place in self._wheel.sizes and not self._at.original(path, place)
            ]
        return any(data != patched for data in found)

    def _is_data(self, path: str) -> bool:
        """Return whether `path` is a template of data: users may fill it in, not a
        build.

        A template of code is for the build, even if the wheel has it.
        """
        made = [
            name for name in generated.products(path) if name in self._built.tree.sizes
        ]
        code = any(name.endswith(".py") or filekinds.is_compiled(name) for name in made)
        return filekinds.is_template(path) and not code

    # -- what the wheel has -------------------------------------------------------

    def _deleted(self, path: str, upstream: bytes | None) -> Verdict:
        """Return a verdict on a file that is gone, where there was one."""
        named = self._by_name(path)
        if named is not None:
            return named
        kept = [place for place in self._at.places(path) if self._is_kept(place)]
        for place in kept:
            same = self._wheel.read(place) == upstream
            if same or place in self._at.expected(path):
                return Verdict(
                    Effect.WITHOUT_EFFECT,
                    place,
                    f"the patch deletes it, and the wheel still has {place}",
                    self._cure_of_copy(path, place)
                    or "delete the file that the build makes it from, too",
                )
        if kept:
            why = f"the wheel has {kept[0]} from elsewhere"
            return Verdict(Effect.NOT_INSTALLED, why=why)
        return Verdict(Effect.INSTALLED, why="the wheel lacks it")

    def _is_kept(self, place: str) -> bool:
        """Return whether the wheel has a file, and not with what a patch made."""
        if place not in self._wheel.sizes:
            return False
        data = self._wheel.read(place)
        return all(one.patched != data for one in self._built.touched.values())

    def _uncompiled(self, path: str) -> Verdict | None:
        """Return a verdict on code of an extension if the wheel has nothing compiled.

        Builds go on without an optional extension that cannot be compiled.  Then the
        wheel may have its source as data, which nobody runs.
        """
        code = filekinds.is_compiled_source(path) and not self._is_for_people(path)
        if not code or self._has_compiled or not self._files.have_extensions:
            return None
        return Verdict(
            Effect.WITHOUT_EFFECT,
            why="nothing was compiled from it: the wheel has no compiled code, but the "
            "build files name extensions",
            cure=_CURE_OF_UNCOMPILED,
        )

    @cached_property
    def _has_compiled(self) -> bool:
        """Whether the wheel has compiled code that is not as it was in the tree.

        The name of the wheel does not show that: it is the same if the build leaves out
        an extension.
        """
        return any(
            filekinds.is_native(place, self._wheel.read(place))
            and not self._is_copied(place)
            for place in self._wheel.sizes
        )

    def _is_copied(self, place: str) -> bool:
        """Return whether a file of the tree before the build has the bytes of
        `place`."""
        data = self._wheel.read(place)
        return any(
            path not in self._built.written and self._at.read(path) == data
            for path in self._at.sources(place)
        )

    def _installed(self, path: str, patched: bytes) -> Verdict | None:
        """Return a verdict where the wheel has the patched bytes, and from here."""
        place = next(self._at.holders(path, patched), None)
        return None if place is None else Verdict(Effect.INSTALLED, place)

    def _lost(
        self, path: str, upstream: bytes | None, patched: bytes
    ) -> Verdict | None:
        """Return a verdict where something else is installed in its place.

        The build may rewrite a file, as 2to3 does and tools that fill in a version.
        Then it still has what the patch changed; or it has not, and the patch is lost.
        """
        if filekinds.is_test(path) or filekinds.is_build_file(path):
            return None
        if self._is_overwritten(path, upstream, patched):
            return Verdict(
                Effect.WITHOUT_EFFECT,
                why="the build writes this file itself, without the change",
                cure="patch the file that the build makes it from",
            )
        for place in self._at.places(path):
            if place in self._wheel.sizes and self._is_meant(path, patched, place):
                return self._replaced(path, upstream, patched, place)
        return None

    def _is_overwritten(
        self, path: str, upstream: bytes | None, patched: bytes
    ) -> bool:
        if path not in self._built.written or path not in self._built.after.sizes:
            return False
        found = self._built.after.read(path)
        return found != patched and is_lost(upstream, patched, found)

    def _is_meant(self, path: str, patched: bytes, place: str) -> bool:
        """Return whether a file of the wheel is the one at `path`, or a look-alike's.

        In packages of one name, files of one name are look-alikes, even if they differ.
        """
        found = self._wheel.read(place)
        if place in self._at.expected(path) or is_like(patched, found):
            return True
        if "/" not in place or self._is_for_people(path):
            return False
        original = self._at.original(path, place)
        return bool(original) and is_tail(place, original)

    def _replaced(
        self, path: str, upstream: bytes | None, patched: bytes, place: str
    ) -> Verdict:
        found = self._wheel.read(place)
        original = self._at.original(path, place)
        if original and found != patched:
            why = f"the wheel has {place} with the bytes of {original}"
            cure = _cure(original, place)
            return Verdict(Effect.WITHOUT_EFFECT, place, why, cure)
        if not is_lost(upstream, patched, found):
            why = f"the build makes {place} of it, changed"
            return Verdict(Effect.BUILD_INPUT, place, why)
        return Verdict(
            Effect.WITHOUT_EFFECT,
            place,
            f"the wheel has {place} without the change",
            self._cure_of_copy(path, place)
            or "patch the file that the build makes it from",
        )

    def _cure_of_copy(self, path: str, place: str) -> str:
        """Return what to do if the wheel has `place` from another file of the tree."""
        others = [other for other in self._at.sources(place) if other != path]
        if not others:
            return ""
        return f"the wheel has it from {others[0]}: {_cure(others[0], place)}"

    # -- what the wheel lacks -----------------------------------------------------

    def _lacking(self, path: str) -> Verdict:
        """Return a verdict on a file that the wheel does not have."""
        named = self._by_name(path)
        if named is not None:
            return named
        if self._is_mentioned(path):
            return Verdict(Effect.BUILD_INPUT, why="the build files name it")
        near = self._near(path)
        if near:
            why = f"the wheel lacks it, and has {near}"
            return Verdict(
                Effect.WITHOUT_EFFECT, why=why, cure=self._cure_of_missing(path, near)
            )
        if filekinds.is_template(path):
            return Verdict(Effect.BUILD_INPUT)
        return self._copied(path) or Verdict(Effect.NOT_INSTALLED, why=_NO_PART)

    def _copied(self, path: str) -> Verdict | None:
        """Return a verdict where the wheel has a copy of the file, as it was upstream.

        A project may have a library twice and install one of the two.
        """
        upstream = self._built.touched[path].upstream
        place = self._at.copy(path, upstream) if upstream else None
        if place is None:
            return None
        return Verdict(
            Effect.WITHOUT_EFFECT,
            place,
            f"the wheel has a copy of it, {place}, without the change",
            self._cure_of_copy(path, place) or "patch that copy, too",
        )

    def _by_name(self, path: str) -> Verdict | None:
        """Return the verdict that follows from its name, None for code and data."""
        if filekinds.is_test(path):
            return Verdict(Effect.NOT_INSTALLED, why="for tests")
        if filekinds.is_doc(path):  # even if the build reads it, as a description
            return Verdict(Effect.NOT_INSTALLED, why=_FOR_READERS)
        people = self._is_for_people(path)
        in_docs = people or self._is_in_docs(path)
        if filekinds.is_build_file(path) and not in_docs:
            return Verdict(Effect.BUILD_INPUT)
        if filekinds.is_compiled(path) and not people:
            return self._for_compilers(path)
        if filekinds.is_metadata(path):
            return Verdict(Effect.NOT_INSTALLED, why="the build makes it again")
        if not (people or filekinds.is_development(path)):
            return None
        if self._is_mentioned(path, whole=people):
            return Verdict(Effect.BUILD_INPUT, why="the build files name it")
        return Verdict(Effect.NOT_INSTALLED, why=_FOR_READERS)

    def _is_for_people(self, path: str) -> bool:
        """Return whether `path` is for tests or docs, as far as its folders tell.

        In an installed package, a folder ``docs`` or ``examples`` is one for users.
        """
        return filekinds.is_test(path) or (
            self._is_in_docs(path)
            and any(
                filekinds.is_doc_folder(folder.rpartition("/")[2])
                and not self._is_in_package(folder)
                for folder in parents(path)
            )
        )

    def _is_in_docs(self, path: str) -> bool:
        """Return whether `path` is in a folder for docs of which nothing is
        installed."""
        folder = path.rpartition("/")[0]
        return filekinds.is_doc_folder(folder) and not self._at.goes(f"{folder}/")

    def _is_in_package(self, path: str) -> bool:
        """Return whether `path` lies in a folder of the tree that is installed whole.

        Such a folder is one of the wheel, too: not its top, nor one for data files.
        """
        return any(
            place and ".data/" not in place
            for folder in above(path)
            if folder
            for place in self._at.goes(folder)
        )

    def _for_compilers(self, path: str) -> Verdict | None:
        if not self._built.pure:
            return Verdict(Effect.BUILD_INPUT)
        suffix = path.rpartition(".")[2]
        beside = self._at.installed(next(above(path)))
        if any(place.endswith(f".{suffix}") for place in beside):
            return None  # there they are data
        inside = self._near(path)
        return Verdict(
            Effect.WITHOUT_EFFECT if inside else Effect.NOT_INSTALLED,
            why="the wheel has nothing compiled",
            cure=_CURE_OF_UNCOMPILED if inside else "",
        )

    def _is_mentioned(self, path: str, whole: bool = False) -> bool:
        """Return whether a file that configures the build names the one at
        `path`.

        It is named with its path if `whole`, or if it looks like a part of something
        installed.
        """
        return self._files.mention(path, whole or bool(self._near(path)))

    def _near(self, path: str) -> str:
        """Return what is installed where a file would be that the wheel lacks.

        It is empty where the file does not look like a part of that: it lies neither in
        an installed package, nor, as a module or package, beside one.  Scripts and
        data files are named one by one: only a new one among them is missed.
        """
        created = self._is_new(path)
        for folder in above(path):
            installed = [
                place
                for place in self._at.installed(folder)
                if (folder and created) or ".data/" not in place
            ]
            if installed:
                inside = folder or self._is_beside(path)
                return installed[0] if inside else ""
        return ""

    def _is_beside(self, path: str) -> bool:
        """Return whether `path` is a module, or in a package, at the top of the tree.

        Or the top itself is a package: then all in it looks like a part.
        """
        if next((place for place in self._at.goes("") if ".data/" not in place), ""):
            return True
        package, slash, _ = path.partition("/")
        if not slash:
            return path.endswith(".py")
        if package in _TOOLS or filekinds.is_doc_folder(package):
            return False
        whole = f"{package}/__init__.py" in self._built.tree.sizes
        return whole or self._is_new_package(package)

    def _is_new_package(self, folder: str) -> bool:
        """Return whether patches make `folder`, and it is a package of PEP 420.

        That has no __init__.py: it is a folder with the name of a module and only code.
        """
        inside = [p for p in self._built.tree.sizes if p.startswith(f"{folder}/")]
        return folder.isidentifier() and all(
            path.endswith(_CODE) and self._is_new(path) for path in inside
        )

    def _is_new(self, path: str) -> bool:
        touched = self._built.touched.get(path)
        return touched is not None and touched.upstream is None

    def _cure_of_missing(self, path: str, near: str) -> str:
        """Return what to do about a file that the wheel lacks, where it has `near`."""
        if self._is_namespace(path):
            return (
                "setuptools leaves out the __init__.py of a namespace package: leave "
                f"it out of the diff, too, with #exclude={path} behind its location"
            )
        source = self._source_of(near, path)
        folders = path.split("/")[:-1]
        package, slash, _ = near.partition("/")
        alike = bool(slash) and package in folders
        if source and alike and not source.startswith(f"{folders[0]}/"):
            return f"the wheel has {near} from {source}: {_move(source, near)}"
        return (
            "let the patch change what the build installs, too: packages, "
            "package_data, scripts, MANIFEST.in or the like"
        )

    def _source_of(self, place: str, path: str) -> str:
        """Return of which file the wheel has `place`, rather than of look-alikes.

        It is in the folder of which the wheel has most files, else in that of `path`.
        """
        top = f"{path.partition('/')[0]}/"
        package = place.partition("/")[0]

        def rank(source: str) -> tuple[int, bool]:
            folder = f"{source.removesuffix(place)}{package}/"
            return len(self._at.installed(folder)), source.startswith(top)

        return max(self._at.sources(place), key=rank, default="")

    def _is_namespace(self, path: str) -> bool:
        """Return whether `path` is an __init__.py that declares a namespace package."""
        touched = self._built.touched[path]
        text = b"\n".join(filter(None, touched))
        return is_tail("__init__.py", path) and bool(_NAMESPACE.search(text))


def _cure(source: str, place: str) -> str:
    """Return how to patch `source`, a file of the tree that is `place` in the wheel."""
    folder = source.removesuffix(place).rstrip("/")
    moved = folder and is_tail(place, source)
    return f"set #directory={folder}" if moved else f"let the diff name {source}"


def _move(source: str, place: str) -> str:
    """Return where a diff is to make files that are to go where `source` goes."""
    if source.removesuffix(place):
        return _cure(source, place)
    return f"let the diff name files in {source.rpartition('/')[0]}"


def _is_without_effect(verdict: Verdict) -> bool:
    return verdict.effect is Effect.WITHOUT_EFFECT

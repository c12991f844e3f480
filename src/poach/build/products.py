"""The files that are generated from a source, and whether the build did that again.

A source whose product ships in the sdist has no effect unless a patch or the build
changes the product, too.
"""

from __future__ import annotations

import re
from functools import cached_property

from poach.build import generated
from poach.build.built import Built, Placement, is_tail
from poach.record.effect import Effect, Verdict


class Products:
    """Finds the files that are generated from the sources of one build."""

    def __init__(self, built: Built, placement: Placement) -> None:
        self._built = built
        self._wheel = built.wheel
        self._at = placement

    def made_of(self, source: str) -> Verdict | None:
        """Return a verdict on the change of `source`: the last generation decides."""
        generations = [*generated.generations(source), self._of_module(source)]
        sources = [source, *(name for names in generations for name in names)]
        elsewhere = self._named_otherwise(sources)
        for names in [*reversed(generations), elsewhere]:
            own = [name for name in names if not self._is_by_hand(name, source)]
            for name in own:
                if name in self._built.touched:
                    return Verdict(Effect.BUILD_INPUT, why=f"{name} is patched, too")
                if self._is_made(name):
                    why = f"the build makes {name} of it"
                    return Verdict(Effect.BUILD_INPUT, why=why)
            hides = next(filter(self._is_there, own), None)
            if hides is not None:
                return _hidden(hides)
        return None

    def source_of(self, product: str) -> str:
        """Return a source in the tree from which `product` is generated, by the names.

        It is empty where there is none, or where a patch changes one of them, or what
        one includes.
        """
        folder = product.rpartition("/")[0]
        beside = [p for p in self._built.tree.sizes if p.rpartition("/")[0] == folder]
        found = [source for source in beside if product in _all_made_of(source)]
        patched = {
            source
            for path, (before, after) in self._built.touched.items()
            if found and path != product and before != after
            for source in (path, *self.compiled_with(path))
        }
        # x.pyx.tp comes before x.pyx, and that before x.pxd.
        return "" if patched & {*found} else max(found, default="")

    def _named_otherwise(self, sources: list[str]) -> list[str]:
        """Return what Cython made from `sources` in another folder or by another name.

        Only the bytes count.  A file with the usual name is for the source beside it.
        """
        return [
            product
            for product, named in self._named_by_cython.items()
            if any(
                is_tail(name, source) or is_tail(source, name)
                for source in sources
                if source.endswith(generated.CYTHON)
                for name in named
            )
        ]

    @cached_property
    def _named_by_cython(self) -> dict[str, set[str]]:
        """The files by Cython with unusual names, each with the sources it names."""
        there = [*self._built.tree.sizes]
        usual = {p for path in there for p in generated.products(path)}
        found = {
            path: generated.sources_named(self._at.read(path))
            for path in there
            if path.endswith(generated.BY_CYTHON)
            and path not in usual
            and self._is_by_cython(path)
        }
        return {path: named for path, named in found.items() if named}

    def _is_by_hand(self, name: str, source: str) -> bool:
        """Return whether `name` exists, and is not generated from `source`."""
        if not self._is_there(name) or name in self._built.written:
            return False
        return not generated.is_product(name, source, self._at.read(name))

    def compiled_with(self, path: str) -> list[str]:
        """Return the sources whose products change with the one at `path`."""
        if not path.endswith((generated.CYTHON, *generated.INCLUDED)):
            return [path]
        if self.made_of(path) is not None:
            return [path]
        return self._including(path)

    def _including(self, path: str) -> list[str]:
        """Return the sources for Cython that include `path`, or what includes it."""
        kinds = (generated.CYTHON, *generated.INCLUDED)
        names = [name for name in self._built.tree.sizes if name.endswith(kinds)]
        texts = {name: self._at.read(name) for name in names}
        found, new = {path}, [path]
        while new:
            wanted = new.pop()
            more = [
                name
                for name, text in texts.items()
                if name not in found and generated.mentions(text, wanted)
            ]
            found.update(more)
            new += more
        return sorted(name for name in found if name.endswith(generated.CYTHON))

    def _of_module(self, path: str) -> list[str]:
        """Return what Cython made from a module of Python, if the wheel runs that."""
        made = [name for name in generated.of_module(path) if self._is_by_cython(name)]
        stem = re.escape(path.rpartition("/")[2].removesuffix(".py"))
        runs = re.compile(rf"(?:.*/)?{stem}\.(?:[^/]*\.)?(?:so|pyd)")
        return made if any(map(runs.fullmatch, self._wheel.sizes)) else []

    def _is_by_cython(self, path: str) -> bool:
        there = self._is_there(path) and path not in self._built.written
        return there and self._at.read(path).startswith(generated.MADE_BY_CYTHON)

    def _is_there(self, path: str) -> bool:
        return path in self._built.tree.sizes

    def _is_made(self, path: str) -> bool:
        """Return whether the build made the generated file at `path`, or wrote it
        again.

        It may have made it elsewhere, in a folder for the build or for the wheel; a
        copy of what was there before does not count.
        """
        if path in self._built.written:
            return True
        name, after, wheel = path.rpartition("/")[2], self._built.after, self._wheel
        made = [after.read(p) for p in self._built.written if is_tail(name, p)]
        made += [wheel.read(p) for p in self._at.places(path) if p in wheel.sizes]
        before = self._at.read(path) if self._is_there(path) and made else None
        return any(data != before for data in made)


def _all_made_of(source: str) -> list[str]:
    later = [name for names in generated.generations(source) for name in names]
    return [*generated.of_module(source), *later]


def _hidden(product: str) -> Verdict:
    return Verdict(
        Effect.WITHOUT_EFFECT,
        why=f"{product}, which is generated from it, is in the sdist, and neither a "
        "patch nor the build changes it",
        cure=f"patch {product}, too: make it again from the patched source",
    )

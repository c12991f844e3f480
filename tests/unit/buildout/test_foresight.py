"""Whether a run needs a dry run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import zc.buildout.easy_install as easy_install

from poach.buildout import at_hand, foresight
from poach.buildout.granting import Granting
from poach.buildout.settings import OwnedPin
from poach.pins.pin import Pin

VERSIONS = {"pond": "1.0", "sea": "1.0+deep.p12345678"}


class Session:
    """Plain pins of pond and lake, sea is patched; 'loud' is a diff for pond."""

    def __init__(self, egg):
        self.substitutes = {}
        self.settings = SimpleNamespace(
            unused="warn", substitutes=self.substitutes, substitute=self.substitute
        )
        self.patch_sets = {"sea": object()}
        self.eggs = {"sea": egg}
        self.lacking = []
        self.diffs = {("pond", "loud")}
        self.library = self
        self.pins = {
            "pond": Pin("pond", "1.0", (), ("quiet",)),
            "lake": Pin("lake", "1.0", ()),
            "sea": Pin("sea", "1.0", ("deep",)),
        }
        self.granting = Granting(self)

    def substitute(self, project):
        _, other = self.substitutes.get(project, ("", None))
        return other and other.partition("[")[0]

    def missing(self, projects):
        return [project for project in projects if project in self.lacking]

    def find(self, project):
        return SimpleNamespace(egg=self.eggs[project])

    def pin_of(self, project):
        pin = self.pins.get(project)
        return OwnedPin(pin, ()) if pin else None

    def may_define(self, pin, name):
        return (pin.key, name) in self.diffs


@pytest.fixture
def session(monkeypatch, tmp_path):
    info = tmp_path / "sea-1.0+deep.p12345678-py3.11.egg" / "EGG-INFO"
    info.mkdir(parents=True)
    (info / "requires.txt").write_text("\n[deep]\n\n[salt]\npond\n")
    monkeypatch.setattr(easy_install.Installer, "_versions", dict(VERSIONS))
    monkeypatch.setattr(at_hand, "beside_buildout", lambda: ())
    return Session(info.parent)


@pytest.fixture
def needed(session, monkeypatch):
    """Return a function that tells whether a dry run is needed with these eggs."""

    def needed(*dists, specs=(), idle=False):
        named = {dist.project for dist in dists}
        eggs = [*dists, *(egg(name) for name in ("pond", "lake") if name not in named)]
        monkeypatch.setattr(at_hand, "eggs", lambda buildout: eggs)
        return foresight.is_needed(session, None, specs, idle)

    return needed


def egg(project, version="1.0", requires=b"", points=b""):
    return at_hand.AtHand(project, version, points, requires)


def test_nobody_may_ask(needed):
    lake = egg("lake", requires=b"[wet:python_version > '3']\npond\n")
    assert not needed(lake, egg("app", requires=b"pond\nlake[wet]\nother[loud]\n"))


def test_a_requirement_that_nobody_can_satisfy(needed):
    assert needed(egg("app", requires=b"lake[wet]\n"))
    assert needed(egg("app", requires=b"sea[wet]\n"))
    other = egg("lake", "2.0", requires=b"[wet]\n")
    easy_install.Installer._versions["lake"] = "1.0"
    assert needed(other, egg("app", requires=b"lake[wet]\n"))


def test_a_patched_egg_that_may_want_a_patch(needed, session):
    requires = session.eggs["sea"] / "EGG-INFO" / "requires.txt"
    requires.write_text(requires.read_text().replace("pond\n", "pond[loud]\n"))
    assert needed()


@pytest.mark.parametrize("other", ["pond", "bay"])
def test_a_requirement_on_a_project_with_a_substitute(needed, session, other):
    session.substitutes.update(lagoon=("lagoon", other), bay=("bay", "pond"))
    assert not needed(egg("app", requires=b"lagoon\n"), specs=["lagoon"])
    assert needed(egg("app", requires=b"lagoon[loud]\n"))
    assert needed(specs=["lagoon[loud]"])


def test_a_substitute_that_may_be_a_patch(needed, session):
    session.substitutes["lagoon"] = "lagoon", "pond[loud]"
    assert needed()


def test_an_egg_that_is_not_built(needed, session):
    session.lacking = ["sea"]
    assert needed()


def test_a_requirement_that_may_want_a_patch(needed):
    assert needed(egg("app", requires=b"[test]\npond[Loud]\n"))


def test_a_requirement_on_a_patch_that_the_pin_has(needed):
    assert not needed(egg("app", requires=b"sea[deep,salt]\n"))


def test_a_requirement_on_a_patch_that_the_pin_refuses(needed):
    assert needed(egg("app", requires=b"pond[quiet]\n"))


@pytest.mark.parametrize("spec", ["pond[loud]", "pond [loud] >= 1"])
def test_a_part_that_may_want_a_patch(needed, spec):
    assert needed(specs=[spec])
    assert not needed(specs=["pond", "sea", "sea[deep]"])


def test_a_part_that_names_what_is_not_there(needed, monkeypatch):
    assert needed(specs=["new"])

    monkeypatch.setattr(at_hand, "beside_buildout", lambda: [egg("new")])
    assert not needed(specs=["new"])


def test_a_pin_that_is_not_there_in_this_version(needed):
    easy_install.Installer._versions["lake"] = "2.0"
    assert needed()
    assert needed(egg("lake", "1.0"))
    assert not needed(egg("lake", "2.0"))
    assert not needed(egg("lake", ""))  # a develop egg: buildout is to find out


@pytest.mark.parametrize("constraint", ["1.0", "==1.0", "1", ">=0.9", ""])
def test_versions_in_other_words(needed, constraint):
    easy_install.Installer._versions["lake"] = constraint
    assert not needed()


@pytest.mark.parametrize("idle", [True, False])
def test_a_distribution_that_ships_diffs(needed, idle):
    assert needed(egg("app", points=b"[poach.patches]\npond = app\n"), idle=idle)


def test_nothing_else_counts_where_there_is_nothing_to_patch(needed):
    def unread():
        raise AssertionError
        yield

    assert not needed(egg("app", requires=b"pond[loud]"), specs=unread(), idle=True)


def test_what_nobody_uses_is_an_error_before_parts_work(needed, session):
    session.settings.unused = "error"
    assert needed()


@pytest.mark.parametrize("fault", [PermissionError, ValueError])
def test_eggs_that_cannot_be_looked_at(session, monkeypatch, fault):
    def closed(buildout):
        raise fault
        yield

    monkeypatch.setattr(at_hand, "eggs", closed)
    assert foresight.is_needed(session, None, (), False)

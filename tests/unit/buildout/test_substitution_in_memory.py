"""buildout's requirements are answered with patched eggs: with a supplier in memory."""

from __future__ import annotations

import os

import pytest
import zc.buildout.easy_install as easy_install
from pkg_resources import (
    DEVELOP_DIST,
    EGG_DIST,
    Distribution,
    Environment,
    Requirement,
    WorkingSet,
)
from zc.buildout import UserError
from zc.buildout.easy_install import IncompatibleConstraintError

from poach.buildout.dry_run import StandIn
from poach.buildout.errors import (
    ArbitraryEquality,
    LatePin,
    SubstituteBuilt,
    SubstituteClash,
    SubstituteMissing,
    Unpatched,
    UnreadableVersion,
)
from poach.buildout.interception import intercept
from poach.buildout.patched_pin import PatchedPin
from poach.buildout.substitution import Substitution
from support import required

TAGGED = "1.0+loud.p12345678"
PIN = PatchedPin("Pond", "1.0", "1.0 +Loud", TAGGED)


class Supplier:
    """Pins, eggs and substitutes of a run; `done` is what it was asked to note."""

    idle = granting = False

    def __init__(self, store):
        self.store = store
        self.pins = {"pond": PIN}
        self.substitutes = {}
        self.missing = set()
        self.done = []

    def pinned(self, key):
        return self.pins.get(key)

    def egg(self, key, may_build):
        self.done.append(("egg", key, may_build))
        return str(egg(self.store, self.pins[key]))

    def holds(self, location):
        return location.startswith(str(self.store))

    def ask(self, requests):
        self.done.append(("ask", *requests))
        return []

    def refuse(self, requests, tolerated):
        raise UserError("refused")

    def declare(self, spec, key, build_ext, environment):
        self.done.append(("declare", spec, key, build_ext, environment))

    def given(self, keys):
        self.done.append(("given", *sorted(keys)))

    def resolved(self, keys):
        self.done.append(("resolved", *sorted(keys)))

    def owner(self, buildout, section, option):
        return f"{section}.cfg:1"

    def substitute(self, key):
        return self.substitutes.get(key)

    def alias(self, key, other, version, extras, points):
        return str(egg(self.store, PatchedPin(key, version, version, version)))

    def lacks(self, key):
        return key in self.missing


class Installer:
    """What substitution sees of an installer: versions and distributions."""

    def __init__(self, **versions):
        self._versions = versions
        self._env = Environment([])
        self._dest = "/eggs"

    def _version_conflict_information(self, project):
        return f"conflict on {project}"

    def _constrain(self, requirement):
        return requirement


def egg(store, pin):
    """Make an egg as the store has them; return its folder."""
    folder = store / f"{pin.project}-{pin.version}-py3.egg"
    (folder / "EGG-INFO").mkdir(parents=True, exist_ok=True)
    metadata = f"Metadata-Version: 1.0\nName: {pin.project}\nVersion: {pin.version}\n"
    (folder / "EGG-INFO" / "PKG-INFO").write_text(metadata)
    return folder


def dist(name, version="1.0", location="/eggs", precedence=EGG_DIST):
    return Distribution(location, None, name, version, precedence=precedence)


def nothing(*_, **__):
    raise AssertionError("buildout's own method is not asked here")


@pytest.fixture
def supplier(tmp_path):
    return Supplier(tmp_path / "store")


@pytest.fixture
def substitution(tmp_path, supplier):
    options = {
        "directory": str(tmp_path),
        "develop-eggs-directory": str(tmp_path / "develop-eggs"),
    }
    sections = {"buildout": options, "versions": {"Sea": "1.x"}, "substitutes": {}}
    return Substitution(supplier, sections)


@pytest.fixture
def developed(tmp_path, substitution):
    """A develop egg of Pond 1.0, with its link."""
    (tmp_path / "develop-eggs").mkdir()
    (tmp_path / "develop-eggs" / "Pond.egg-link").write_text("/checkout\n.")
    return dist("Pond", location="/checkout", precedence=DEVELOP_DIST)


def constrained(substitution, spec, installer=None, original=nothing):
    requirement = Requirement.parse(spec)
    installer = installer or Installer()
    return str(substitution.constrain(installer, original, requirement))


@pytest.mark.parametrize("spec", ["Pond", "pond>=1", "pond==1.0", "pond<2"])
def test_a_pinned_project_is_constrained_to_its_tagged_version(substitution, spec):
    assert constrained(substitution, spec).lower() == f"pond=={TAGGED}"


def test_a_patch_that_is_required_is_spelled_as_its_egg_has_it(substitution):
    assert constrained(substitution, "Pond[LOUD]") == f"Pond[loud]=={TAGGED}"


def test_any_other_project_is_constrained_by_buildout(substitution):
    plain = lambda requirement: f"{requirement}==buildout"  # noqa: E731

    assert constrained(substitution, "lake", original=plain) == "lake==buildout"


def test_a_requirement_that_does_not_admit_the_pin(substitution):
    with pytest.raises(IncompatibleConstraintError):
        constrained(substitution, "pond>=2")


def test_a_requirement_that_compares_text(substitution):
    app = required.dist("app", "pond===1.0")

    with substitution.requirers.resolving():
        substitution.requirers.got([app])
        with pytest.raises(ArbitraryEquality) as caught:
            substitution.constrain(Installer(), nothing, *app.requires())

    assert str(caught.value).startswith("app requires pond===1.0, which compares ")


def test_a_develop_egg_of_the_version_wins(substitution, developed):
    installer = Installer()
    installer._env.add(developed)

    assert constrained(substitution, "pond", installer) == "pond==1.0"
    assert substitution.overruled == {"pond"}


def test_a_develop_egg_of_another_version_does_not(substitution, developed):
    installer = Installer()
    installer._env.add(dist("Pond", "2.0", "/checkout", DEVELOP_DIST))

    assert constrained(substitution, "pond", installer) == f"pond=={TAGGED}"
    assert substitution.overruled == set()


@pytest.mark.parametrize(
    ("version", "counts"),
    [("1.0", True), ("==1.0", True), (TAGGED, True), (">=0.9", True), ("2.0", False)],
)
def test_a_version_that_an_installer_has_of_its_own(
    substitution, caplog, version, counts
):
    own = constrained(substitution, "pond", Installer(pond=version), lambda _: "own")

    assert own == (f"pond=={TAGGED}" if counts else "own")
    assert substitution.overruled == (set() if counts else {"pond"})
    assert ("'Pond = 1.0 +Loud' does not count" in caplog.text) is not counts


def test_a_version_that_buildout_cannot_read(substitution):
    def original(requirement):
        raise ValueError("1.x")

    with pytest.raises(UnreadableVersion) as caught:
        constrained(substitution, "sea", Installer(sea="1.x"), original)

    assert "its version 'sea = 1.x' (versions.cfg:1) is none" in str(caught.value)


def satisfied(substitution, spec, installer=None, original=nothing):
    requirement = Requirement.parse(spec)
    return substitution.satisfied(installer or Installer(), original, requirement)


def test_a_requirement_on_a_pinned_project_gets_the_patched_egg(substitution, supplier):
    found, available = satisfied(substitution, f"pond=={TAGGED}")

    assert (found.project_name, found.version) == ("Pond", TAGGED)
    assert supplier.holds(found.location)
    assert found.precedence == EGG_DIST
    assert available is None
    assert supplier.done == [("egg", "pond", True)]


def test_an_installer_that_may_install_nothing_builds_nothing(substitution, supplier):
    installer = Installer()
    installer._dest = None

    satisfied(substitution, "pond", installer)

    assert supplier.done == [("egg", "pond", False)]


def test_any_other_project_is_got_by_buildout(substitution):
    lake = dist("lake")

    found, _ = satisfied(substitution, "lake", original=lambda *_: (lake, None))

    assert found is lake


def test_in_a_dry_run_an_egg_that_is_missing_is_stood_in_for(substitution, supplier):
    substitution.dry_run.missing = set()
    supplier.missing = {"pond"}

    found, _ = satisfied(substitution, "pond")

    assert isinstance(found, StandIn)
    assert supplier.done == []


def got(substitution, dists, ws):
    requirement = Requirement.parse("pond")
    return substitution.get_dist(Installer(), lambda *_: dists, requirement, ws)


def test_a_patched_egg_replaces_another_in_the_working_set(substitution, supplier):
    patched = dist("Pond", TAGGED, str(egg(supplier.store, PIN)))
    ws = WorkingSet([])
    ws.add(dist("Pond"))

    assert got(substitution, [patched], ws) == [patched]

    assert ws.by_key["pond"] is patched
    assert substitution.requests.ws is ws


def test_a_plain_egg_replaces_nothing(substitution):
    there = dist("lake", "2.0")
    ws = WorkingSet([])
    ws.add(there)

    got(substitution, [dist("lake")], ws)

    assert ws.by_key["lake"] is there


def test_what_is_got_is_known_as_who_requires_something(substitution):
    app, lib = (required.dist(name, "pond[loud]") for name in ("app", "lib"))

    with substitution.requirers.resolving():
        got(substitution, [app], WorkingSet([]))
        match = lambda *_: lib  # noqa: E731
        substitution.best_match(Environment([]), match, None, WorkingSet([]))

        assert substitution.requirers.titles(*app.requires()) == ["app 1.0"]
        assert substitution.requirers.titles(*lib.requires()) == ["lib 1.0"]


def installed(substitution, dists, working_set=None):
    ws = WorkingSet([]) if working_set is None else working_set
    for each in dists:
        ws.add(each, each.location)
    specs = [each.project_name for each in dists]
    return substitution.install(Installer(), lambda *_: ws, specs, working_set)


def test_the_store_comes_first_in_a_working_set(substitution, supplier):
    path = str(egg(supplier.store, PIN))

    ws = installed(substitution, [dist("lake"), dist("Pond", TAGGED, path)])

    assert ws.entries == [path, "/eggs"]
    assert supplier.done == [
        ("resolved", "lake", "pond"),
        ("egg", "pond", False),
        ("given", "lake", "pond"),
    ]


def test_an_unpatched_egg_in_a_working_set_is_refused(substitution, supplier):
    with pytest.raises(Unpatched) as caught:
        installed(substitution, [dist("Pond")])

    assert "Pond 1.0 from /eggs is in use in its place" in str(caught.value)
    assert ("given", "pond") not in supplier.done


def test_a_develop_egg_in_a_working_set_is_not(substitution, developed):
    installer = Installer()
    installer._env.add(developed)
    ws = WorkingSet([])
    ws.add(developed)

    substitution.install(installer, lambda *_: ws, ["pond"])

    assert substitution.overruled == {"pond"}


def test_a_working_set_that_was_there_is_only_given(substitution, supplier):
    ws = WorkingSet([])

    assert installed(substitution, [dist("lake")], ws) is ws

    assert supplier.done == [("given", "lake")]


def test_a_part_builds_a_patched_egg_into_the_store(
    substitution, supplier, monkeypatch
):
    substitution.environ = dict(os.environ)
    monkeypatch.setenv("CFLAGS", "-O1")

    assert substitution.build(Installer(), nothing, "Pond", {"debug": "1"}) == []

    assert supplier.done == [
        ("declare", "Pond", "pond", {"debug": "1"}, {"CFLAGS": "-O1"}),
        ("egg", "pond", True),
        ("given", "pond"),
    ]


def test_a_part_builds_any_other_egg_by_buildout(substitution):
    built = substitution.build(Installer(), lambda *args: [*args], "lake", {})

    assert built == ["lake", {}]


def test_a_part_cannot_build_what_has_a_substitute(substitution, supplier):
    supplier.substitutes = {"lake": "pond"}

    with pytest.raises(SubstituteBuilt):
        substitution.build(Installer(), nothing, "lake", {})


def translated(substitution, **versions):
    return substitution.translated(dict, versions)


@pytest.mark.parametrize("value", ["1.0 +Loud", "1.0.0  +Loud"])
def test_a_pin_is_translated_to_its_tagged_version(substitution, value):
    versions = translated(substitution, pond=value, lake="2.0")

    assert versions == {"pond": TAGGED, "lake": "2.0"}


def test_what_the_pin_was_before_a_request_is_translated_too(substitution, supplier):
    translated(substitution, pond="1.0 +Loud")
    more = "1.0+loud.wide.p00000000"
    supplier.pins["pond"] = PatchedPin("Pond", "1.0", "1.0 +Loud +wide", more)

    assert translated(substitution, pond="1.0 +Loud") == {"pond": more}


@pytest.mark.parametrize(("project", "value"), [("pond", "2.0 +x"), ("lake", "1 +x")])
def test_a_pin_that_was_not_read_is_refused(substitution, project, value):
    with pytest.raises(LatePin, match=project):
        translated(substitution, **{project: value})


class Substituting(Installer):
    """An installer that finds Pond, the substitute, and knows what requires what."""

    def __init__(self, *dists):
        super().__init__()
        self.dists = dists

    def _get_dist(self, requirement, ws):
        found = [each for each in self.dists if each in requirement]
        if not found:
            raise easy_install.MissingDistribution(requirement, ws)
        return found


def test_a_project_with_a_substitute_is_answered_with_its_alias(substitution, supplier):
    supplier.substitutes = {"lake": "pond>=1"}
    installer = Substituting(dist("pond", "1.5"))

    found, _ = satisfied(substitution, "Lake>=1", installer)

    assert (found.project_name, found.version) == ("lake", "1.5")
    assert constrained(substitution, "Lake>=1", installer) == "Lake==1.5"


def test_a_requirement_that_the_substitute_does_not_meet(substitution, supplier):
    supplier.substitutes = {"lake": "pond"}

    with pytest.raises(SubstituteClash):
        constrained(substitution, "lake>=2", Substituting(dist("pond", "1.5")))


def test_a_substitute_that_is_not_there(substitution, supplier):
    supplier.substitutes = {"lake": "pond"}

    with pytest.raises(SubstituteMissing) as caught:
        satisfied(substitution, "lake", Substituting())

    assert isinstance(caught.value, UserError)
    assert "'pond', the substitute of lake" in str(caught.value)


def lay(folder, name, *requires):
    """Lay out an installed project, as in site-packages."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")


def test_an_installer_tells_who_asks_also_of_what_lies_beside(
    substitution, supplier, tmp_path
):
    supplier.pins = {}
    lay(tmp_path / "site", "app", "lib")
    lay(tmp_path / "site", "lib", "lake[loud]")  # found beside app, and added nowhere
    lay(tmp_path / "eggs", "lake")
    path = [str(tmp_path / "site"), str(tmp_path / "eggs")]

    restore = intercept(substitution, lambda: False)
    try:
        with pytest.raises(UserError, match="refused"):
            easy_install.Installer(path=path).install(["app"])
    finally:
        restore()

    assert ("ask", ("lake", "loud", "lib 1.0")) in supplier.done

"""The state of a run, which a session and its use alone change."""

from __future__ import annotations

import pytest

from poach.buildout.parts import EggPart
from poach.buildout.session import Session
from poach.buildout.settings import Settings
from poach.pins.build_key import BuildKey, BuildOptions, Target
from poach.pins.pin import Pin
from poach.pins.requests import Request, RequestError
from poach.store.store import Made

DIFF = "--- a/pond.py\n+++ b/pond.py\n@@ -1 +1 @@\n-quack\n+QUACK\n"


@pytest.fixture
def settings(tmp_path):
    """A plain pin of Pond, and diffs for it on patch-path."""
    folder = tmp_path / "patches" / "pond"
    folder.mkdir(parents=True)
    for name in ("loud", "wide"):
        (folder / f"{name}.patch").write_text(DIFF + f"# {name}\n")
    return Settings(
        pins={},
        plain={"pond": Pin("Pond", "1.0", ())},
        diffs={},
        diff_owners={},
        folders=[str(tmp_path / "patches")],
        store=tmp_path / "store",
        fuzz=0,
        effect="error",
        unused="warn",
        requests="apply",
        substitutes={},
        substitute_owners={},
        jobs=1,
        directory=str(tmp_path),
        versions="versions",
        links=(),
        index=None,
        allow_hosts=("*",),
        offline=True,
    )


@pytest.fixture
def make(settings):
    return lambda **more: Session(settings, **more)


@pytest.fixture
def session(make):
    return make()


@pytest.fixture
def egg(session):
    """An egg of Pond in the store."""

    def fill(work):
        (work / "pond.egg").mkdir()
        (work / "pond.whl").write_bytes(b"PK")
        return Made(work / "pond.egg", work / "pond.whl", {"version": "1.0+loud"})

    target = Target("py3", "none", "any", "v5")
    key = BuildKey("pond", "1.0", "a" * 64, "b" * 64, target)
    return session.kit.store.get_or_make("1.0+loud", key, fill)


def ask(session, patch):
    return session.granting.ask([Request.of("Pond", patch, "app 1.0")])


def state(session):
    return (
        session.library,
        dict(session.pins),
        dict(session.patch_sets),
        dict(session.options),
        set(session.parts),
        session.granting.granted,
        dict(session.use.eggs),
    )


def test_a_request_grows_a_patch_set(session):
    (grown,) = ask(session, "loud")

    assert session.patch_sets == {"pond": grown}
    assert grown.pin.names == ("loud",)
    assert grown.requesters == {"loud": ["app 1.0"]}
    assert ask(session, "loud") == []
    assert ask(session, "wide")[0].pin.names == ("loud", "wide")


def test_what_grows_is_no_longer_used_as_it_was(session, egg):
    session.use.take("pond", egg)

    ask(session, "loud")

    assert session.use.eggs == {}


def change(session, egg, tmp_path):
    ask(session, "wide")
    session.use.take("pond", egg)
    session.ship("app 1.0", "pond", tmp_path)
    part = EggPart("lake", "lake", None, BuildOptions({"debug": "1"}, {}))
    session.take(part)


def test_all_is_taken_back_when_a_block_raises(session, egg, tmp_path):
    ask(session, "loud")
    before = state(session)

    with pytest.raises(KeyboardInterrupt), session.whole():
        change(session, egg, tmp_path)
        assert state(session) != before
        raise KeyboardInterrupt

    assert state(session) == before


def test_nothing_is_taken_back_when_it_does_not(session, egg, tmp_path):
    with session.whole():
        change(session, egg, tmp_path)

    assert session.patch_sets["pond"].pin.names == ("wide",)
    assert session.use.eggs == {"pond": egg}
    assert session.parts == {"lake"}
    assert [shelf.owner for shelf in session.library.shipped["pond"]] == ["app 1.0"]


def test_what_is_in_use_grows_no_more(session):
    session.use.give(["Pond"])

    with pytest.raises(RequestError, match="in use without it"):
        ask(session, "loud")


def test_another_reporter_for_a_while(session):
    before, other = session.kit, object()

    with pytest.raises(ValueError), session.reporting(other):
        assert session.kit.reporter is other
        raise ValueError

    assert session.kit is before


def test_what_is_tried_does_not_count_as_used(session, egg):
    with session.use.tentatively():
        session.use.take("pond", egg)

    assert session.use.eggs == {}


@pytest.mark.parametrize("is_run", [True, False])
def test_a_run_notes_an_egg_as_soon_as_it_uses_that(make, egg, is_run):
    session = make(is_run=is_run)

    session.use.take("pond", egg)

    assert bool(session.use.noted_before()) is is_run


def test_a_run_that_used_nothing_leaves_no_note(session):
    session.use.note([])
    session.use.note_so_far()

    assert session.use.noted_before() is None


def test_what_was_not_foreseen_is_known_to_the_next_run(make):
    first = make(is_run=True)
    first.use.resolve(["Pond", "Lake"])
    first.use.foresee(["lake"], ["omelette"])
    first.use.note(["pond"])

    use = make(is_run=True).use
    assert use.unforeseen_before(["omelette"]) == {"pond"}
    assert use.unforeseen_before(["test"]) == set()

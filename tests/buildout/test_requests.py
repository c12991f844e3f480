"""Patches that packages ask for, and ship, and that combine in one egg."""

import pytest

from support import pond as pond_world
from support.pond import BROKEN, LOUD, WIDE, add_plain_pond, add_plugin, add_pond

CFG = pond_world.CFG.replace("eggs = pond", "eggs = asker").replace(" +loud", "")


@pytest.fixture
def pond(index, project):
    """Make a project whose part has the egg `asker`, which asks for a patch."""
    add_pond(index)
    ask(index, "asker", "pond[loud]")

    def make(cfg=CFG, name="project", **diffs):
        made = project(cfg, name)
        for patch, text in diffs.items():
            made.write(f"patches/pond/{patch}.patch", text)
        return made

    return make


def ask(index, name, *requirements, ships=None):
    """Put a wheel on the index that requires `requirements` and may ship diffs."""
    files = {f"{name}.py": "from pond import main\n"}
    points = {"console_scripts": [f"{name} = {name}:main"]}
    for path, text in (ships or {}).items():
        files[f"{name}_patches/{path}"] = text
        points["poach.patches"] = [f"Pond = {name}_patches"]
    index.add_wheel(name, "1.0", files, requires=requirements, entry_points=points)


def with_(cfg, **options):
    """Return `cfg` with other options, and others more, in their sections."""
    for option, value in options.items():
        name = option.replace("_", "-")
        cfg = cfg.replace("[buildout]", f"[buildout]\n    {name} = {value}")
    return cfg


def says(made, script="asker"):
    return " ".join(made.script(script).stdout.split()[:2])


@pytest.mark.every_buildout
def test_a_plain_pin_gets_the_patch_that_a_package_asks_for(pond):
    made = pond(loud=LOUD)

    result = made.run()

    assert says(made) == "QUACK 1"
    assert (
        "Resolving again with pond 1.0 +loud (asked for by asker 1.0)." in result.stdout
    )
    assert "Patched eggs in use: pond 1.0+loud.p" in result.stdout


@pytest.mark.every_buildout
def test_the_second_run_changes_nothing_and_asks_nobody(pond, index):
    made = pond(loud=LOUD)
    made.run()
    before = made.snapshot("bin", "patched-eggs/2/pond")
    index.requests.clear()

    results = [made.run("-N"), made.run("-N")]

    assert made.snapshot("bin", "patched-eggs/2/pond") == before
    for result in results:
        assert "Building" not in result.stdout
        assert "Updating app." in result.stdout
        assert result.processes == []
    assert says(made) == "QUACK 1"


@pytest.mark.matrix
def test_a_pin_with_patches_gets_one_more(pond):
    made = pond(CFG.replace("pond = 1.0", "pond = 1.0 +wide"), loud=LOUD, wide=WIDE)

    made.run()

    assert says(made) == "QUACK 2"
    assert "pond 1.0+wide.loud.p" in made.run("-N").stdout


def test_a_patch_that_is_in_the_pin_already(pond):
    made = pond(CFG.replace("pond = 1.0", "pond = 1.0 +Loud"), loud=LOUD)

    result = made.run()

    assert says(made) == "QUACK 1"
    assert "Resolving again" not in result.stdout


@pytest.mark.every_buildout
def test_a_package_ships_the_diff(pond, index):
    ask(index, "asker", "pond[loud]", "shipper")
    ask(index, "shipper", ships={"1.0/loud.patch": LOUD, "loud.patch": BROKEN})
    made = pond()

    made.run()

    assert says(made) == "QUACK 1"


def test_a_package_ships_a_series(pond, index):
    series = {"loud/series": "a.patch\nb.patch\n", "loud/b.patch": WIDE}
    ask(index, "asker", "pond[loud]", ships={**series, "loud/a.patch": LOUD})
    made = pond()

    made.run()

    assert says(made) == "QUACK 2"


def test_what_the_buildout_defines_wins_over_what_is_shipped(pond, index):
    ask(index, "asker", "pond[loud]", ships={"loud.patch": BROKEN})
    made = pond(loud=LOUD)

    made.run()

    assert says(made) == "QUACK 1"


def test_shippers_that_agree_and_some_that_do_not(pond, index):
    ask(index, "other", ships={"loud.patch": LOUD})
    ask(index, "asker", "pond[loud]", "other", ships={"loud.patch": LOUD})
    agreeing = pond(name="agreeing")
    agreeing.run()
    ask(index, "other", ships={"loud.patch": WIDE})

    error = pond(name="disputing").run(expect=1).error

    assert says(agreeing) == "QUACK 1"
    assert "asker 1.0 and other 1.0 define it in different ways" in error


@pytest.mark.matrix
@pytest.mark.parametrize("eggs", ["one two", "two one"])
@pytest.mark.parametrize("parts", ["a b", "b a"])
def test_the_order_of_parts_and_requirements_does_not_matter(
    pond, index, eggs, parts, request
):
    """Two packages ask for two patches; a part that asks for nothing has them."""
    ask(index, "one", "pond[wide]")
    ask(index, "two", "pond[loud]")
    cfg = f"""
        [buildout]
        extensions = poach
        index = %(index)s
        parts = {parts}

        [a]
        recipe = zc.recipe.egg
        eggs = pond

        [b]
        recipe = zc.recipe.egg
        eggs = {eggs.split()[0]}
               {eggs.split()[1]}

        [versions]
        pond = 1.0
        """
    made = pond(cfg, loud=LOUD, wide=WIDE)

    made.run()

    assert [says(made, each) for each in ("pond", "one", "two")] == ["QUACK 2"] * 3
    script = (made.path / "bin" / "pond").read_text()
    assert "/1.0+loud.wide.p" in script  # by name, not by who came first


def test_the_same_diff_under_two_names_counts_once(pond, index):
    ask(index, "asker", "pond[loud]", "pond[noisy]")
    made = pond(loud=LOUD, noisy=LOUD)

    made.run()

    assert says(made) == "QUACK 1"


def test_the_same_diff_of_two_layers_counts_once(pond):
    made = pond(CFG.replace("pond = 1.0", "pond = 1.0 +loud"), loud=LOUD, noisy=LOUD)
    made.write(
        "site.cfg", "[buildout]\nextends = buildout.cfg\n[versions]\npond += +noisy\n"
    )

    made.run("-c", "site.cfg")

    assert says(made) == "QUACK 1"
    assert "/1.0+loud.noisy.p" in (made.path / "bin" / "asker").read_text()


def test_a_hint_in_the_header_moves_a_patch(pond, index):
    louder = "After: wide\n" + LOUD
    ask(index, "asker", "pond[loud,wide]")
    made = pond(loud=louder, wide=WIDE)

    made.run()

    assert "/1.0+wide.loud.p" in (made.path / "bin" / "asker").read_text()


def test_hints_that_go_in_a_circle(pond, index):
    ask(index, "asker", "pond[loud,wide]")
    made = pond(loud="After: wide\n" + LOUD, wide="After: loud\n" + WIDE)

    error = made.run(expect=1).error

    assert "+loud must come after +wide, +wide must come after +loud" in error


def test_the_commands_know_what_was_asked_for_in_the_last_run(pond, index):
    ask(index, "asker", "pond[loud,wide]", ships={"wide.patch": WIDE})
    made = pond(loud=LOUD)
    assert "pond" not in made.poach("list").stdout
    made.run()

    listed = made.poach("list").stdout
    graph = made.poach("graph", "--dot").stdout
    egg = made.poach("build").stdout.split()[-1]

    assert listed.startswith("pond = 1.0 +loud +wide\n")
    assert "  +wide (asked for by asker 1.0)\n" in listed
    assert '"pond 1.0 +loud"' in graph
    assert egg in (made.path / "bin" / "asker").read_text()
    assert "Not counted: asker 1.0 asks for pond +loud" in (
        made.poach("list", "versions:pond=1.0 -loud").output
    )

    made.run("app:eggs=")
    assert "pond" not in made.poach("list").stdout


# -- what is not granted


@pytest.mark.matrix
def test_nothing_defines_the_patch(pond):
    error = pond(wide=WIDE).run(expect=1).error

    assert error.startswith(
        "asker 1.0 asks for pond +loud, which is neither an extra of pond nor a patch "
        "that anything defines; looked in [patches], "
    )


def test_no_version_is_pinned(pond, index):
    made = pond(CFG.replace("pond = 1.0", "asker = 1.0"), loud=LOUD)

    error = made.run(expect=1).error

    assert error == (
        "asker 1.0 asks for pond +loud, but pond has no extra of that name, and no "
        "single version to patch: pin one in [versions]"
    )


@pytest.mark.parametrize(
    ("pin", "patches", "where"),
    [
        ("1.0 -loud", "", "the pin 'pond = 1.0 -loud'"),
        ("1.0 +wide -Loud", "", "the pin 'pond = 1.0 +wide -Loud'"),
        (
            "1.0",
            "[patches]\n    loud =",
            "an empty entry in [patches] (buildout.cfg:14)",
        ),
        (
            "1.0",
            "[patches]\n    Pond/loud =",
            "an empty entry in [patches] (buildout.cfg:14)",
        ),
    ],
)
def test_a_veto(pond, pin, patches, where):
    made = pond(
        CFG.replace("pond = 1.0", f"pond = {pin}\n    {patches}"),
        loud=LOUD,
        wide=WIDE,
    )

    error = made.run(expect=1).error
    assert error == (
        f"asker 1.0 asks for pond +loud, which {where} refuses; remove that refusal, "
        "or set 'patch-requests = ignore' to run without the patch"
    )

    result = made.run("buildout:patch-requests=ignore")
    assert "Ignored: asker 1.0 asks for pond +loud" in result.output
    assert says(made) == ("quack 2" if "+wide" in pin else "quack 1")


def test_a_refusal_that_nobody_minds(pond, index):
    ask(index, "asker", "pond")
    made = pond(CFG.replace("pond = 1.0", "pond = 1.0 -loud"), loud=LOUD)

    made.run()

    assert says(made) == "quack 1"
    assert not list(made.path.glob("patched-eggs/2/pond"))


def test_the_policy_error(pond):
    made = pond(with_(CFG, patch_requests="error"), loud=LOUD)

    assert made.run(expect=1).error == (
        "asker 1.0 asks for pond +loud, which is not in the pin (patch-requests = "
        "error); add +loud to the pin and, if only a package has the diff, its place "
        "to [patches]"
    )
    made.run("versions:pond=1.0 +loud")
    assert says(made) == "QUACK 1"


def test_a_conflict_names_who_asks(pond, index):
    ask(index, "other", "pond[otherwise]")
    ask(index, "asker", "pond[loud]", "other")
    made = pond(loud=LOUD, otherwise=LOUD.replace("QUACK", "moo"))

    error = made.run(expect=1).error

    assert (
        "'otherwise' (asked for by other 1.0) and 'loud' (asked for by asker 1.0) "
        "both change src/pond/__init__.py"
    ) in error
    assert '-    return "QUACK"' in error
    assert '+    return "moo"' in error


@pytest.mark.matrix
def test_an_extra_of_upstream_is_left_alone(pond, index):
    index.add_wheel(
        "lake", "1.0", {"lake.py": ""}, extras={"loud": ["pond"], "fish": []}
    )
    ask(index, "asker", "lake[loud]")
    made = pond(loud=LOUD)

    result = made.run()

    assert says(made) == "quack 1"
    assert "Resolving again" not in result.stdout


def test_unknown_extras_that_are_allowed(pond, index):
    ask(index, "asker", "pond[quiet]")
    made = pond(with_(CFG, allow_unknown_extras="true"), loud=LOUD)

    result = made.run()

    assert "Ignored: asker 1.0 asks for pond +quiet" in result.output
    assert says(made) == "quack 1"


def test_a_recipe_that_asks(pond, index):
    source = """
        import pond

        class Recipe:
            def __init__(self, buildout, name, options):
                print("RECIPE", pond.sound())
            def install(self):
                return ()
            update = install
        """
    add_plugin(index, "recipe", source, requires=("pond[loud]",))
    made = pond(
        """
        [buildout]
        extensions = poach
        index = %(index)s
        parts = app

        [app]
        recipe = recipe

        [versions]
        pond = 1.0
        """,
        loud=LOUD,
    )

    assert "RECIPE QUACK" in made.run().stdout


def test_a_plain_buildout_beside_it(pond, index):
    """Without poach, nobody gets unpatched code for a request."""
    add_plain_pond(index)
    made = pond(CFG.replace("extensions = poach", ""), loud=LOUD)

    assert "Couldn't find the required extra" in made.run(expect=1).output


# -- before anything is built, and before anything is uninstalled


def eggs_of(made, project="pond"):
    return [path.name for path in made.path.glob(f"patched-eggs/*/{project}/*")]


@pytest.mark.matrix
def test_no_egg_is_built_that_nobody_wants(pond):
    """That which the pin alone would have made, for one."""
    made = pond(CFG.replace("pond = 1.0", "pond = 1.0 +wide"), loud=LOUD, wide=WIDE)

    result = made.run()

    assert len(eggs_of(made)) == 1
    assert result.stdout.count("Building pond 1.0") == 1
    assert says(made) == "QUACK 2"


def test_a_patch_of_the_pin_that_stands_on_one_that_is_asked_for(pond):
    louder = LOUD.replace("QUACK", "QUACK!").replace("quack", "QUACK")
    cfg = CFG.replace("pond = 1.0", "pond = 1.0 +louder")
    made = pond(cfg, loud=LOUD, louder="After: loud\n" + louder)

    made.run()

    assert says(made) == "QUACK! 1"


def test_a_patch_that_is_asked_for_mends_what_does_not_build(pond, index):
    files = {"bog.py": "", "setup.py": "raise SystemExit('too old')\n"}
    index.add_sdist("bog", "1.0", files)
    ask(index, "asker", "bog[mended]", "pond")
    mended = "from setuptools import setup; setup(name='bog', version='1.0')"
    made = pond(CFG.replace("pond = 1.0", "pond = 1.0\n    bog = 1.0"))
    made.write(
        "patches/bog/mended.patch",
        f"--- a/setup.py\n+++ b/setup.py\n@@ -1 +1 @@\n-{files['setup.py']}+{mended}\n",
    )

    result = made.run()

    assert says(made) == "quack 1"
    assert "Patched eggs in use: bog 1.0+mended.p" in result.stdout


@pytest.mark.parametrize("pin", ["1.0", "1.0 +wide"])
def test_an_extra_of_a_project_that_is_not_built_yet(pond, index, pin):
    """It is looked up in the source; PKG-INFO of a real sdist names extras."""
    info = "Metadata-Version: 2.1\nName: pond\nVersion: 1.0\nProvides-Extra: loud\n"
    index.add_sdist(
        "pond",
        "1.0",
        {"src/pond/__init__.py": pond_world.SOURCE, "PKG-INFO": info},
        package_dir={"": "src"},
        packages=["pond"],
        extras={"loud": []},
    )
    made = pond(CFG.replace("pond = 1.0", f"pond = {pin}"), loud=LOUD, wide=WIDE)

    result = made.run()

    assert says(made) == ("quack 2" if "wide" in pin else "quack 1")
    assert "Resolving again" not in result.stdout


@pytest.mark.matrix
def test_no_part_is_lost_by_a_patch_that_fails(pond, index):
    made = pond(CFG.replace("eggs = asker", "eggs = ${other:eggs}"), loud=LOUD)
    made.write(
        "more.cfg", "[buildout]\nextends = buildout.cfg\n[other]\neggs = asker\n"
    )
    made.run("-c", "more.cfg")
    made.write("patches/pond/loud.patch", BROKEN)
    made.write(
        "more.cfg",
        "[buildout]\nextends = buildout.cfg\n[other]\neggs = asker\n  pond\n",
    )

    failed = made.run("-c", "more.cfg", expect=1)

    assert "Cannot patch pond 1.0:" in failed.error, failed.output
    assert "Uninstalling" not in failed.output
    assert says(made) == "QUACK 1"


def test_faults_of_all_parts_are_reported_together(pond, index):
    add_pond(index, "lake")
    cfg = CFG.replace("pond = 1.0", "pond = 1.0 +one\n    lake = 1.0 +two")
    cfg = cfg.replace("eggs = asker", "eggs = pond\n        lake")
    made = pond(cfg, one=BROKEN)
    made.write("patches/lake/two.patch", BROKEN)

    error = made.run(expect=1).error

    assert "Cannot patch pond 1.0:" in error
    assert "Cannot patch lake 1.0:" in error


def test_what_a_part_does_not_name_is_built_ahead_from_the_second_run_on(pond, index):
    """Nobody can foresee what a recipe resolves by itself; the last run knows."""
    source = """
        from zc.buildout import easy_install

        class Recipe:
            def __init__(self, buildout, name, options):
                self.options = buildout["buildout"]
            def install(self):
                print("RECIPE at work")
                options = self.options
                easy_install.install(
                    ["pond"], options["eggs-directory"], index=options["index"],
                    path=[options["develop-eggs-directory"]])
                return ()
            update = install
        """
    add_plugin(index, "recipe", source)
    made = pond(parts("r", pin="1.0 +loud"), loud=LOUD)
    assert "RECIPE at work" in made.run().stdout
    made.write("patches/pond/loud.patch", BROKEN)

    failed = made.run(expect=1)

    assert "Cannot patch pond 1.0:" in failed.error
    assert "RECIPE at work" not in failed.stdout


# -- the order of parts, and what is in use already


PARTS = """
    [buildout]
    extensions = poach
    index = %(index)s
    parts = PARTS

    [a]
    recipe = zc.recipe.egg
    eggs = EGGS

    [asker]
    recipe = zc.recipe.egg

    [r]
    recipe = recipe

    [x]
    eggs = asker

    [versions]
    pond = PIN
    """

RECIPE = """
    class Recipe:
        def __init__(self, buildout, name, options):
            pass
        def install(self):
            import pond
            print("RECIPE", pond.sound(), pond.size())
            return ()
        update = install
    """


def parts(names, eggs="pond", pin="1.0"):
    return PARTS.replace("PARTS", names).replace("EGGS", eggs).replace("PIN", pin)


LATE = (
    "asker 1.0 asks for pond +loud, but pond is already in use without it, by a "
    "recipe or another part; add +loud to the pin and, if only a package has the "
    "diff, its place to [patches]"
)


@pytest.mark.parametrize("names", ["a asker", "asker a"])
@pytest.mark.parametrize("eggs", ["pond", "${x:eggs}"])
def test_parts_are_asked_by_their_own_names_and_through_references(pond, names, eggs):
    made = pond(parts(names, eggs), loud=LOUD)

    made.run()

    assert says(made) == "QUACK 1"
    assert says(made, "pond" if eggs == "pond" else "asker") == "QUACK 1"


@pytest.mark.matrix
@pytest.mark.parametrize("names", ["r asker", "asker r"])
@pytest.mark.parametrize("pin", ["1.0", "1.0 +wide"])
def test_a_recipe_that_has_the_project_already(pond, index, names, pin):
    """What it runs would have been another code than what the parts get."""
    add_plugin(index, "recipe", RECIPE, requires=("pond",))
    made = pond(parts(names, pin=pin), loud=LOUD, wide=WIDE)

    result = made.run(expect=1)

    assert result.error == LATE
    if names == "asker r":
        assert "RECIPE" not in result.output
    made.run(f"versions:pond={pin} +loud")
    assert says(made).startswith("QUACK")


@pytest.mark.parametrize("names", ["r", "asker r", "r asker"])
def test_a_recipe_that_asks_for_one_more(pond, index, names):
    add_plugin(index, "recipe", RECIPE, requires=("pond[loud]",))
    made = pond(parts(names, pin="1.0 +wide"), loud=LOUD, wide=WIDE)

    assert "RECIPE QUACK 2" in made.run().stdout


@pytest.mark.parametrize("names", ["asker built r", "built r asker"])
def test_a_part_of_poach_that_gave_its_location_away(pond, index, names):
    add_plugin(index, "recipe", RECIPE.replace("import pond", "return ()"))
    cfg = (
        parts(names)
        + """
    [built]
    recipe = poach:egg
    egg = pond
    patches = wide
    """
    )
    made = pond(cfg.replace("[r]", "[r]\n    place = ${built:location}"), loud=LOUD)
    made.write("patches/pond/wide.patch", WIDE)

    assert made.run(expect=1).error == LATE


@pytest.mark.parametrize("names", ["a b", "b a"])
def test_shippers_in_two_parts_that_do_not_agree(pond, index, names):
    ask(index, "one", "pond[loud]", ships={"loud.patch": LOUD})
    ask(index, "two", "pond[loud]", ships={"loud.patch": LOUD.replace("QUACK", "moo")})
    cfg = parts(names, "one") + "[b]\n    recipe = zc.recipe.egg\n    eggs = two"
    made = pond(cfg, wide=WIDE)

    error = made.run(expect=1).error

    assert (
        "asks for pond +loud, and one 1.0 and two 1.0 define it in different" in error
    )
    assert not (made.path / "bin" / "one").exists()


@pytest.mark.parametrize("names", ["a b", "b a"])
def test_a_patch_that_needs_one_that_another_part_asks_for(pond, index, names):
    ask(index, "one", "pond[louder]")
    ask(index, "two", "pond[loud]")
    louder = LOUD.replace('-    return "quack"', '-    return "QUACK"').replace(
        '+    return "QUACK"', '+    return "QUACK!"'
    )
    cfg = parts(names, "one") + "[b]\n    recipe = zc.recipe.egg\n    eggs = two"
    made = pond(cfg, loud=LOUD, louder="After: loud\n" + louder)

    made.run()

    assert says(made, "one") == says(made, "two") == "QUACK! 1"


def test_a_part_that_cannot_be_installed_fails_when_it_is_at_work(pond, index):
    files = {"setup.py": "raise SystemExit('no')", "broken.py": ""}
    index.add_sdist("broken", "1.0", files)
    ask(index, "meek")
    cfg = parts("a b", "meek") + "[b]\n    recipe = zc.recipe.egg\n    eggs = broken"
    made = pond(cfg)

    made.run(expect=1)
    assert (made.path / "bin" / "meek").exists()
    made.run("install", "a")


def test_what_is_no_requirement_is_left_to_its_recipe(pond, index):
    add_plugin(index, "recipe", RECIPE.replace("import pond", "return ()"))
    made = pond(parts("a r", "asker").replace("= recipe", "= recipe\n    eggs = !!"))
    made.write("patches/pond/loud.patch", LOUD)

    made.run()

    assert says(made) == "QUACK 1"


@pytest.mark.matrix
def test_another_spelling_of_the_extra(pond, index):
    ask(index, "asker", "Pond[Very_Loud]")
    made = pond(**{"very-loud": LOUD})

    made.run()

    assert says(made) == "QUACK 1"


@pytest.mark.matrix
def test_a_develop_egg_that_asks_and_ships(pond):
    made = pond(with_(CFG, develop="checkout").replace("eggs = asker", "eggs = anas"))
    made.write(
        "checkout/setup.py",
        """
        from setuptools import setup
        setup(
            name="anas", version="1.0", py_modules=["anas"], packages=["diffs"],
            package_dir={"": "src"}, install_requires=["pond[loud]"],
            entry_points={
                "console_scripts": ["anas = anas:main"],
                "poach.patches": ["pond = diffs"],
            },
        )
        """,
    )
    made.write("checkout/src/anas.py", "from pond import main\n")
    made.write("checkout/src/diffs/__init__.py", "")
    made.write("checkout/src/diffs/loud.patch", LOUD)

    made.run()

    assert says(made, "anas") == "QUACK 1"


def test_a_local_version_is_not_one_to_patch(pond, index):
    add_plain_pond(index, "1.0+local")
    made = pond(CFG.replace("pond = 1.0", "pond = 1.0+local"), loud=LOUD)

    assert "pin one in [versions]" in made.run(expect=1).error


def test_an_entry_that_only_requests_use(pond):
    used = "[patches]\n    loud = elsewhere.patch"
    cfg = with_(CFG, patch_unused="error").replace(
        "pond = 1.0", f"pond = 1.0\n    {used}"
    )
    made = pond(cfg)
    made.write("elsewhere.patch", LOUD)

    made.run()

    assert says(made) == "QUACK 1"
    other = cfg.replace("loud =", "loud = elsewhere.patch\n    idle =")
    made.write("buildout.cfg", other.replace("%(index)s", index_of(made)))
    assert "no pin uses idle" in made.run(expect=1).error


def index_of(made):
    text = (made.path / "buildout.cfg").read_text()
    return text.partition("index = ")[2].partition("\n")[0]


@pytest.mark.matrix
def test_offline_where_the_plain_buildout_is(pond, index):
    """From zc.buildout 5 on, an offline run finds no egg that it made of a wheel."""
    add_plain_pond(index)
    ask(index, "plain", "pond")
    without = CFG.replace("extensions = poach", "").replace("= asker", "= plain")
    plain, made = pond(without, "plain"), pond(loud=LOUD)
    for one in (plain, made):
        one.run()

    works = plain.run("-o", expect=None).returncode == 0
    result = made.run("-o", expect=None)

    assert works is (made.environment.buildout == "4.2")
    assert (result.returncode == 0) is works
    if works:
        assert says(made) == "QUACK 1"


def test_a_download_that_asks_when_the_project_is_in_use(pond, index):
    ask(index, "early", "pond")
    early = "[early]\n    recipe = zc.recipe.egg\n    eggs = early\n\n    [app]"
    cfg = with_(CFG, develop="checkout").replace("eggs = asker", "eggs = late")
    made = pond(cfg.replace("parts = app", "parts = early app").replace("[app]", early))
    setup = "from setuptools import setup\nsetup(name='late', version='1.0', {})\n"
    made.write("checkout/setup.py", setup.format(""))
    made.write("patches/pond/loud.patch", LOUD)
    made.run()
    assert says(made, "early") == "quack 1"
    made.write("checkout/setup.py", setup.format("install_requires=['asker']"))

    result = made.run(expect=1)

    (line,) = [line for line in result.error.splitlines() if "asks for" in line]
    assert (
        "asker 1.0 asks for pond +loud, but pond is already in use without it" in line
    )
    assert "run buildout again, now that the requester is installed" in line
    assert says(made, "early") == "quack 1"

    made.run()
    assert says(made, "early") == "QUACK 1"


TWO = """
    [buildout]
    extensions = poach
    index = %(index)s
    parts = early app

    [early]
    recipe = zc.recipe.egg
    eggs = early

    [app]
    recipe = zc.recipe.egg
    eggs = {}

    [versions]
    pond = 1.0
    early = 1.0
"""


def test_a_patched_package_asks_in_each_run(pond, index):
    """Its plain egg was never fetched: the patched one lies in the store."""
    ask(index, "early", "pond")
    files = {"asking.py": "from pond import main\n"}
    points = {"console_scripts": ["asking = asking:main"]}
    wanted = ["pond[loud]"]
    index.add_sdist("asking", "1.0", files, entry_points=points, requires=wanted)
    made = pond(TWO.format("asking") + "    asking = 1.0 +mark\n", loud=LOUD)
    made.write(
        "patches/asking/mark.patch",
        "--- a/asking.py\n+++ b/asking.py\n@@ -1 +1,2 @@\n"
        " from pond import main\n+MARK = 1\n",
    )
    made.run()
    index.add_wheel("spare", "1.0", {"spare.py": ""}, requires=["pond"])
    plain = TWO.replace("parts = early app", "parts = app").replace(" poach", "")
    pond(plain.format("spare"), "plain").run(
        f"buildout:eggs-directory={made.path / 'eggs'}"
    )

    for _ in range(2):
        made.run()
        assert says(made, "early") == says(made, "asking") == "QUACK 1"


def test_a_request_through_a_substitute_in_each_run(pond, index):
    ask(index, "early", "pond")
    ask(index, "late", "lake[loud]")
    made = pond(
        TWO.format("late") + "\n    [substitutes]\n    lake = pond\n", loud=LOUD
    )

    for _ in range(3):
        made.run()
        assert says(made, "early") == says(made, "late") == "QUACK 1"

"""What the comparison with zc.buildout's own tests says of two runs."""

import pytest

import host_suite


@pytest.mark.parametrize(
    ("plain", "patched", "code", "last"),
    [
        ((9, set()), (9, set()), 0, "0 of 9 fail without poach, 0 of 9 with"),
        ((9, {"t"}), (9, {"t"}), 0, "1 of 9 fail without poach, 1 of 9 with"),
        ((9, set()), (9, {"t"}), 1, "0 of 9 fail without poach, 1 of 9 with"),
        ((9, {"t"}), (9, set()), 1, "1 of 9 fail without poach, 0 of 9 with"),
        ((9, set()), (8, set()), 1, "0 of 9 fail without poach, 0 of 8 with"),
    ],
)
def test_two_runs_are_the_same_or_not(capsys, plain, patched, code, last):
    assert host_suite.compare(plain, patched) == code
    assert capsys.readouterr().out.splitlines()[-1] == last


@pytest.mark.parametrize("counts", [(0, 0), (9, 0), (0, 9)])
def test_a_run_without_tests_shows_nothing(capsys, counts):
    without, with_poach = counts

    assert host_suite.compare((without, set()), (with_poach, set())) == 1
    assert capsys.readouterr().out == (
        f"{without} tests ran without poach, {with_poach} with: nothing was compared\n"
    )

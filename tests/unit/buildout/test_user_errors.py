"""Errors that are buildout's own kind have fields, and a sentence of their own."""

from __future__ import annotations

import pickle

import pytest
import zc.buildout

from poach.buildout.errors import LatePin, as_user_errors
from poach.errors import PoachError


def test_buildout_shows_the_sentence():
    error = LatePin("pond", "1.0\n+loud")

    assert isinstance(error, zc.buildout.UserError)
    assert str(error).startswith("The pin 'pond = 1.0 +loud' is not in the versions")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with pytest.raises(TypeError, match="LatePin has the fields project, value"):
        LatePin("pond")


def test_an_error_of_buildouts_kind_passes_as_it_is():
    error = LatePin("pond", "1.0 +loud")

    with pytest.raises(LatePin) as caught, as_user_errors():
        raise error
    assert caught.value is error


def test_an_error_of_poach_becomes_one_of_buildout():
    with pytest.raises(zc.buildout.UserError, match="pond leaks"), as_user_errors():
        raise PoachError("pond leaks")

"""What tests with real buildout runs stand on; the fixtures are in conftest.py."""

from support.environments import (
    BUILDOUTS,
    CALLER,
    NEWEST,
    Environment,
    copy_environment,
    hermetic,
    make_environment,
    make_wheel,
    make_wheelhouse,
    once,
)
from support.index import Index
from support.project import Event, Project, Result, snapshot

__all__ = [
    "BUILDOUTS",
    "CALLER",
    "NEWEST",
    "Environment",
    "Event",
    "Index",
    "Project",
    "Result",
    "copy_environment",
    "hermetic",
    "make_environment",
    "make_wheel",
    "make_wheelhouse",
    "once",
    "snapshot",
]

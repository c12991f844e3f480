"""Run the tests of keas.pbstate and keas.pbpersist, which are their READMEs.

The patched keas.pbstate has its README beside the code.  The egg of keas.pbpersist has
dropped it: it is read from the sdist in the download cache, which is the argument.
"""

from __future__ import print_function

import os
import sys
import tarfile
import unittest

import pkg_resources
from keas.pbstate import tests as pbstate
from zope.testing import doctest


def main():
    (downloads,) = sys.argv[1:]
    failed = 0
    for name, suite in (
        ("keas.pbstate", pbstate.test_suite()),
        ("keas.pbpersist", readme_of_sdist("keas.pbpersist", downloads)),
    ):
        number = examples(suite)
        result = unittest.TextTestRunner(stream=sys.stdout).run(suite)
        failed += not (number and result.wasSuccessful())
        version = pkg_resources.get_distribution(name).version
        outcome = "all pass" if result.wasSuccessful() else "FAILED"
        print("%s %s: %d examples, %s" % (name, version, number, outcome))
    return failed


def readme_of_sdist(name, downloads):
    """The doctest in the README, as the package's own tests.py runs it."""
    version = pkg_resources.get_distribution(name).version
    folder = "%s-%s" % (name, version)
    with tarfile.open(os.path.join(downloads, folder + ".tar.gz")) as sdist:
        path = "%s/src/%s/README.txt" % (folder, name.replace(".", "/"))
        text = sdist.extractfile(path).read()
    test = doctest.DocTestParser().get_doctest(
        text, {"__name__": "__main__"}, "README.txt", path, 0
    )
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    return unittest.TestSuite([doctest.DocFileCase(test, flags)])


def examples(test):
    if isinstance(test, unittest.TestSuite):
        return sum(examples(one) for one in test)
    return len(test._dt_test.examples)


if __name__ == "__main__":
    sys.exit(main())

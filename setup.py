"""Packaging of poach; everything that tools read stands in pyproject.toml.

There are two wheels of this one source.  That for Python 3 is poach; that for Python
2.7 holds the bridge to it, for a zc.buildout that runs there.
"""

import io
import os
import sys

from setuptools import find_packages, setup

here = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with io.open(os.path.join(here, name), encoding="utf-8") as stream:
        return stream.read()


if sys.version_info < (3,):
    contents = {
        "py_modules": ["poach.__init__", "poach.runtime"],
        "packages": ["poach.buildout27"],
        "entry_points": {
            "zc.buildout": [
                "default = poach.buildout27.recipe:Egg",
                "egg = poach.buildout27.recipe:Egg",
            ],
            "zc.buildout.extension": ["poach = poach.buildout27.extension:load"],
            "zc.buildout.unloadextension": [
                "poach = poach.buildout27.extension:unload"
            ],
        },
    }
else:
    contents = {
        "packages": find_packages("src", exclude=["poach.buildout27"]),
        "package_data": {"poach": ["py.typed"]},
        "install_requires": [
            "filelock",
            "packaging",
            "requests",
            "setuptools",
            # In the spelling by which buildout looks for it where a pin is older: it
            # then says who requires this.
            "zc-buildout >=4.2",
        ],
        "extras_require": {
            "cli": ["rich"],
            "sign": ["cryptography"],
            "uv": ["uv >=0.6"],
            "test": [
                "cryptography",
                "cyclonedx-python-lib[json-validation]",
                "hypothesis",
                "mypy",
                "pyte",
                "pytest",
                "pytest-xdist",
                "rich",
                "ruff",
                "types-requests",
                "uv >=0.6",
            ],
        },
        "entry_points": {
            "console_scripts": ["poach = poach.cli:main"],
            "zc.buildout": [
                "default = poach.buildout.recipe:Egg",
                "egg = poach.buildout.recipe:Egg",
            ],
            "zc.buildout.extension": ["poach = poach.buildout.extension:load"],
            "zc.buildout.unloadextension": ["poach = poach.buildout.extension:unload"],
        },
    }

contents.update(
    name="poach",
    version="0.1.0.dev0",
    description="Patched eggs for zc.buildout",
    long_description="\n\n".join(map(read, ("README.rst", "CHANGES.rst"))),
    long_description_content_type="text/x-rst",
    author="The poach maintainers",
    license="MIT",
    keywords="buildout egg patch diff quilt sdist wheel",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Framework :: Buildout :: Extension",
        "Framework :: Buildout :: Recipe",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 2.7",
        "Programming Language :: Python :: 3",
        "Topic :: Software Development :: Build Tools",
        "Topic :: System :: Software Distribution",
        "Typing :: Typed",
    ],
    package_dir={"": "src"},
    zip_safe=False,
    # One text for the sdist and both wheels: the tag of a wheel says which Python it
    # is for, and no Python between the two takes any of them.
    python_requires=">=2.7, " + ", ".join("!=3.%d.*" % minor for minor in range(10)),
)

setup(**contents)

"""Packaging of poach; everything that tools read stands in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent

setup(
    name="poach",
    version="0.1.0.dev0",
    description="Patched eggs for zc.buildout",
    long_description="\n\n".join(
        (here / name).read_text(encoding="utf-8")
        for name in ("README.rst", "CHANGES.rst")
    ),
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
        "Programming Language :: Python :: 3",
        "Topic :: Software Development :: Build Tools",
        "Topic :: System :: Software Distribution",
        "Typing :: Typed",
    ],
    packages=find_packages("src"),
    package_dir={"": "src"},
    package_data={"poach": ["py.typed"]},
    zip_safe=False,
    python_requires=">=3.10",
    install_requires=[
        "filelock",
        "packaging",
        "requests",
        "setuptools",
        "unidiff",
        "zc.buildout >=4.2",
    ],
    extras_require={
        "test": [
            "cyclonedx-python-lib[json-validation]",
            "hypothesis",
            "mypy",
            "pytest",
            "pytest-xdist",
            "ruff",
            "types-requests",
        ],
    },
    entry_points={
        "console_scripts": ["poach = poach.cli:main"],
        "zc.buildout": [
            "default = poach.buildout.recipe:Egg",
            "egg = poach.buildout.recipe:Egg",
        ],
        "zc.buildout.extension": ["poach = poach.buildout.extension:load"],
        "zc.buildout.unloadextension": ["poach = poach.buildout.extension:unload"],
    },
)

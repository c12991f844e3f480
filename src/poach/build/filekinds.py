"""The purpose of a file of a source tree, as far as its name shows it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_TEST_FOLDER = re.compile(
    r"(?:.*[._-])?(?:unit|func|f)?tests?(?:[._-].*)?|testsuite", re.IGNORECASE
)
_TEST_FILE = re.compile(
    r"tests?(?:[._-].*)?|.*[._-]tests?|.*\.spec|conftest|run_?tests?", re.IGNORECASE
)
_DOC_FOLDER = re.compile(
    r"\..+|docs?|documentation|examples?|demos?|samples?|man|news|newsfragments"
    r"|change(?:log|s)(?:\.d)?|benchmarks?|bench|ci|tutorials?",
    re.IGNORECASE,
)
_DOC_FILE = re.compile(
    r"(?:README|CHANGE(?:S|LOG|_LOG)|HISTORY|NEWS|AUTHORS|CONTRIBUT(?:ORS|ING)"
    r"|LICEN[CS]ES?|COPYING|COPYRIGHT|NOTICE|TODO|INSTALL|CREDITS|MAINTAINERS|SECURITY"
    r"|RELEASE(?:_?NOTES)?|CODE_OF_CONDUCT|THANKS|UPGRADE|UPGRADING|WHATSNEW|CITATION)"
    r"(?:[_-][\w-]*(?:\.\d+)*)?(?:\.[a-z]{2}(?=\.))?"
    r"(?:\.(?:te?xt|rst|re?st|md|markdown|adoc|asciidoc|textile|org|rdoc"
    r"|apache|apache2|bsd|mit|l?gpl|lesser|psf|mpl|zpl))?",
    re.IGNORECASE,
)
#: Files at the top of a tree that only its developers use.
_DEVELOPMENT = re.compile(
    r"tox\.ini|mypy\.ini|pytest\.ini|\..+|noxfile\.py|fabfile\.py|tasks\.py|dodo\.py"
    r"|bootstrap\.py|(?:ez|distribute)_setup\.py|manage\.py|conf\.py|release\.py"
    r"|(?:appveyor|azure-pipelines|codecov|readthedocs|cloudbuild|environment)\.ya?ml"
    r"|Dockerfile.*|Vagrantfile|Jenkinsfile|Pipfile.*|.*\.lock|requirements.*\.txt"
    r"|(?:buildout|base|versions)\.cfg|benchmarks?\.py|examples?\.py|demos?\.py",
    re.IGNORECASE,
)

#: Files that configure a build, by name; in any folder, for sources may be nested.
_BUILD_FILE = re.compile(
    r"setup\.(?:py|cfg)|pyproject\.toml|MANIFEST(?:\.in)?|PKG-INFO|SOURCES\.txt"
    r"|meson\.build|meson_options\.txt|meson\.options|CMakeLists\.txt|.*\.cmake"
    r"|Cargo\.(?:toml|lock)|build\.rs|hatch_build\.py|pdm_build\.py|.*\.bazel|SConstruct"
)
#: What is compiled, or steers a compiler: nothing comes of it in a wheel without
#: compiled code.
_COMPILED = re.compile(
    r".*\.(?:c|h|cc|hh|cpp|hpp|cxx|hxx|c\+\+|h\+\+|inc|inl|ipp|tcc|m|mm|cu|cuh|s|asm|f"
    r"|for|f77|f90|f95|f03|f08|pyf|rs|go|zig|pyx|pxd|pxi|i|swg|y|yy|l|ll|ypp|re|rl"
    r"|gperf|m4|ac|am)"
    r"|configure|Makefile(?:\..*)?|GNUmakefile",
    re.IGNORECASE,
)
#: What of that only steers a compiler.
_STEERING = re.compile(
    r".*\.(?:m4|ac|am)|(?:configure|Makefile|GNUmakefile)(?:\..*)?", re.IGNORECASE
)
#: What a compiler and a linker make.
_NATIVE = re.compile(r".*\.(?:so(?:\.\d+)*|pyd|dll|dylib|exe|lib|a)", re.IGNORECASE)
#: How that begins: ELF, PE, Mach-O (thin and fat), archives.
_HEADS = (
    *(b"\x7fELF", b"MZ", b"!<arch>\n", b"\xca\xfe\xba\xbe"),
    *(
        b"\xcf\xfa\xed\xfe",
        b"\xce\xfa\xed\xfe",
        b"\xfe\xed\xfa\xcf",
        b"\xfe\xed\xfa\xce",
    ),
)
#: What may be turned into a file by the build, or be installed as it is.
_TEMPLATE = re.compile(
    r"(.*)\.(?:in|tp|src|tmpl|template|tpl|j2|jinja2?|mako)", re.IGNORECASE
)


def is_test(path: str) -> bool:
    """Return whether the file at `path` is for tests: its name or a folder's says
    so."""
    *folders, name = path.split("/")
    stem = name.partition(".")[0] or name
    inner = PurePosixPath(name).stem  # x.test.js
    return (
        any(map(_TEST_FOLDER.fullmatch, folders))
        or bool(_TEST_FILE.fullmatch(stem))
        or bool(_TEST_FILE.fullmatch(inner))
    )


def is_doc_folder(folder: str) -> bool:
    """Return whether one of the folders in the path `folder` is for docs, CI and
    such."""
    return any(map(_DOC_FOLDER.fullmatch, folder.split("/")))


def is_doc(path: str) -> bool:
    """Return whether the name of the file at `path` is that of docs: README.rst."""
    return bool(_DOC_FILE.fullmatch(path.rpartition("/")[2]))


def is_development(path: str) -> bool:
    """Return whether `path`, at the top of a tree, is a file for its developers."""
    return "/" not in path and bool(_DEVELOPMENT.fullmatch(path))


def is_build_file(path: str) -> bool:
    """Return whether the file at `path` configures a build."""
    return bool(_BUILD_FILE.fullmatch(path.rpartition("/")[2]))


def is_compiled(path: str) -> bool:
    """Return whether the file at `path` is one for compilers, or a template of one."""
    name = path.rpartition("/")[2]
    template = _TEMPLATE.fullmatch(name)
    return bool(_COMPILED.fullmatch(template[1] if template else name))


def is_compiled_source(path: str) -> bool:
    """Return whether the file at `path` is code for compilers, and not for make or
    m4."""
    return is_compiled(path) and not _STEERING.fullmatch(path.rpartition("/")[2])


def is_native(path: str, data: bytes) -> bool:
    """Return whether `data`, at `path`, is compiled code, by its name or head."""
    return bool(_NATIVE.fullmatch(path)) or data.startswith(_HEADS)


def is_template(path: str) -> bool:
    """Return whether the file at `path` is a template."""
    return bool(_TEMPLATE.fullmatch(path.rpartition("/")[2]))


def is_metadata(path: str) -> bool:
    """Return whether the file at `path` is metadata that each build makes again."""
    return any(folder.endswith(".egg-info") for folder in path.split("/")[:-1])

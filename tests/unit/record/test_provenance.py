from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from poach.build.retag import retag
from poach.record.provenance import (
    AppliedHunk,
    AppliedPatch,
    PatchedFile,
    Provenance,
    Upstream,
    canonical_json,
    metadata_files,
    patch_paths,
    purl,
    record,
    sbom,
)
from support.wheels import contents, demo_files, make_wheel

DIFF = b"--- a/webob/response.py\n+++ b/webob/response.py\n@@ -1 +1 @@\n-\xe9\n+e\n"


def applied(name: str, data: bytes = DIFF, location: str = "") -> AppliedPatch:
    return AppliedPatch(
        name=name,
        owner="buildout.cfg:12",
        location=location or f"patches/WebOb/1.8.7/{name}.patch",
        sha256=hashlib.sha256(data).hexdigest(),
        data=data,
        strip=1,
        directory="src",
        fuzz=0,
        files=(
            PatchedFile(
                "src/webob/response.py",
                (AppliedHunk("@@ -1 +1 @@", 3, offset=2),),
                effect="installed",
                place="webob/response.py",
            ),
        ),
    )


def provenance(*patches: AppliedPatch) -> Provenance:
    patches = patches or (applied("cve-2024-42353"),)
    return Provenance(
        project="WebOb",
        base="1.8.7",
        version="1.8.7+cve.2024.42353.p1a2b3c4d",
        upstream=Upstream("WebOb-1.8.7.tar.gz", "ab" * 32),
        names=tuple(patch.name for patch in patches),
        patches=patches,
        digest="cd" * 32,
        poach="0.1",
    )


def check_sbom(data: dict[str, Any]) -> None:
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(data))
    assert fault is None, fault


# -- the files ------------------------------------------------------------------------


def test_the_files() -> None:
    files = metadata_files(provenance())
    assert list(files) == [
        "patches/cve-2024-42353.patch",
        "poach.json",
        "sboms/WebOb.cdx.json",
    ]
    assert files["patches/cve-2024-42353.patch"] == DIFF
    assert json.loads(files["poach.json"]) == {
        "format": 1,
        "project": "WebOb",
        "base": "1.8.7",
        "version": "1.8.7+cve.2024.42353.p1a2b3c4d",
        "upstream": {
            "filename": "WebOb-1.8.7.tar.gz",
            "sha256": "ab" * 32,
            "purl": "pkg:pypi/webob@1.8.7",
        },
        "names": ["cve-2024-42353"],
        "patches": [
            {
                "name": "cve-2024-42353",
                "owner": "buildout.cfg:12",
                "location": "patches/WebOb/1.8.7/cve-2024-42353.patch",
                "sha256": hashlib.sha256(DIFF).hexdigest(),
                "file": "patches/cve-2024-42353.patch",
                "strip": 1,
                "directory": "src",
                "exclude": [],
                "excluded": [],
                "eol": "keep",
                "fuzz": 0,
                "files": [
                    {
                        "path": "src/webob/response.py",
                        "source": None,
                        "effect": "installed",
                        "place": "webob/response.py",
                        "why": "",
                        "cure": "",
                        "syntax": "",
                        "hunks": [
                            {
                                "header": "@@ -1 +1 @@",
                                "line": 3,
                                "offset": 2,
                                "fuzz": 0,
                                "eol": False,
                            }
                        ],
                    }
                ],
            }
        ],
        "digest": "cd" * 32,
        "poach": "0.1",
    }


def test_several_diffs_of_one_name() -> None:
    patches = [applied("a", b"1"), applied("b", b"2"), applied("a", b"3")]
    assert patch_paths(patches) == [
        "patches/a/01.patch",
        "patches/b.patch",
        "patches/a/02.patch",
    ]
    files = metadata_files(provenance(*patches))
    assert [files[path] for path in patch_paths(patches)] == [b"1", b"2", b"3"]


def test_no_path_leads_elsewhere() -> None:
    names = ["../../up", "..", "..", "a b/c"]
    assert patch_paths([applied(name) for name in names]) == [
        "patches/--..-up.patch",
        "patches/-/01.patch",
        "patches/-/02.patch",
        "patches/a-b-c.patch",
    ]


def test_they_ride_in_a_wheel(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "demo-1.0-py3-none-any.whl", demo_files())
    files = metadata_files(provenance())
    held = contents(retag(wheel, "1.0+x", tmp_path, files))
    assert {name: held[f"demo-1.0+x.dist-info/{name}"] for name in files} == files


# -- the record -----------------------------------------------------------------------

hunks = st.builds(AppliedHunk, st.text(), st.integers(), st.integers(), st.integers())
surrogates = st.text(st.characters(codec=None, categories=None), max_size=8)
patched_files = st.builds(PatchedFile, surrogates, st.lists(hunks).map(tuple))
provenances = st.builds(
    Provenance,
    st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,8}\Z"),
    st.just("1.0"),
    st.sampled_from(["1.0+a", "2!1.0+b.p12345678"]),
    st.just(Upstream("x-1.0.tar.gz", "0" * 64)),
    st.lists(st.text(max_size=8), max_size=3).map(tuple),
    st.lists(
        st.builds(
            AppliedPatch,
            st.from_regex(r"\A[a-z0-9]{1,2}\Z"),
            st.text(max_size=8),
            st.text(max_size=8),
            st.just("1" * 64),
            st.binary(max_size=30),
            st.integers(0, 3),
            st.text(max_size=8),
            st.integers(0, 2),
            st.lists(patched_files, max_size=3).map(tuple),
        ),
        max_size=4,
    ).map(tuple),
    st.just("2" * 64),
    st.just("0.1"),
)


@given(provenances)
def test_the_record_round_trips(made: Provenance) -> None:
    data = canonical_json(record(made))
    assert canonical_json(json.loads(data)) == data
    assert data.endswith(b"}\n")


@given(provenances)
def test_every_diff_has_its_file(made: Provenance) -> None:
    files = metadata_files(made)
    assert len(files) == len(made.patches) + 2
    for patch, entry in zip(made.patches, record(made)["patches"], strict=True):
        assert files[entry["file"]] == patch.data


def test_canonical_json() -> None:
    assert canonical_json({"b": ["é", 1], "a": "\udce9"}) == (
        b'{\n  "a": "\\udce9",\n  "b": [\n    "\\u00e9",\n    1\n  ]\n}\n'
    )


@pytest.mark.parametrize(
    ("location", "recorded"),
    [
        ("../patches/a.patch#strip=0", "../patches/a.patch#strip=0"),
        ("sdist:X==1/a@b.patch", "sdist:X==1/a@b.patch"),
        ("https://u:p%40@h:1/a.diff#strip=0", "https://h:1/a.diff#strip=0"),
        ("http://h/a@b.diff?x=1", "http://h/a@b.diff"),
    ],
)
def test_no_password_is_recorded(location: str, recorded: str) -> None:
    made = provenance(applied("a", location=location))
    assert record(made)["patches"][0]["location"] == recorded
    assert all(b"u:p" not in data for data in metadata_files(made).values())


# -- the bill of materials ------------------------------------------------------------


def test_the_sbom() -> None:
    data = sbom(provenance())
    (component,) = data["components"]
    assert data["metadata"]["component"] == component
    assert data["metadata"]["tools"]["components"] == [
        {"type": "application", "name": "poach", "version": "0.1"}
    ]
    assert component == {
        "type": "library",
        "name": "WebOb",
        "version": "1.8.7+cve.2024.42353.p1a2b3c4d",
        "purl": "pkg:pypi/webob@1.8.7%2Bcve.2024.42353.p1a2b3c4d",
        "bom-ref": "pkg:pypi/webob@1.8.7%2Bcve.2024.42353.p1a2b3c4d",
        "pedigree": {
            "ancestors": [
                {
                    "type": "library",
                    "name": "WebOb",
                    "version": "1.8.7",
                    "purl": "pkg:pypi/webob@1.8.7",
                    "hashes": [{"alg": "SHA-256", "content": "ab" * 32}],
                }
            ],
            "patches": [
                {
                    "type": "unofficial",
                    "diff": {
                        "text": {
                            "contentType": "text/x-diff",
                            "encoding": "base64",
                            "content": base64.b64encode(DIFF).decode(),
                        }
                    },
                }
            ],
        },
        "properties": [
            {
                "name": "poach:patch:cve-2024-42353:src/webob/response.py",
                "value": "installed webob/response.py",
            }
        ],
    }
    check_sbom(data)


def test_what_was_left_out_is_in_the_sbom() -> None:
    patch = replace(
        applied("fix"), exclude=("t/*",), excluded=("t/a", "t/b"), eol="any"
    )
    made = provenance(patch)
    (component,) = sbom(made)["components"]
    assert component["properties"][1:] == [
        {"name": "poach:patch:fix:excluded", "value": "t/a"},
        {"name": "poach:patch:fix:excluded", "value": "t/b"},
        {"name": "poach:patch:fix:eol", "value": "any"},
    ]
    text = canonical_json(sbom(made)).decode()
    assert not JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    (said,) = json.loads(metadata_files(made)["poach.json"])["patches"]
    assert (said["exclude"], said["excluded"]) == (["t/*"], ["t/a", "t/b"])
    assert said["eol"] == "any"


def test_a_diff_from_the_web_has_its_url() -> None:
    url = "https://user:secret@example.org/a%20b.diff?raw=1#sha256=00&strip=0"
    data = sbom(provenance(applied("a", location=url), applied("b")))
    first, second = data["components"][0]["pedigree"]["patches"]
    assert first["diff"]["url"] == "https://example.org/a%20b.diff"
    assert "url" not in second["diff"]
    check_sbom(data)


def test_no_patch_is_valid_too() -> None:
    check_sbom(sbom(replace(provenance(), patches=())))


def test_the_serial_number_follows_the_content() -> None:
    one, same = sbom(provenance()), sbom(provenance())
    other = sbom(provenance(applied("cve-2024-42353", data=b"other")))
    assert one["serialNumber"] == same["serialNumber"]
    assert one["serialNumber"] != other["serialNumber"]


def test_a_library_reads_the_sbom() -> None:
    bom = Bom.from_json(sbom(provenance()))
    component = bom.metadata.component
    assert component.purl.version == "1.8.7+cve.2024.42353.p1a2b3c4d"
    (ancestor,) = component.pedigree.ancestors
    assert str(ancestor.purl) == "pkg:pypi/webob@1.8.7"
    (patch,) = component.pedigree.patches
    assert base64.b64decode(patch.diff.text.content) == DIFF


@pytest.mark.parametrize(
    ("project", "version"),
    [("WebOb", "1.8.7+x.p1"), ("zope.interface", "2!1.0"), ("A_b-C", "1.0")],
)
def test_purls_are_canonical(project: str, version: str) -> None:
    made = purl(project, version)
    assert PackageURL("pypi", None, project, version).to_string() == made
    assert PackageURL.from_string(made).version == version


def test_no_credentials_are_recorded() -> None:
    url = "https://user:secret@example.org/%s?id=secret"
    patch = applied("a", location=url % "a.diff")
    patch = replace(patch, owner=url % "base.cfg")
    (recorded,) = record(provenance(patch))["patches"]
    assert recorded["location"] == "https://example.org/a.diff"
    assert recorded["owner"] == "https://example.org/base.cfg"
    assert b"secret" not in canonical_json(sbom(provenance(patch)))

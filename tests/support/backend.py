"""The build backend in the sdists of most tests: a tenth of setuptools' time.

`dists.sdist` puts this file there, and ``backend.json``, which says what to do.
"""

import json
import zipfile
from pathlib import Path


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    plan = _plan()
    dist_info = Path(folder, plan["record"]).parent
    dist_info.mkdir()
    for path, text in plan["info"].items():
        Path(folder, path).write_text(text)
    return dist_info.name


def build_wheel(folder, config_settings=None, metadata_directory=None):
    plan = _plan()
    root = Path(plan["root"])
    files = {name: (root / name).read_bytes() for name in plan["modules"]}
    for package in plan["packages"]:
        for path in sorted((root / package).iterdir()):
            if path.is_file():
                files[f"{package}/{path.name}"] = path.read_bytes()
    files |= plan["info"]
    files[plan["record"]] = "".join(f"{path},,\n" for path in [*files, plan["record"]])
    with zipfile.ZipFile(Path(folder, plan["wheel"]), "w") as wheel:
        for path, data in files.items():
            wheel.writestr(zipfile.ZipInfo(path), data)
    return plan["wheel"]


def _plan():
    return json.loads(Path("backend.json").read_bytes())

"""Print which WebOb this buildout runs and where its redirects lead."""

import importlib.metadata
from pathlib import Path

import webob


def show(what: str, value: object) -> None:
    print(f"{what:<14}{value}")


def main() -> None:
    redirect = webob.Response(status=302, location="//evil.example/x")
    location = webob.Request.blank("/").get_response(redirect).location
    stays = location.startswith("http://localhost/")
    show("WebOb", importlib.metadata.version("WebOb"))
    show("comes from", Path(webob.__file__).resolve().parents[1])
    show("gives", f"Location: {location}")
    show("the visitor", "stays on the site" if stays else "LEAVES THE SITE")

"""Print which WebOb runs here and where its redirects lead."""

import argparse
import importlib.metadata
import importlib.util
from pathlib import Path
from urllib.parse import urlencode, urlsplit

SITE = "http://shop.example"
ELSEWHERE = "//evil.example/x"


def show(what: str, value: object) -> None:
    print(f"{what:<14}{value}")


def where(module: str) -> Path:
    """The folder on sys.path that the module is imported from."""
    return Path(importlib.util.find_spec(module).origin).parents[1]


def redirect() -> str:
    """The Location that the application answers a forged login link with."""
    from app import application
    from webob import Request

    link = f"{SITE}/login?" + urlencode({"came_from": ELSEWHERE})
    return Request.blank(link).get_response(application()).location


def is_patched() -> bool:
    webob = importlib.metadata.distribution("WebOb")
    requires = [r for r in webob.requires or [] if "extra ==" not in r]
    show("WebOb", webob.version)
    show("comes from", where("webob"))
    show("requires", ", ".join(requires) or "nothing")

    try:
        location = redirect()
    except ModuleNotFoundError as error:
        if error.name != "cgi":  # which Python 3.13 has no longer
            raise
        show("import", f"FAILS: {error}")
        return False

    stays = urlsplit(location).netloc == urlsplit(SITE).netloc
    show("redirect to", ELSEWHERE)
    show("gives", f"Location: {location}")
    show("the visitor", "stays on the site" if stays else "LEAVES THE SITE")
    return stays and any(r.startswith("legacy-cgi") for r in requires)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--expect-open",
        action="store_true",
        help="exit with 0 if WebOb is not patched, instead of if it is",
    )
    return int(is_patched() == parser.parse_args().expect_open)

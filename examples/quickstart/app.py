"""A site whose visitors come back to where they were after they log in."""

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound
from pyramid.request import Request
from pyramid.router import Router


def login(request: Request) -> HTTPFound:
    """Send the visitor on: ``came_from`` is what the link to here said."""
    return HTTPFound(location=request.params["came_from"])


def application() -> Router:
    with Configurator() as config:
        config.add_route("login", "/login")
        config.add_view(login, route_name="login")
        return config.make_wsgi_app()

"""poach: patched eggs for zc.buildout."""


class NotPatched(RuntimeError):
    """A project that the running process has without a patch that it needs."""


def require(project, *patches):
    # type: (str, *str) -> None
    """Raise `NotPatched` unless this process runs `project` with all of `patches`.

    For programs that need a patch and want to be sure, on any Python that runs patched
    code, 2.7 among them; zc.buildout is not needed.  The distribution is the one that
    Python finds on its path; what it is patched with stands in its metadata.  Modules
    of it that were imported from elsewhere are not what that says, and raise, too.
    """
    from poach.runtime import check

    check(project, patches)

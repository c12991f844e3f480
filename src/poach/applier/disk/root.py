"""A folder that is open, and what is done below it without following links.

Each folder on the way to a path is opened in the one before it, and never through a
link.  So a folder that is swapped for a link to elsewhere, at any moment, leads
nobody outside; and no path is too long.  Where the system cannot open files relative to
a folder (Windows), paths are joined instead, and nothing of that is promised.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

StrPath = str | os.PathLike[str]
"""A path; what each run imports works without pathlib, which takes a while to load."""

_MOST_OPEN = 32  # folders at a time
_NEAR = 16  # as many of them are on one way; the last one used before that stays open
_NEEDED = {os.open, os.stat, os.mkdir, os.rmdir, os.unlink, os.rename}
_NEEDED |= {os.symlink, os.link, os.readlink}
_HAS_HANDLES = os.supports_dir_fd >= _NEEDED
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# With O_PATH a folder need not be readable, as for any other program.
_ON_THE_WAY = getattr(os, "O_PATH", 0) | _FOLDER | _NO_LINK
_READ = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0)
_READ |= getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | getattr(os, "O_BINARY", 0)
_PIECE = 1 << 20  # bytes that are copied at a time


class Root(os.PathLike[str]):
    """An open folder.  Paths are relative to it, with ``/`` between their parts.

    All methods raise OSError, `NotADirectoryError` where a path leads through a link.
    `is_locked` says whether this process keeps others from writing here.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = os.fspath(path)
        self.handle: int | None = None
        self.is_locked = False
        self._folders: dict[str, int] = {}  # open ones; the last used is the last
        self._open()

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return repr(self.path)

    def _open(self) -> None:
        if _HAS_HANDLES:
            self.handle = os.open(self.path, _FOLDER)

    def close(self) -> None:
        """Close everything, which ends the lock."""
        self.forget()
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    def forget(self) -> None:
        """Close the folders on the way: their paths may lead elsewhere now."""
        for handle in self._folders.values():
            os.close(handle)
        self._folders.clear()

    def lock(
        self, shared: bool = False, waiting: Callable[[], None] = lambda: None
    ) -> None:
        """Lock the folder until it is closed; `waiting` is called if that takes time.

        Where the system or the file system has no such locks, `is_locked` stays False.
        """
        while not self.is_locked:
            try:
                self._lock(shared, waiting)
            except (OSError, ImportError):
                return
            if not self._is_current():  # the process with the lock has replaced it
                self.close()
                self._open()
                self.is_locked = False

    def _lock(self, shared: bool, waiting: Callable[[], None]) -> None:
        import fcntl

        if self.handle is None:
            raise ImportError
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self.handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(self.handle, kind)
        self.is_locked = True

    def _is_current(self) -> bool:
        assert self.handle is not None
        return os.path.samestat(os.stat(self.path), os.fstat(self.handle))

    def _at(self, path: str) -> tuple[str, int | None]:
        """Return the name at the end of a path, and the open folder that has it."""
        if self.handle is None:
            return f"{self.path}/{path}", None
        folder, _, name = path.rpartition("/")
        return name or ".", self._folder(folder)

    def _folder(self, path: str) -> int:
        assert self.handle is not None
        if not path:
            return self.handle
        found = self._folders.pop(path, None)
        if found is None:
            found = self._opened(path)
        self._keep(path, found)
        return found

    def _keep(self, path: str, handle: int) -> None:
        """Keep a folder open, and close the one that was used longest ago."""
        self._folders[path] = handle
        if len(self._folders) > _MOST_OPEN:
            os.close(self._folders.pop(next(iter(self._folders))))

    def _opened(self, path: str) -> int:
        """Open a folder, from the nearest one that is open; keep some on the way."""
        above, names = path, list[str]()
        while above and above not in self._folders:
            above, _, name = above.rpartition("/")
            names.append(name)
        assert self.handle is not None
        handle, is_kept = self._folders[above] if above else self.handle, True
        while names:
            try:
                below = _open_folder(names.pop(), handle)
            finally:
                if not is_kept:
                    os.close(handle)
            handle, is_kept = below, 0 < len(names) <= _NEAR
            if is_kept:
                self._keep(path.rsplit("/", len(names))[0], handle)
        return handle

    def lstat(self, path: str) -> os.stat_result:
        """Return the status of the file, folder or link at `path`."""
        name, folder = self._at(path)
        return os.lstat(name, dir_fd=folder)

    def is_folder(self, path: str) -> bool:
        """Return whether `path` is a folder, and not a link to one."""
        try:
            return stat.S_ISDIR(self.lstat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def exists(self, path: str) -> bool:
        """Return whether anything is at `path`, also a link to nowhere."""
        try:
            self.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def open(self, path: str) -> int:
        """Open a file to read it; what is not a regular file is not waited for."""
        name, folder = self._at(path)
        return os.open(name, _READ, dir_fd=folder)

    def create(self, path: str, mode: int) -> int:
        """Make a file, and open it to write it."""
        name, folder = self._at(path)
        return os.open(name, _NEW, mode, dir_fd=folder)

    def readlink(self, path: str) -> bytes:
        """Return the target of a link."""
        name, folder = self._at(path)
        return os.fsencode(os.readlink(name, dir_fd=folder))

    def symlink(self, target: bytes, path: str) -> None:
        """Make a link."""
        name, folder = self._at(path)
        os.symlink(os.fsdecode(target), name, dir_fd=folder)

    def unlink(self, path: str) -> None:
        """Remove a file or link."""
        name, folder = self._at(path)
        os.unlink(name, dir_fd=folder)

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        """Make a folder."""
        name, folder = self._at(path)
        os.mkdir(name, mode, dir_fd=folder)

    def rmdir(self, path: str) -> None:
        """Remove a folder that is empty."""
        name, folder = self._at(path)
        os.rmdir(name, dir_fd=folder)
        if path in self._folders:
            os.close(self._folders.pop(path))

    def replace(self, old: str, new: str) -> None:
        """Move a file, in the place of what is there; after a folder, `forget`."""
        name, folder = self._at(old)
        new_name, new_folder = self._at(new)  # which leaves `folder` open
        os.replace(name, new_name, src_dir_fd=folder, dst_dir_fd=new_folder)

    def twin(self, old: str, new: str) -> None:
        """Make `new` a second name of the file or link `old`, or a copy of it."""
        name, folder = self._at(old)
        new_name, new_folder = self._at(new)
        try:
            os.link(
                name,
                new_name,
                src_dir_fd=folder,
                dst_dir_fd=new_folder,
                follow_symlinks=False,
            )
        except (FileNotFoundError, NotADirectoryError):
            raise
        except (OSError, NotImplementedError):
            self._copy(old, new)

    def _copy(self, old: str, new: str) -> None:
        status = self.lstat(old)
        if stat.S_ISLNK(status.st_mode):
            self.symlink(self.readlink(old), new)
            return
        source = self.open(old)
        target = -1
        try:
            target = self.create(new, 0o600)
            while piece := os.read(source, _PIECE):
                write_all(target, piece)
            set_mode(target, stat.S_IMODE(status.st_mode))
            with suppress(NotImplementedError, TypeError):
                os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(source)
            if target >= 0:
                os.close(target)

    def set_folder_mode(self, path: str, mode: int) -> None:
        """Give a folder its permissions."""
        name, folder = self._at(path)
        if self.handle is None:
            os.chmod(name, mode)
            return
        handle = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
        try:
            os.fchmod(handle, mode)
        finally:
            os.close(handle)

    def share_group(self, path: str, parent: str) -> None:
        """Give a folder the group of `parent` where that hands it on (setgid)."""
        above = self.lstat(parent)
        if above.st_mode & stat.S_ISGID and self.handle is not None:
            name, folder = self._at(path)
            with suppress(OSError):  # the group is not one of this user's
                os.chown(name, -1, above.st_gid, dir_fd=folder, follow_symlinks=False)

    def names(self, path: str = "") -> tuple[list[str], list[str]]:
        """Return the names of all folders in a folder, and of everything else."""
        name, folder = self._at(f"{path}/." if path else ".")
        place: str | int = name
        if self.handle is not None:
            place = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
        names: tuple[list[str], list[str]] = ([], [])
        try:
            with os.scandir(place) as found:
                for each in found:
                    names[not each.is_dir(follow_symlinks=False)].append(each.name)
        finally:
            if isinstance(place, int):
                os.close(place)
        return names

    def walk(self, path: str = "") -> Iterator[tuple[str, list[str], list[str]]]:
        """Walk the folder `path` as os.walk, however deep; folders end with ``/``.

        Links are none.  What cannot be listed is left out.
        """
        todo = [path]
        while todo:
            place = todo.pop()
            try:
                folders, files = self.names(place)
            except OSError:
                continue
            prefix = place and f"{place}/"
            yield prefix, folders, files
            todo += [prefix + name for name in reversed(folders)]

    def remove_tree(self, path: str) -> None:
        """Remove a folder with all that is in it, however deep."""
        todo = [path]
        while todo:
            place = todo[-1]
            folders, files = self.names(place)
            for name in files:
                self.unlink(f"{place}/{name}")
            todo += [f"{place}/{name}" for name in folders]
            if not folders:
                self.rmdir(todo.pop())


@contextmanager
def opened(tree: StrPath) -> Iterator[Root]:
    """Give the open folder `tree`; one that is open already stays so.

    Raises OSError.
    """
    if isinstance(tree, Root):
        yield tree
        return
    root = Root(tree)
    try:
        yield root
    finally:
        root.close()


def _open_folder(name: str, folder: int) -> int:
    try:
        return os.open(name, _ON_THE_WAY, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:  # so say some systems of a link, some do not
            raise NotADirectoryError(errno.ENOTDIR, error.strerror, name) from error
        raise


def write_all(handle: int, data: bytes) -> None:
    """Write `data` to an open file."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def set_mode(handle: int, mode: int) -> None:
    """Give an open file its permissions, where the system has such."""
    if hasattr(os, "fchmod"):
        os.fchmod(handle, mode)

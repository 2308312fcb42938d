"""Temporary files: in the state folder, so that nothing stays elsewhere."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from histovet.local.errors import LocalError
from histovet.local.state import State

# The path of a socket has 107 bytes (<sys/un.h>), and chromium puts one in its
# temporary folder: /org.chromium.Chromium.XXXXXX/SingletonSocket.
_PATH_BYTES = 107 - 45
# What mkdtemp adds: a slash and eight letters.
_NAME_BYTES = 9


@contextmanager
def temporary_folder(state: State) -> Iterator[Path]:
    """Give a new folder to be TMPDIR, removed with all in it after the block.

    In the state folder, unless that makes its path too long for sockets.
    """
    state.temporary.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix="", dir=_short_parent(state), ignore_cleanup_errors=True
    ) as folder:
        if os.geteuid() == 0:
            # Where namespaces are forbidden, root's PostgreSQL runs as nobody, and a
            # test may have its socket here.
            os.chmod(folder, 0o711)  # nosec B103
        yield Path(folder)


def _short_parent(state: State) -> Path:
    elsewhere = (tempfile.gettempdir(), "/tmp")  # nosec B108
    for parent in (state.temporary, *map(Path, elsewhere)):
        if len(os.fsencode(parent)) + _NAME_BYTES <= _PATH_BYTES and parent.is_dir():
            return parent
    raise LocalError("no folder has a path short enough for a socket; set TMPDIR")

"""A folder outside the repository, for what may not lie in it: production's key rings.

pytest's own folders are in the state folder, which by default is in the repository.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def folder_outside() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)

import os

import pytest

from histovet.local.errors import LocalError
from histovet.local.state import open_state


def test_a_folder_is_made_when_it_is_missing(tmp_path):
    state = open_state({"HISTOVET_STATE": str(tmp_path / "a" / "b")})
    assert state.root == tmp_path / "a" / "b"
    assert state.root.is_dir()


def test_a_file_in_its_place_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    for name in ("file", "file/below"):
        with pytest.raises(LocalError, match="HISTOVET_STATE=DIR"):
            open_state({"HISTOVET_STATE": str(tmp_path / name)})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LocalError, match="HISTOVET_STATE=DIR"):
        open_state({"HISTOVET_STATE": str(tmp_path)})

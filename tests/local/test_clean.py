import signal
import subprocess
import sys

from histovet.local.state import REPOSITORY
from tests.local.conftest import Machine


def test_clean_refuses_while_used_stops_what_was_left_and_keeps_what_is_not_ours(
    tmp_path,
):
    machine = Machine(tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "a message.log").write_text("To: contact@localhost")
    user = machine.sleeper()
    refused = machine.clean()
    assert refused.returncode == 1
    assert "still uses the database" in refused.stderr
    user.end(signal.SIGKILL)
    assert machine.postmasters()
    assert machine.clean().returncode == 0
    assert machine.is_quiet()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_clean_needs_no_package_of_the_virtual_environment(tmp_path):
    (tmp_path / "tmp").mkdir()
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "histovet.local.clean"],
        check=False,
        cwd=REPOSITORY,
        env=Machine(tmp_path).environment,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not tmp_path.exists()

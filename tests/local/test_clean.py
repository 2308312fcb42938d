import signal

from tests.local.conftest import Machine


def test_clean_refuses_while_used_stops_what_was_left_and_keeps_what_is_not_ours(
    tmp_path,
):
    machine = Machine(tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    user = machine.sleeper()
    refused = machine.run("clean")
    assert refused.returncode == 1
    assert "still uses the database" in refused.stderr
    user.end(signal.SIGKILL)
    assert machine.postmasters()
    assert machine.run("clean").returncode == 0
    assert machine.is_quiet()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

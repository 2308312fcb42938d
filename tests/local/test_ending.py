import os
import pty
import shlex
import signal
import sys
import time

import pytest

from histovet.local.state import REPOSITORY

# What a command may leave: a child that ignores us, and one in a session of its own.
STUBBORN = "trap '' TERM INT HUP; setsid sleep 600 & echo up; sleep 600; sleep 600"


@pytest.fixture(autouse=True)
def _quiet_afterwards(machine):
    yield
    assert machine.is_quiet()


POLITE = "setsid sleep 600 & echo up; sleep 600"


@pytest.mark.parametrize(
    ("signum", "script"),
    [
        (signal.SIGINT, POLITE),
        (signal.SIGHUP, POLITE),
        (signal.SIGTERM, POLITE),
        (signal.SIGTERM, STUBBORN),
    ],
)
def test_a_signal_ends_everything_within_five_seconds(machine, signum, script):
    command = machine.start("exec", "--", "sh", "-c", script)
    assert command.first_line() == "up"
    assert command.end(signum) < 5
    assert command.process.returncode == 128 + signum
    assert machine.is_quiet()


class Terminal:
    """A command that has a terminal of its own and leads its session."""

    def __init__(self, machine, *command: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(REPOSITORY)
            os.execvpe(command[0], command, machine.environment)

    def read_until(self, text: bytes) -> None:
        read = b""
        while text not in read:
            read += os.read(self.descriptor, 1024)

    def end(self) -> float:
        """Return the seconds until the session's leader has ended."""
        began = time.monotonic()
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            assert time.monotonic() < began + 10
            time.sleep(0.02)
        return time.monotonic() - began


def local(*command: str) -> list[str]:
    return [sys.executable, "-m", "histovet.local", "exec", "--", *command]


def test_ctrl_c_ends_everything_within_five_seconds(machine):
    terminal = Terminal(machine, *local("sh", "-c", STUBBORN))
    terminal.read_until(b"up")
    os.write(terminal.descriptor, b"\x03")
    assert terminal.end() < 5
    os.close(terminal.descriptor)


@pytest.mark.parametrize(
    ("leader", "script"),
    [("itself", POLITE), ("make", POLITE), ("make", STUBBORN), ("bash", STUBBORN)],
)
def test_a_closed_terminal_ends_everything_within_five_seconds(
    machine, tmp_path, leader, script
):
    command = local("sh", "-c", script)
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"run:\n\t@exec {shlex.join(command)}\n")
    make = ["make", "-f", str(makefile), "run"]
    led = {
        "itself": command,
        # Told by the kernel, it waits for us, whom the kernel does not tell.
        "make": make,
        "bash": ["bash", "-c", f"cd . && {shlex.join(make)}; true"],
    }
    terminal = Terminal(machine, *led[leader])
    terminal.read_until(b"up")
    os.close(terminal.descriptor)
    assert machine.is_quiet(within_seconds=5)
    terminal.end()


def test_a_disowned_command_outlives_its_terminal(machine, tmp_path):
    command = shlex.join(local("sh", "-c", "echo up; exec sleep 600"))
    pid_file = tmp_path / "pid"
    script = f"set -m; {command} & echo $! > {pid_file}; disown; exec sleep 600"
    terminal = Terminal(machine, "bash", "-c", script)
    terminal.read_until(b"up")
    os.close(terminal.descriptor)
    terminal.end()
    # Longer than it would take to notice.
    time.sleep(1.5)
    pid = int(pid_file.read_text())
    assert pid in machine.processes()
    os.kill(pid, signal.SIGTERM)
    assert machine.is_quiet(within_seconds=5)


def test_ctrl_c_lets_the_command_end_in_its_own_way(machine):
    script = (
        "import time\n"
        "try:\n    print('up', flush=True); time.sleep(600)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.3); print('own way', flush=True)"
    )
    terminal = Terminal(machine, *local(sys.executable, "-c", script))
    terminal.read_until(b"up")
    os.write(terminal.descriptor, b"\x03")
    terminal.read_until(b"own way")
    terminal.end()
    os.close(terminal.descriptor)


def test_under_nohup_a_closed_terminal_is_ignored(machine):
    command = machine.start(
        *("exec", "--", "sh", "-c", "echo up; sleep 0.5; exit 7"), under=["nohup"]
    )
    assert command.first_line() == "up"
    command.process.send_signal(signal.SIGHUP)
    assert command.process.wait(10) == 7


def test_the_status_is_the_commands_own(machine):
    assert machine.run("exec", "--", "sh", "-c", "exit 7").returncode == 7
    assert machine.run("exec", "--", "sh", "-c", "kill -9 $$").returncode == 137


def test_what_a_command_leaves_in_the_background_is_ended(machine):
    left = "sleep 600 & setsid sleep 600 & exit 0"
    assert machine.run("exec", "--", "sh", "-c", left).returncode == 0
    assert machine.is_quiet()


def test_a_program_that_does_not_exist_is_named(machine):
    ended = machine.run("exec", "--", "no-such-program")
    assert ended.returncode == 1
    assert "no-such-program cannot be started" in ended.stderr

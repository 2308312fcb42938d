"""The key and the certificate that sign documents on this machine alone."""

import stat
from pathlib import Path

import pytest

from histovet.history.signatory import read
from histovet.local.errors import LocalError
from histovet.local.processes import Children
from histovet.local.signing import (
    CERTIFICATE,
    KEY,
    development_signing,
    made_signing,
)
from histovet.local.state import State
from histovet.local.terminal import Terminal
from histovet.local.workplace import Workplace


def workplace(root: Path, **environment: str) -> Workplace:
    return Workplace(State(root), Children((), Terminal()), environment)


def test_they_are_made_once_and_can_sign(tmp_path):
    place = workplace(tmp_path)
    made = development_signing(place)
    assert (
        Path(made[KEY]).parent == Path(made[CERTIFICATE]).parent == tmp_path / "signing"
    )
    before = Path(made[KEY]).read_bytes()
    assert development_signing(place) == made
    assert Path(made[KEY]).read_bytes() == before
    assert "développement" in read(Path(made[KEY]), Path(made[CERTIFICATE])).subject


def test_nobody_else_reads_the_key_and_its_authority_keeps_none(tmp_path):
    made = development_signing(workplace(tmp_path))
    assert stat.S_IMODE(Path(made[KEY]).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "signing").stat().st_mode) == 0o700
    files = {path.name for path in (tmp_path / "signing").iterdir()}
    assert files == {"key.pem", "chain.pem"}


def test_what_a_kill_left_half_made_is_made_anew(tmp_path):
    (tmp_path / "signing.new").mkdir()
    (tmp_path / "signing.new" / "key.pem").write_text("half")
    made = made_signing(workplace(tmp_path), tmp_path / "signing")
    assert b"BEGIN PRIVATE KEY" in Path(made[KEY]).read_bytes()
    assert not (tmp_path / "signing.new").exists()


def test_what_is_given_is_used(tmp_path):
    given = {KEY: "/etc/a.pem", CERTIFICATE: "/etc/b.pem"}
    assert development_signing(workplace(tmp_path, **given)) == {}
    assert not (tmp_path / "signing").exists()


@pytest.mark.parametrize("name", [KEY, CERTIFICATE])
def test_one_without_the_other_is_refused_by_its_name(tmp_path, name):
    with pytest.raises(LocalError, match=f"^{name} is set alone"):
        development_signing(workplace(tmp_path, **{name: "/etc/a.pem"}))

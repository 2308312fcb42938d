"""What an operator does with releases that are built."""

import io

import psycopg
import pytest
from django.db import connection

from pseudonymizer import releases
from pseudonymizer.__main__ import main
from pseudonymizer.errors import FeedRefused, KeyRingError, ReleaseRefused
from pseudonymizer.ingest import ingest
from pseudonymizer.key_ring import KeyRing, write_new_ring
from pseudonymizer.manifest import MANIFEST_NAME
from pseudonymizer.progress import Progress
from tests.vehicles import siv_line, siv_lines, write_delta, write_feed


def _publish(config, tmp_path, *labels):
    for label in labels:
        folder = write_feed(tmp_path / label, siv_lines(5), label)
        ingest(folder, folder / MANIFEST_NAME, config, Progress(io.StringIO()))


def _states(vault):
    return {state.release.label: state.state for state in vault.releases()}


def _ring(config):
    return KeyRing.read(config.register_keys, "register")


@pytest.fixture
def settings_set(config, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", config.database_url)
    monkeypatch.setenv("HISTOVET_REGISTER_KEYS", str(config.register_keys))


def test_a_rollback_goes_back_and_forward(vault, config, tmp_path):
    _publish(config, tmp_path, "un", "deux")
    assert releases.roll_back(vault, config.register_keys).label == "un"
    assert _states(vault) == {"un": "active", "deux": "previous"}
    assert releases.roll_back(vault, config.register_keys).label == "deux"
    assert _states(vault) == {"un": "previous", "deux": "active"}


def test_after_a_rollback_the_next_release_keeps_what_was_gone_back_to(
    vault, config, tmp_path
):
    _publish(config, tmp_path, "un", "deux")
    releases.roll_back(vault, config.register_keys)
    _publish(config, tmp_path, "trois")
    assert _states(vault) == {"un": "previous", "deux": "dropped", "trois": "active"}


def test_deltas_go_on_from_the_release_that_was_gone_back_to(vault, config, tmp_path):
    _publish(config, tmp_path, "un")
    first = write_delta(tmp_path / "d1", tmp_path / "un", upsert=[siv_line()])
    ingest(first, first / MANIFEST_NAME, config, Progress(io.StringIO()))
    _publish(config, tmp_path, "deux")
    second = write_delta(tmp_path / "d2", first, remove=[siv_line()])
    with pytest.raises(FeedRefused, match="SHA-256"):
        ingest(second, second / MANIFEST_NAME, config, Progress(io.StringIO()))
    releases.roll_back(vault, config.register_keys)
    report = ingest(second, second / MANIFEST_NAME, config, Progress(io.StringIO()))
    assert (report.label, report.edition) == ("un", 2)


def test_there_may_be_nothing_to_go_back_to(vault, config, tmp_path):
    with pytest.raises(ReleaseRefused) as refused:
        releases.roll_back(vault, config.register_keys)
    assert refused.value.code == "no_release"
    _publish(config, tmp_path, "un")
    with pytest.raises(ReleaseRefused) as refused:
        releases.roll_back(vault, config.register_keys)
    assert refused.value.code == "no_previous"
    assert _states(vault) == {"un": "active"}


def test_a_changed_row_is_not_gone_back_to(vault, config, tmp_path):
    _publish(config, tmp_path, "un", "deux")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_release SET as_of = as_of + 1 WHERE label = 'un'")
    with pytest.raises(ReleaseRefused) as refused:
        releases.roll_back(vault, config.register_keys)
    assert refused.value.code == "release_changed"
    assert _states(vault) == {"un": "previous", "deux": "active"}


def test_a_release_of_a_key_that_is_gone_is_not_gone_back_to(vault, config, tmp_path):
    _publish(config, tmp_path, "un", "deux")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_release SET key_version = 2 WHERE label = 'un'")
    with pytest.raises(KeyRingError):
        releases.roll_back(vault, config.register_keys)


def test_a_switch_is_refused_when_the_releases_are_others(vault, config, tmp_path):
    _publish(config, tmp_path, "un", "deux")
    current, previous = (state.release for state in vault.releases())
    vault.retire(previous)
    with pytest.raises(ReleaseRefused) as refused:
        vault.roll_back(current, previous)
    assert refused.value.code == "release_closed"
    assert _states(vault) == {"un": "dropped", "deux": "active"}


def test_a_release_that_is_dropped_leaves_its_row_alone(vault, config, tmp_path):
    _publish(config, tmp_path, "un", "deux")
    previous = vault.releases()[1].release
    _, is_gone = releases.drop(vault, previous.number)
    assert is_gone
    assert _states(vault) == {"un": "dropped", "deux": "active"}
    state = vault.releases()[1]
    assert (state.size_bytes, state.release.salt) == (None, bytes(32))


def test_the_active_release_is_not_dropped(vault, config, tmp_path):
    _publish(config, tmp_path, "un")
    (state,) = vault.releases()
    with pytest.raises(ReleaseRefused) as refused:
        releases.drop(vault, state.release.number)
    assert refused.value.code == "release_closed"
    with pytest.raises(ReleaseRefused) as refused:
        releases.drop(vault, 9999)
    assert refused.value.code == "no_release"
    assert _states(vault) == {"un": "active"}


def test_a_release_that_is_read_is_dropped_later(vault, config, tmp_path, monkeypatch):
    monkeypatch.setattr("pseudonymizer.load.DROP_PAUSE_SECONDS", 0.01)
    _publish(config, tmp_path, "un", "deux")
    previous = vault.releases()[1].release

    with psycopg.connect(config.database_url) as reader:
        reader.execute(f"SELECT count(*) FROM vault_record_{previous.number}")
        assert releases.drop(vault, previous.number) == (previous, False)
    assert _states(vault) == {"un": "retired", "deux": "active"}
    assert vault.drop_unused() == []
    assert _states(vault) == {"un": "dropped", "deux": "active"}


# The commands


def test_the_commands_go_back_and_drop(settings_set, vault, config, tmp_path, capsys):
    _publish(config, tmp_path, "un", "deux")
    assert main(["releases", "rollback"]) == 0
    assert "'un', is active again" in capsys.readouterr().out
    number = next(
        s.release.number for s in vault.releases() if s.release.label == "deux"
    )
    assert main(["releases", "drop", str(number)]) == 0
    assert "'deux', is dropped" in capsys.readouterr().out
    assert main(["releases", "rollback"]) == 70
    assert main(["releases", "drop", str(number)]) == 66


def test_the_list_tells_the_deltas(settings_set, config, tmp_path, capsys):
    _publish(config, tmp_path, "un")
    delta = write_delta(tmp_path / "d1", tmp_path / "un", upsert=[siv_line()])
    assert main(["ingest", str(delta)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Delta 1 of release 'un' (")
    assert main(["ingest", str(delta)]) == 0
    assert "is applied already" in capsys.readouterr().out
    assert main(["releases"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[5] == "deltas"
    assert row.split()[4] == "1"


def test_the_list_tells_which_key_a_release_was_made_under(
    settings_set, vault, config, tmp_path, capsys
):
    _publish(config, tmp_path, "un", "deux")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_release SET key_check = NULL WHERE label = 'un'")
    (latest, first) = vault.releases()
    assert latest.key_check == _ring(config).check_value(1)
    assert first.key_check is None
    assert main(["releases"]) == 0
    _, of_latest, of_first = capsys.readouterr().out.splitlines()
    assert f"  1    {latest.key_check.hex()}  " in of_latest
    assert "  1    -  " in of_first


def test_a_rollback_needs_the_ring(settings_set, config, tmp_path, monkeypatch):
    _publish(config, tmp_path, "un", "deux")
    other = tmp_path / "other.json"
    write_new_ring(other, "register", bytes(range(32, 64)))
    monkeypatch.setenv("HISTOVET_REGISTER_KEYS", str(other))
    assert main(["releases", "rollback"]) == 67

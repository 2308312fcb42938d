"""The comparison of records with their source can fail: a value changed in the line, or in
the record that the database holds, is named (make proofs ONLY=same_source)."""

import ast
import copy
import datetime as dt
import json
import types
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import connection

from histovet.vault import reading
from histovet.vault.reading import Opened
from pseudonymizer import codec
from pseudonymizer.envelope import identity_bytes
from pseudonymizer.records import Identity, Record, Register
from tests import facts, vehicles
from tests.proofs import source
from tests.proofs.test_same_source import (
    held_of,
    newest,
    proof_of,
    second_keys,
    wanted_of,
)
from tests.pseudonymizer import confirm_vectors
from tests.publish import publish

# With what is known and not kept.
FACTS = facts.FACTS | dict.fromkeys(sorted(source.NOT_KEPT), "A")


@pytest.fixture
def published(transactional_db, tmp_path) -> tuple[source.Line, Opened]:
    """Publish one line of everything; return it with its record as the site reads it."""
    names = {"pers_nom_naissance_tit": "DE LA TOUR", "pers_prenom_tit": "ANNE LISE"}
    vehicles.write_file(tmp_path, "siv.csv.gz", [vehicles.siv_line(FACTS, **names)])
    publish(tmp_path)
    (line,) = source.lines(tmp_path)
    identity = Identity(Register.SIV, *source.expected(line).identity[1:])
    opened = reading.read(identity)
    assert opened is not None
    return line, opened


def differences(line: source.Line, opened: Opened) -> list[str]:
    wanted = source.expected(line)
    held = held_of(opened.record)
    found = source.differences(wanted.document, held)
    proof = wanted_of(wanted.holders, second_keys())
    return found + source.differences(proof, proof_of(opened.proof))


def _changed(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, str):
        if value in ("OUI", "NON"):
            return "NON" if value == "OUI" else "OUI"
        if value[:1].isdigit() and ("/" in value or "-" in value):
            return value.replace("201", "200").replace("202", "201")
        return value + "X"
    return value + 1


def _with(document: Any, path: str, change: Any) -> Any:
    document = copy.deepcopy(document)
    inside = document
    *parts, last = [int(p) if p.isdecimal() else p for p in path.split(".")]
    for part in parts:
        inside = inside[part]
    inside[last] = change(inside[last])
    return document


def test_a_line_of_everything_has_its_record_and_nothing_else(published):
    line, opened = published
    assert differences(line, opened) == []
    assert source.unsourced(line, held_of(opened.record)) == []
    assert opened.record.extras == {"new_key": {"of": [1, "another version"]}}
    # Of everything: a field that no line here fills is compared with nothing.
    empty = [path for path, one in source.leaves(held_of(opened.record)) if one is None]
    assert empty == [
        "initials.company",
        "initials.siren_prefix",
        "operations.1.cancelled_on",
        "operations.1.procedure",
        "operations.1.expert",
    ]


def test_a_value_changed_in_the_line_is_named(published):
    line, opened = published
    silent, told = [], set()
    for path, _ in source.leaves(FACTS):
        changed_facts = _with(json.loads(line.columns["v"]), path, _changed)
        changed = source.Line("", 2, dict(line.columns, v=json.dumps(changed_facts)))
        found = differences(changed, opened)
        told.update(found)
        if not found:
            silent.append(path)
    # Of the second history the experts and the types alone are read.
    assert set(silent) == source.NOT_KEPT | {
        "new_historique.0.opa_date",
        "new_historique.0.id_pve",
        "new_historique.0.ope_date_annul",
        "new_historique.1.opa_date",
    }
    fields = {name.split(".")[0] for name in told}
    # The others are of the line's columns.
    assert set(Record.__struct_fields__) - fields == {
        "register",
        "initials",
        "subject_to_inspection",
    }


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("utac_ask_ct", "NON", {"subject_to_inspection"}),
        ("utac_ask_ct", "X", {"subject_to_inspection", "quality"}),
        ("vin", "VF1BR000000012346", {"vehicle.vin"}),
        ("pers_nom_naissance_tit", "DE LA COUR", {"fingerprints.0.family", "tags.0.1"}),
        ("pers_prenom_tit", "ANNE MISE", {"fingerprints.0.words.1", "tags.0.1"}),
    ],
)
def test_a_column_changed_in_the_line_is_named(published, column, value, named):
    line, opened = published
    changed = source.Line("", 2, dict(line.columns, **{column: value}))
    found = differences(changed, opened)
    assert named <= {path.removesuffix(".0") for path in found} | set(found)


def test_a_key_taken_from_the_line_is_named_in_the_record(published):
    """The reverse: what the record holds and its line does not."""
    line, opened = published
    for key in FACTS.keys() - source.NOT_KEPT:
        changed_facts = {k: v for k, v in FACTS.items() if k != key}
        without = source.Line("", 2, dict(line.columns, v=json.dumps(changed_facts)))
        assert differences(without, opened), key


def test_a_record_changed_in_the_database_is_named(published):
    """Sealed as the job would, so that the site opens it."""
    line, opened = published
    told = set()
    for name, kind in typing.get_type_hints(Record).items():
        record = msgspec.structs.replace(
            opened.record, **{name: _other(getattr(opened.record, name), kind)}
        )
        _put(opened, record)
        again = reading.read(opened.identity)
        assert again is not None and again.record == record
        found = differences(line, again)
        assert {path.split(".")[0] for path in found} == {name}
        told.add(name)
    assert told == set(Record.__struct_fields__)


def _other(value: Any, kind: Any) -> Any:
    """Return another value of a field's type, as what opens it would give it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, Register):
        return Register.FNI
    if isinstance(value, dt.date):
        return value + dt.timedelta(days=1)
    if isinstance(value, msgspec.Struct):
        first = value.__struct_fields__[0]
        return msgspec.structs.replace(value, **{first: "Z."})
    if isinstance(value, tuple):
        return (*value, "negative:ptac_f2") if not value else value[1:]
    if isinstance(value, dict):
        return value | {"planted": 1}
    if isinstance(kind, types.UnionType) and value is None:
        return True
    return value + (1 if isinstance(value, int) else "X")


def _put(opened: Opened, record: Record) -> None:
    keys, encoded = opened.release.keys, identity_bytes(opened.identity)
    content = codec.encode(record, opened.proof)
    row = keys.seal(encoded, content, codec.DICTIONARY)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_record SET sealed = %s"
            " WHERE record_id = encode(%s, 'hex')::uuid",
            [row.sealed, row.record_id],
        )
        assert cursor.rowcount == 1


@pytest.mark.parametrize("text", ["VOLVO", "2001-02-03", 77])
def test_what_a_line_does_not_hold_is_seen_whatever_the_rules_say(published, text):
    line, opened = published
    held = held_of(opened.record) | {"planted": text}
    assert source.unsourced(line, held) == ["planted"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("06/03/2012", "2012-03-06"),
        ("2012-03-06T23:30:00.000Z", "2012-03-07"),
        ("2012-07-06T21:59:59.999Z", "2012-07-06"),
        ("2012-07-06T22:00:00.000Z", "2012-07-07"),
        ("2012-03-06 23:00:00", "2012-03-07"),
        ("2012-03-06 23:00:00.0", "2012-03-06"),
        ("2012-03-06 23:00:00.123", "2012-03-06"),
        ("2012-03-06 23:00:00.12+", "2012-03-06"),
        ("2012-03-06 23:00:00+01", "2012-03-06"),
        ("2012-03-06", "2012-03-06"),
        ("01/01/1900", None),
        ("", None),
    ],
)
def test_each_encoding_of_a_date_is_read(text, day):
    assert source.day(text) == day


def test_the_older_of_two_lines_and_one_without_facts_are_to_have_no_record(tmp_path):
    lines = [
        vehicles.siv_line({"dos_date_derniere_modif": "06/03/2015"}),
        vehicles.siv_line({"dos_date_derniere_modif": "05/03/2015"}),
        vehicles.siv_line(v="[]", numero_formule="2015AB12346"),
        vehicles.siv_line(plaq_immat=" "),
    ]
    vehicles.write_file(tmp_path, "siv.csv.gz", lines)
    chosen, rejects = newest(source.lines(tmp_path))
    assert [line.number for line, _ in chosen.values()] == [2]
    assert rejects == {
        ("siv.csv.gz", 3, "duplicate_identity"),
        ("siv.csv.gz", 4, "facts_unreadable"),
        ("siv.csv.gz", 5, "plate_missing"),
    }


def test_the_comparison_uses_nothing_that_reads_the_feed():
    for module in (source, confirm_vectors):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                named = [alias.name for alias in node.names]
                named.append(getattr(node, "module", None) or "")
                assert not any(one.startswith("pseudonymizer") for one in named)

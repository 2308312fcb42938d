"""A small synthetic register, published, and what its certificates show to type."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from histovet.vault.models import Release, ReleaseFile
from pseudonymizer import synthetic
from pseudonymizer.synthetic import Showcase
from tests.publish import database_url, publish

VEHICLES, SEED = 12, 7


@dataclass(frozen=True)
class _Published:
    """What the job wrote: `partition` is the digest of the sealed rows."""

    database: str
    ring: bytes
    release: Release
    files: tuple[ReleaseFile, ...]
    partition: str

    def put_back(self) -> bool:
        """Tell whether it is published again: the emptying of tables between two tests
        takes the rows of models, and leaves the partition."""
        if (
            (self.database, self.ring) != (database_url(), _ring())
            or Release.objects.exists()
            or _partition(self.release) != self.partition
        ):
            return False
        Release.objects.bulk_create([self.release])
        ReleaseFile.objects.bulk_create(self.files)
        return True


_published: _Published | None = None


def publish_showcase(folder: Path) -> dict[str, Showcase]:
    """Make the register in `folder` the active release; return its vehicles by kind.

    The job publishes it once in a process, and again when something came between.
    """
    global _published
    synthetic.write_register(folder, vehicles=VEHICLES, seed=SEED, files=2)
    if _published is None or not _published.put_back():
        publish(folder)
        release = Release.objects.get(state=Release.State.ACTIVE)
        files = tuple(ReleaseFile.objects.filter(release=release))
        _published = _Published(
            database_url(), _ring(), release, files, _partition(release)
        )
    shown = synthetic.showcase(vehicles=VEHICLES, seed=SEED)
    return {vehicle.kind: vehicle for vehicle in shown}


def _ring() -> bytes:
    return Path(os.environ["HISTOVET_REGISTER_KEYS"]).read_bytes()


def _partition(release: Release) -> str:
    """Return the digest of all that the release holds; "" without a partition."""
    name = f"vault_record_{release.number}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone() != (True,):
            return ""
        cursor.execute(
            f"SELECT md5(string_agg(row::text, ' ' ORDER BY record_id)) FROM {name} row"
        )
        ((digest,),) = cursor.fetchall()
    return str(digest)


def typed(vehicle: Showcase, **changes: str) -> dict[str, str]:
    """Return what is typed into the form, field by field."""
    fields = {
        "register": vehicle.register,
        "plate": vehicle.plate,
        "formula_number": vehicle.formula_number,
        "issue_date": vehicle.issue_date,
        "holder_kind": "company" if vehicle.company else "person",
        "company_name": vehicle.company,
        "siren": vehicle.siren,
        "family_name": vehicle.surname,
        "given_names": vehicle.given_names,
    }
    return {name: text for name, text in fields.items() if text} | changes

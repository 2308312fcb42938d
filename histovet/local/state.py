"""The state folder: everything that the commands make on a developer's machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from histovet.local.errors import LocalError

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class State:
    root: Path

    @property
    def venv(self) -> Path:
        return self.root / "venv"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def test_keys(self) -> Path:
        return self.root / "test-keys"

    @property
    def signing(self) -> Path:
        """The key and the certificate that sign documents."""
        return self.root / "signing"

    @property
    def test_signing(self) -> Path:
        return self.root / "test-signing"

    @property
    def feed(self) -> Path:
        """The synthetic register that make run publishes."""
        return self.root / "feed"

    @property
    def manifests(self) -> Path:
        return self.root / "manifests"

    @property
    def partner_key(self) -> Path:
        return self.root / "partner-key"

    @property
    def operator(self) -> Path:
        """Name, password and second factor of the operator of make run."""
        return self.root / "operator.json"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def bill(self) -> Path:
        """The bill of materials."""
        return self.root / "sbom.json"

    @property
    def mail(self) -> Path:
        """Messages that were written on the contact page (settings.EMAIL_FILE_PATH)."""
        return self.root / "mail"

    @property
    def proofs(self) -> Path:
        return self.root / "proofs"

    @property
    def bench(self) -> Path:
        return self.root / "bench.json"

    @property
    def bench_ingest(self) -> Path:
        return self.root / "bench-ingest.json"

    @property
    def registers(self) -> Path:
        """The synthetic registers that measurements publish, of up to 5 GB."""
        return self.root / "registers"

    @property
    def cache(self) -> Path:
        """What Python, pytest, mypy, ruff and hypothesis keep between runs."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """What programs need for a moment, and the folders of tests that failed."""
        return self.root / "tmp"

    @property
    def test_results(self) -> Path:
        return self.root / "test-results"

    def lock(self, work: str) -> Path:
        """Return the file to lock while doing one kind of work, such as `keys`."""
        return self.root / f"{work}.lock"

    def made(self) -> list[Path]:
        """Return all that make clean removes, the database apart."""
        whole = [
            self.venv,
            self.keys,
            self.test_keys,
            self.signing,
            self.test_signing,
            self.feed,
            self.manifests,
            self.partner_key,
            self.operator,
            self.static,
            self.mail,
            self.proofs,
            self.bench,
            self.bench_ingest,
            self.registers,
            self.cache,
            self.temporary,
            self.test_results,
        ]
        return [*whole, *self.root.glob("*.new"), *self.root.glob("*.lock")]


def open_state(environment: Mapping[str, str] = os.environ) -> State:
    """Return the state folder of HISTOVET_STATE, created when missing.

    Raises LocalError when it cannot be written to.
    """
    chosen = environment.get("HISTOVET_STATE", "").strip() or ".state"
    root = (REPOSITORY / chosen).resolve()
    try:
        root.mkdir(parents=True, exist_ok=True)
        writable = os.access(root, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise LocalError(
            f"{root} cannot be written to; name a folder of your own: "
            "make HISTOVET_STATE=DIR, or ask its owner"
        )
    return State(root)

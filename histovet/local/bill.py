"""The bill of materials: what of others histovet runs with, as CycloneDX 1.6.

Python packages as they are pinned, with the digests that an installation demands; files
of others that lie in this repository, with their own. It tells the same for the same
repository: no moment and no machine stands in it.
Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from histovet.local.errors import LocalError
from histovet.local.state import REPOSITORY, State
from histovet.local.terminal import say

Json = dict[str, Any]

_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)"
    r"(?P<hashes>(?:[^\n]*\\\n)*[^\n]*)",
    re.MULTILINE,
)
_DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAME_OF_LICENCE_MAX = 60
# Read in the file LICENSE of those whose metadata do not say; of the second, axe-core in
# it has its own.
_READ = {"atheris": "Apache-2.0", "axe-playwright-python": "MIT AND MPL-2.0"}


@dataclass(frozen=True)
class Vendored:
    """A file of others; `digest` is its SHA-256, `licence` an SPDX expression, `origin`
    the package that it was taken from."""

    path: str
    name: str
    version: str
    licence: str
    origin: str
    digest: str
    how: str


_OFL, _FONT = "OFL-1.1", "atkinson-hyperlegible-next"
VENDORED = (
    Vendored(
        "static/js/altcha/pbkdf2.js",
        "altcha",
        "3.2.2",
        "MIT",
        "pkg:npm/altcha@3.2.2",
        "7862add9c9d3d847ded3da928edcf406b46478754b9883351111414825b9c86f",
        "dist/workers/pbkdf2.js, unchanged",
    ),
    Vendored(
        f"static/fonts/{_FONT}/latin.woff2",
        f"@fontsource-variable/{_FONT}",
        "5.3.0",
        _OFL,
        f"pkg:npm/%40fontsource-variable/{_FONT}@5.3.0",
        "18b2a1a39a2fa298b0ba5390aca68462669826c90925656f1c1f6796e0e1bbaf",
        f"files/{_FONT}-latin-wght-normal.woff2, unchanged",
    ),
    *(
        Vendored(
            f"histovet/history/fonts/AtkinsonHyperlegibleNext-{weight}.ttf",
            f"@fontsource-variable/{_FONT}",
            "5.3.0",
            _OFL,
            f"pkg:npm/%40fontsource-variable/{_FONT}@5.3.0",
            digest,
            f"{weight}, cut to Latin letters, with a narrow no-break space added",
        )
        for weight, digest in (
            (
                "Regular",
                "bc4c6f2a648e39922994fe84ae99e234db19de20624e766a2be7dbe7ac6ebae1",
            ),
            (
                "Bold",
                "6414bf9b7f7998843686c8faad28f8f45ec9fc3c58fe15349c66984a1ff30c70",
            ),
        )
    ),
)


@dataclass(frozen=True)
class Pin:
    name: str
    version: str
    digests: tuple[str, ...]


def pins(requirements: Path) -> Iterator[Pin]:
    """Yield each package of a file that uv compiled, in its order."""
    text = requirements.read_text(encoding="utf-8")
    for found in _PIN.finditer(text):
        yield Pin(
            found["name"], found["version"], tuple(_DIGEST.findall(found["hashes"]))
        )


def write_bill(state: State) -> None:
    """Write sbom.json in the state folder. Raises LocalError as bill_of_materials."""
    text = json.dumps(bill_of_materials(REPOSITORY), indent=2, ensure_ascii=False)
    state.bill.write_text(text + "\n", encoding="utf-8")
    say(f"The bill of materials is {state.bill}")


def bill_of_materials(repository: Path) -> Json:
    """Raises LocalError when a package is not installed as it is pinned, or a file of
    others is not the one that was taken."""
    runtime = list(pins(repository / "requirements.txt"))
    names = {pin.name for pin in runtime}
    development = [
        pin
        for pin in pins(repository / "requirements-dev.txt")
        if pin.name not in names
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "histovet",
                "name": "histovet",
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": [
            *(_package(pin, "required") for pin in runtime),
            # Of tests and of `make`: nothing of it is where the site or the job runs.
            *(_package(pin, "excluded") for pin in development),
            *(_file(repository, one) for one in VENDORED),
        ],
    }


def _package(pin: Pin, scope: str) -> Json:
    address = f"pkg:pypi/{pin.name}@{pin.version}"
    hashes = [{"alg": "SHA-256", "content": digest} for digest in pin.digests]
    return {
        "type": "library",
        "bom-ref": address,
        "name": pin.name,
        "version": pin.version,
        "scope": scope,
        "licenses": _licences(pin),
        "purl": address,
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{pin.name}/{pin.version}/",
                "hashes": hashes,
            }
        ],
    }


def _licences(pin: Pin) -> list[Json]:
    """As the package says: an SPDX expression, or the name that it gives."""
    try:
        # A Message to its type's own users, which is no mapping to theirs.
        said = cast(Message, metadata.metadata(pin.name))
    except metadata.PackageNotFoundError as exc:
        raise LocalError(f"{pin.name} is not installed; run: make venv") from exc
    if said["Version"] != pin.version:
        raise LocalError(
            f"{pin.name} is pinned to {pin.version} and installed as "
            f"{said['Version']}; run: make venv"
        )
    if expression := said.get("License-Expression"):
        return [{"expression": str(expression)}]
    classified = [
        str(line).rpartition(" :: ")[2]
        for line in said.get_all("Classifier", [])
        if str(line).startswith("License :: ")
    ]
    written = " ".join(str(said.get("License") or "").split())
    # Some put the whole text there.
    named = [written] if 0 < len(written) <= _NAME_OF_LICENCE_MAX else classified
    if not named and pin.name in _READ:
        return [{"expression": _READ[pin.name]}]
    if not named:
        raise LocalError(f"{pin.name} does not say under which licence it is")
    return [{"license": {"name": name}} for name in named]


def _file(repository: Path, one: Vendored) -> Json:
    digest = hashlib.sha256((repository / one.path).read_bytes()).hexdigest()
    if digest != one.digest:
        raise LocalError(
            f"{one.path} is not the file that histovet/local/bill.py describes; write "
            "its version and digest there"
        )
    return {
        "type": "file",
        "bom-ref": one.path,
        "name": one.path,
        "version": one.version,
        "description": f"{one.name}: {one.how}",
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": [{"expression": one.licence}],
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://www.npmjs.com/package/{one.name}/v/{one.version}",
            }
        ],
        "pedigree": {
            "ancestors": [
                {
                    "type": "library",
                    "name": one.name,
                    "version": one.version,
                    "purl": one.origin,
                }
            ]
        },
    }

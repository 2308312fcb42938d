"""A realistic register that names nobody, in the layout of HistoVec's extract.

Proportions, formats and dirt follow the data profile; no row, name, plate or text
of the real extract is in it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random as Generator
from types import TracebackType
from typing import NamedTuple, Self

from isal import isal_zlib

from pseudonymizer import synthetic_episodes as episodes
from pseudonymizer import synthetic_inspections as inspections
from pseudonymizer.synthetic_history import (
    HOLDER,
    ISO,
    YEAR,
    Life,
    Random,
    fni_life,
    siv_life,
)
from pseudonymizer.synthetic_identities import (
    Plates,
    company_holder,
    coprime,
    formula_number,
    person_holder,
)
from pseudonymizer.synthetic_inspections import Story
from pseudonymizer.synthetic_lines import Registration, line
from pseudonymizer.synthetic_technical import FNI, SIV, blocks

SMALLEST_REGISTER = 9

_NAMES = ("SIV", "FNI")
_CREDENTIAL_COLUMNS = ("numero_formule", "date_emission_CI")
_HEADER = (
    "id;idv;key;v;pers_raison_soc_tit;pers_siren_tit;pers_nom_naissance_tit;"
    "pers_prenom_tit;plaq_immat;{};utac_ask_ct;utac_encrypted_immat;utac_encrypted_vin;"
    "controle_qualite;categorie;anomalies;computed_at{}\n"
)
_MORE_COLUMNS = (";vin", "")
_SIV_SHARE = 1861 / 4392
_ANNULLED_SHARE = (0.071, 0.175)
_COMPANY_SHARE = (0.153, 0.127)
_LINES_A_WRITE = 2000


# Raised when the same arguments give another register than before.
_EDITION = 2


def label(*, vehicles: int, seed: int) -> str:
    """Return the name of the register that write_register makes with these."""
    return f"synthetic {vehicles} seed {seed} edition {_EDITION}"


@dataclass(frozen=True, slots=True)
class Showcase:
    """One vehicle to try: what its certificate shows. A person's when no company.

    `issue_date` is ISO, for FNI; `formula_number` is for SIV.
    """

    kind: str
    register: str
    surname: str
    given_names: str
    company: str | None
    siren: str | None
    plate: str
    formula_number: str | None
    issue_date: str | None


class _Wish(NamedTuple):
    """What a showcase vehicle must be; everything else is plain."""

    kind: str
    register: int
    origin: str
    episode: episodes.Episode | None
    story: Story = Story.PLAIN


_SHOWCASES = (
    _Wish("clean", SIV, "new", None, Story.STEADY),
    _Wish("company", SIV, "new", None),
    _Wish("stolen", SIV, "new", episodes.stolen),
    _Wish("pledged", SIV, "new", episodes.pledged),
    _Wish("irreparable", SIV, "new", episodes.irreparable),
    _Wish("import", SIV, "import", None),
    _Wish("cancelled", SIV, "new", None),
    _Wish("rolled_back", SIV, "new", None, Story.ROLLED_BACK),
    _Wish("fni", FNI, "", None),
)
_SHOWN = tuple(
    [wish for wish in _SHOWCASES if wish.register == register]
    for register in (SIV, FNI)
)
# A vehicle to try that came later takes the place of a plain one, whose line is drawn
# all the same: every other line keeps its bytes.
_PLAIN_FROM = (7, 1)


def _life(register: int, progress: float, origin: str, rnd: Random) -> Life:
    return fni_life(rnd) if register == FNI else siv_life(rnd, progress, origin)


def _draw(
    index: int, register: int, plates: Plates, rnd: Random, wish: _Wish | None = None
) -> Registration:
    plate = plates.plate(index, rnd)
    if wish:
        company, annulled = wish.kind == "company", wish.kind == "cancelled"
    else:
        company = rnd() < _COMPANY_SHARE[register]
        annulled = rnd() < _ANNULLED_SHARE[register]
    origin = wish.origin if wish else ""
    life = _life(register, plate.progress, origin, rnd)
    if wish:
        # Something to read in the history, and no sale after the certificate.
        while len(life.events) < 3 or life.events[-1][1] != HOLDER:
            life = _life(register, plate.progress, origin, rnd)
        if wish.episode:
            episodes.apply([wish.episode], life, rnd, register)
    elif not annulled and rnd() < episodes.SHARE[register]:
        episodes.apply(episodes.draw(rnd, register), life, rnd, register)
    if plate.twice and life.issued & 1 != index & 1:
        # Two certificates with one plate must differ by their date.
        life.issued += 1
        life.modified = max(life.modified, life.issued)
    choice = blocks(register, YEAR[life.first])
    if wish:
        choice = [b for b in choice if b.genre == "VP" and b.category] or choice
    block = choice[int(rnd() * len(choice))]
    return Registration(
        index, register, plate, (company_holder if company else person_holder)(rnd, register),
        life, block, annulled, formula_number(rnd, life.issued) if register == SIV else "",
    )  # fmt: skip


def _counts(vehicles: int) -> tuple[int, int]:
    if vehicles < SMALLEST_REGISTER:
        raise ValueError(f"a register needs at least {SMALLEST_REGISTER} vehicles")
    siv = max(len(_SHOWN[SIV]), round(vehicles * _SIV_SHARE))
    return siv, vehicles - siv


def _lines(
    plates: Plates, total: int, first: int, end: int
) -> Iterator[tuple[str, str]]:
    """Yield the lines of positions `first` to `end` of a register of `total`: that of
    the registration, and that of the inspections, empty where there is none.

    Neighbours in the file are far apart in the series of plates. The vehicles to try
    stand first.
    """
    register, seed = plates.register, plates.seed
    plain_from = _PLAIN_FROM[register]
    rest = total - plain_from
    step = coprime(int(rest * 0.6180339887), rest) if rest > 1 else 1
    rng = Generator(f"{seed}/{_NAMES[register]}/{first}")
    inspected = Generator(f"{seed}/inspections/{_NAMES[register]}/{first}").random
    for position in range(first, end):
        if position >= plain_from:
            index = plain_from + (position - plain_from) * step % rest
            vehicle = _draw(index, register, plates, rng.random)
            text = line(rng, vehicle)
        if position < len(_SHOWN[register]):
            yield _shown_lines(plates, position)
        else:
            yield text, inspections.line(inspected, vehicle)


def _shown_lines(plates: Plates, position: int) -> tuple[str, str]:
    rng, vehicle = _shown(plates, position)
    rnd = Generator(f"{plates.seed}/inspections/{plates.register}/{position}").random
    story = _SHOWN[plates.register][position].story
    return line(rng, vehicle), inspections.line(rnd, vehicle, story)


def _shown(plates: Plates, position: int) -> tuple[Generator, Registration]:
    """Return a vehicle to try and the generator that goes on with its line.

    Its own generator makes it the same whatever the size of the register.
    """
    rng = Generator(f"{plates.seed}/showcase/{plates.register}/{position}")
    wish = _SHOWN[plates.register][position]
    return rng, _draw(position, plates.register, plates, rng.random, wish)


def write_register(
    folder: Path,
    *,
    vehicles: int,
    seed: int,
    files: int = 4,
    progress: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write the register as extract files and return their paths.

    The folder is created; files of the same names are replaced. `progress` is told
    the number of lines just written. The same arguments give the same bytes (the
    compressed form may differ between versions of isal). Raises ValueError when
    there are fewer than 9 vehicles, fewer than 2 files, or more vehicles than plates.
    `files` counts those of registrations; each register has one of inspections.
    """
    counts = _counts(vehicles)
    if files < 2:
        raise ValueError("a register needs at least 2 files, one for each layout")
    registers = [Plates(register, seed) for register in (SIV, FNI)]
    for plates in registers:
        if counts[plates.register] > plates.capacity():
            raise ValueError(f"no plates for {vehicles} vehicles: ask for fewer")
    siv_files = min(max(round(files * _SIV_SHARE), 1), files - 1)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for plates, shares in zip(registers, (siv_files, files - siv_files), strict=True):
        total = counts[plates.register]
        credential = _CREDENTIAL_COLUMNS[plates.register]
        header = _HEADER.format(credential, _MORE_COLUMNS[plates.register])
        name = _NAMES[plates.register].lower()
        inspected_path = folder / f"inspections-{name}-0001.csv.gz"
        inspected_header = inspections.HEADER.format(credential)
        with _Extract(inspected_path, inspected_header) as inspected:
            for number in range(shares):
                path = folder / f"registrations-{name}-{number + 1:04}.csv.gz"
                first, end = total * number // shares, total * (number + 1) // shares
                with _Extract(path, header, progress) as registrations:
                    for registration, inspection in _lines(plates, total, first, end):
                        registrations.write(registration)
                        if inspection:
                            inspected.write(inspection)
                paths.append(path)
        paths.append(inspected_path)
    return paths


class _Extract:
    """One file being written; `progress` is told the number of lines just written."""

    def __init__(
        self, path: Path, header: str, progress: Callable[[int], None] | None = None
    ) -> None:
        self._file = path.open("wb")
        self._progress = progress
        # A raw compressor: its gzip header holds no time and no file name.
        self._compressor = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
        self._batch: list[str] = []
        self._compress(header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._file:
            self._write_batch()
            self._file.write(self._compressor.flush())

    def write(self, line: str) -> None:
        self._batch.append(line)
        if len(self._batch) == _LINES_A_WRITE:
            self._write_batch()

    def _write_batch(self) -> None:
        self._compress("".join(self._batch))
        if self._progress and self._batch:
            self._progress(len(self._batch))
        self._batch.clear()

    def _compress(self, text: str) -> None:
        self._file.write(self._compressor.compress(text.encode()))


def showcase(*, vehicles: int, seed: int) -> list[Showcase]:
    """Return the vehicles to try of the register written with the same arguments.

    Kinds: clean, company, stolen, pledged, irreparable, import, cancelled,
    rolled_back, fni. Raises ValueError as write_register.
    """
    _counts(vehicles)
    shown = []
    for register in (SIV, FNI):
        plates = Plates(register, seed)
        for position, wish in enumerate(_SHOWN[register]):
            _, vehicle = _shown(plates, position)
            holder = vehicle.holder
            shown.append(
                Showcase(
                    kind=wish.kind,
                    register=_NAMES[register],
                    surname=holder.surname,
                    given_names=holder.given_names,
                    company=holder.company or None,
                    siren=holder.siren or None,
                    plate=vehicle.plate.text,
                    formula_number=vehicle.formula or None,
                    issue_date=ISO[vehicle.life.issued] if register == FNI else None,
                )
            )
    return shown

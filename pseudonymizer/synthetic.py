"""A realistic register that names nobody, in the layout of HistoVec's extract.

Proportions, formats and dirt are those counted in the real extract; no row, name, plate or text
of the real extract is in it.
"""

from collections.abc import Collection, Iterator
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
from pseudonymizer.workers import Tell, Workers

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
# More of them no longer fit in the processor's cache: 2,000 took 2 µs a line more.
_LINES_A_WRITE = 50
# Positions that share a generator: seeding it takes as long as a tenth of a line.
_BLOCK = 32

# Raised when the same arguments give another register than before.
_VERSION = 3


def label(*, vehicles: int, seed: int) -> str:
    """Return the name of the register that write_register makes with these."""
    return f"synthetic {vehicles} seed {seed} version {_VERSION}"


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
        cars = [b for b in choice if b.genre == "VP"]
        choice = [b for b in cars if b.category] or cars or choice
    block = choice[int(rnd() * len(choice))]
    return Registration(
        index, register, plate, (company_holder if company else person_holder)(rnd, register),
        life, block, annulled, formula_number(rnd, life.issued) if register == SIV else "",
    )  # fmt: skip


def count_vehicles(vehicles: int) -> tuple[int, int]:
    """Return how many are in SIV and in FNI; raise ValueError when too few."""
    if vehicles < SMALLEST_REGISTER:
        raise ValueError(f"a register needs at least {SMALLEST_REGISTER} vehicles")
    siv = max(len(_SHOWN[SIV]), round(vehicles * _SIV_SHARE))
    return siv, vehicles - siv


class Drawn(NamedTuple):
    """One vehicle. `rng` goes on with its registration's line, then its inspections'."""

    position: int
    vehicle: Registration
    rng: Generator
    story: Story | None


def draw_block(plates: Plates, total: int, block: int) -> Iterator[Drawn]:
    """Yield the vehicles of one block of a register of `total`, in their order.

    Both lines of each are to be drawn before the next vehicle is. Neighbours are far
    apart in the series of plates. The vehicles to try stand first.
    """
    shown = _SHOWN[plates.register]
    rest = total - len(shown)
    step = coprime(int(rest * 0.6180339887), rest) if rest > 1 else 1
    start = block * _BLOCK
    rng = Generator(f"{plates.seed}/{_NAMES[plates.register]}/{start}")
    for position in range(start, min(start + _BLOCK, total)):
        if position < len(shown):
            own, vehicle = _shown(plates, position)
            yield Drawn(position, vehicle, own, shown[position].story)
        else:
            index = len(shown) + (position - len(shown)) * step % rest
            vehicle = _draw(index, plates.register, plates, rng.random)
            yield Drawn(position, vehicle, rng, None)


def _shown(plates: Plates, position: int) -> tuple[Generator, Registration]:
    """Return a vehicle to try and the generator that goes on with its line.

    Its own generator makes it the same whatever the size of the register.
    """
    rng = Generator(f"{plates.seed}/showcase/{plates.register}/{position}")
    wish = _SHOWN[plates.register][position]
    return rng, _draw(position, plates.register, plates, rng.random, wish)


@dataclass(frozen=True, slots=True)
class _Share:
    """Positions `first` to `end` of a register, and the number of their files."""

    folder: Path
    register: int
    seed: int
    total: int
    number: int
    first: int
    end: int

    def path(self, kind: str) -> Path:
        return self.folder / file_name(kind, self.register, self.number)


def file_name(kind: str, register: int, number: int) -> str:
    return f"{kind}-{_NAMES[register].lower()}-{number:04}.csv.gz"


def is_to_try(register: int, position: int) -> bool:
    return position < len(_SHOWN[register])


def block_count(total: int) -> int:
    return -(-total // _BLOCK)


def credential_column(register: int) -> str:
    return _CREDENTIAL_COLUMNS[register]


def registrations_header(register: int) -> str:
    return _HEADER.format(_CREDENTIAL_COLUMNS[register], _MORE_COLUMNS[register])


def write_register(
    folder: Path,
    *,
    vehicles: int,
    seed: int,
    files: int = 4,
    workers: Workers | None = None,
) -> list[Path]:
    """Write the register as extract files and return their paths.

    The folder is created; files of the same names are replaced. The same arguments
    give the same bytes, whatever the workers (the compressed form may differ between
    versions of isal). Raises ValueError when there are fewer than 9 vehicles, fewer
    than 2 files, more vehicles than plates, or other extracts in the folder. `files`
    counts those of registrations; as many hold the inspections of their vehicles.
    """
    counts = count_vehicles(vehicles)
    if files < 2:
        raise ValueError("a register needs at least 2 files, one for each layout")
    for register in (SIV, FNI):
        if counts[register] > Plates(register, seed).capacity():
            raise ValueError(f"no plates for {vehicles} vehicles: ask for fewer")
    siv_files = min(max(round(files * _SIV_SHARE), 1), files - 1)
    shares = [
        _Share(
            folder, register, seed, total, number + 1,
            total * number // parts, total * (number + 1) // parts,
        )
        for register, parts in ((SIV, siv_files), (FNI, files - siv_files))
        for total in (counts[register],)
        for number in range(parts)
    ]  # fmt: skip
    paths = [
        share.path(kind)
        for share in shares
        for kind in ("registrations", "inspections")
    ]
    prepare_folder(folder, paths)
    if workers is None:
        for share in shares:
            _write_share(share, lambda lines, rejects: None)
    else:
        for _ in workers.run(_write_share, shares):
            pass
    return paths


def prepare_folder(folder: Path, paths: Collection[Path]) -> None:
    """Create the folder; raise ValueError when it holds extracts but for `paths`."""
    folder.mkdir(parents=True, exist_ok=True)
    if others := sorted(set(folder.glob("*.csv.gz")) - set(paths)):
        raise ValueError(
            f"{folder} holds other extracts, the first is {others[0].name}; name an "
            "empty folder"
        )


def _write_share(share: _Share, tell: Tell) -> None:
    """Write the registrations of a share and their inspections, all its own."""
    register = share.register
    plates = Plates(register, share.seed)
    credential = credential_column(register)
    with (
        Extract(
            share.path("registrations"), registrations_header(register), tell
        ) as out,
        Extract(
            share.path("inspections"), inspections.HEADER.format(credential)
        ) as inspected,
    ):
        for block in range(share.first // _BLOCK, (share.end - 1) // _BLOCK + 1):
            for position, vehicle, rng, story in draw_block(plates, share.total, block):
                text = line(rng, vehicle)
                inspection = inspections.line(rng.random, vehicle, story)
                # The ends of a block may be another file's.
                if share.first <= position < share.end:
                    out.write(text)
                    if inspection:
                        inspected.write(inspection)


class Extract:
    """One file being written; `tell` gets the number of lines just written."""

    def __init__(self, path: Path, header: str, tell: Tell | None = None) -> None:
        self._file = path.open("wb")
        self._tell = tell
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
        if self._tell and self._batch:
            self._tell(len(self._batch), 0)
        self._batch.clear()

    def _compress(self, text: str) -> None:
        self._file.write(self._compressor.compress(text.encode()))


def showcase(*, vehicles: int, seed: int) -> list[Showcase]:
    """Return the vehicles to try of the register written with the same arguments.

    Kinds: clean, company, stolen, pledged, irreparable, import, cancelled,
    rolled_back, fni. Raises ValueError as write_register.
    """
    count_vehicles(vehicles)
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

"""What happened to a synthetic register since: removals and upserts, without a manifest.

An event is one vehicle's. Deltas of one register may be applied one after the other:
each has vehicles of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random as Generator
from typing import NamedTuple

from pseudonymizer import synthetic_episodes as episodes
from pseudonymizer.synthetic import (
    Drawn,
    Extract,
    block_count,
    count_vehicles,
    credential_column,
    draw_block,
    file_name,
    is_to_try,
    prepare_folder,
    registrations_header,
)
from pseudonymizer.synthetic_history import (
    COMPUTED_ON,
    CONVERSION,
    DEALER,
    FIRST_NEW,
    FRENCH,
    HOLDER,
    SALE,
    TODAY,
    YEAR,
    Life,
)
from pseudonymizer.synthetic_identities import (
    Plates,
    company_holder,
    formula_number,
    person_holder,
)
from pseudonymizer.synthetic_inspections import line as inspections_line
from pseudonymizer.synthetic_lines import Registration, line
from pseudonymizer.synthetic_technical import FNI, SIV, blocks
from pseudonymizer.workers import Tell

NUMBERS = 10
"""How many deltas one register has; each takes a tenth of its vehicles at most."""

_SHARES = {"changed": 0.60, "certificate": 0.35, "new": 0.03, "removed": 0.02}
_REMOVE, _UPSERT = "remove", "upsert"


class _Line(NamedTuple):
    kind: str
    register: int
    text: str


def write_delta(
    folder: Path,
    *,
    vehicles: int,
    seed: int,
    events: int,
    number: int,
    tell: Tell = lambda events, rejects: None,
) -> list[Path]:
    """Write the delta `number`, from 1, of the register of the same arguments, and
    return the paths of `remove-*` and `upsert-*`; a file without lines is not written.

    Of a hundred events, 60 change the facts of a certificate, 35 give the vehicle a new
    one (an old plate becomes one of SIV), 3 are new vehicles, and 2 only end one.
    Events happen on the `number`-th day after the register's. Raises ValueError when
    the number is not from 1 to 10, the register has too few vehicles for so many
    events, or what write_register does.
    """
    if not 1 <= number <= NUMBERS:
        raise ValueError(f"a register has deltas 1 to {NUMBERS}")
    if events < 1:
        raise ValueError("a delta needs at least 1 event")
    counts = count_vehicles(vehicles)
    paths = {
        (kind, register): folder / file_name(kind, register, 1)
        for kind in (_REMOVE, _UPSERT)
        for register in (SIV, FNI)
    }
    prepare_folder(folder, paths.values())
    for path in paths.values():
        path.unlink(missing_ok=True)
    written: dict[tuple[str, int], Extract] = {}
    told = 0
    with ExitStack() as open_files:
        for told, lines in enumerate(_events(counts, seed, events, number), start=1):
            for kind, register, text in lines:
                key = kind, register
                if key not in written:
                    extract = Extract(paths[key], _header(kind, register))
                    written[key] = open_files.enter_context(extract)
                written[key].write(text)
            tell(1, 0)
    if told < events:
        for path in paths.values():
            path.unlink(missing_ok=True)
        raise ValueError(
            f"delta {number} of {vehicles} vehicles has room for {told} events; ask "
            "for fewer"
        )
    return [paths[key] for key in paths if key in written]


def _header(kind: str, register: int) -> str:
    if kind == _UPSERT:
        return registrations_header(register)
    return f"plaq_immat;{credential_column(register)}\n"


def _events(
    counts: tuple[int, int], seed: int, events: int, number: int
) -> Iterator[list[_Line]]:
    """Yield the lines of each event; fewer events when the vehicles run out."""
    registers = [Plates(register, seed) for register in (SIV, FNI)]
    rng = Generator(f"{seed}/delta/{number}")
    known = [_known(plates, counts[plates.register], number) for plates in registers]
    unused = counts[SIV] + number - 1
    day = TODAY + number
    computed_at = f"{(COMPUTED_ON + timedelta(number)).isoformat()}T04:00:00.000Z"
    kinds, weights = list(_SHARES), list(_SHARES.values())
    fni_share = counts[FNI] / sum(counts)
    for _ in range(events):
        (kind,) = rng.choices(kinds, weights)
        if kind == "new":
            vehicle = _new(registers[SIV], unused, day, rng)
            unused += NUMBERS
            yield [_Line(_UPSERT, SIV, line(rng, vehicle, computed_at))]
            continue
        drawn = next(known[FNI if rng.random() < fni_share else SIV], None)
        if drawn is None:
            return
        vehicle = drawn.vehicle
        old = _Line(_REMOVE, vehicle.register, _identity(vehicle))
        if kind == "removed":
            yield [old]
        elif kind == "changed":
            changed = _changed(vehicle, day, rng)
            text = line(drawn.rng, changed, computed_at)
            yield [_Line(_UPSERT, changed.register, text)]
        else:
            if vehicle.register == FNI:
                vehicle = _converted(vehicle, registers[SIV], unused, day, rng)
                unused += NUMBERS
            sold = _sold(vehicle, day, rng)
            yield [old, _Line(_UPSERT, SIV, line(drawn.rng, sold, computed_at))]


def _known(plates: Plates, total: int, number: int) -> Iterator[Drawn]:
    """Yield the vehicles that this delta may change, without those to try.

    Their generators stand where their lines begin, so that a changed line keeps all
    that its change does not touch.
    """
    for block in range(number - 1, block_count(total), NUMBERS):
        for drawn in draw_block(plates, total, block):
            before = Generator()
            before.setstate(drawn.rng.getstate())
            line(drawn.rng, drawn.vehicle)
            inspections_line(drawn.rng.random, drawn.vehicle, drawn.story)
            is_plain = not is_to_try(plates.register, drawn.position)
            if is_plain and not drawn.vehicle.annulled:
                yield drawn._replace(rng=before)


def _identity(vehicle: Registration) -> str:
    credential = vehicle.formula or FRENCH[vehicle.life.issued]
    return f"{vehicle.plate.text};{credential}\n"


def _changed(vehicle: Registration, day: int, rng: Generator) -> Registration:
    """Let the same certificate's file be touched: a sale declared, or something else."""
    life = vehicle.life
    draw = rng.random()
    if draw < 0.5:
        life.events.append((day, SALE, None))
    elif draw < 0.85:
        life.events.append((day, DEALER, None))
    elif draw < 0.95 or life.situation is not None:
        life.events.append((day, "MODIF_CARAC_TECH", None))
    else:
        episodes.apply_on(day, life, rng.random)
    life.modified = day
    return vehicle


def _sold(vehicle: Registration, day: int, rng: Generator) -> Registration:
    """Give the vehicle another holder and a certificate of its own."""
    life = vehicle.life
    # Who sold it may have told before.
    if rng.random() < 0.4 and life.events and life.events[-1][0] < day - 1:
        life.events.append((day - 1, SALE, None))
    life.events.append((day, HOLDER, None))
    life.issued = life.modified = day
    is_company = rng.random() < 0.15
    holder = (company_holder if is_company else person_holder)(rng.random, SIV)
    return vehicle._replace(holder=holder, formula=formula_number(rng.random, day))


def _converted(
    vehicle: Registration, plates: Plates, index: int, day: int, rng: Generator
) -> Registration:
    """Give a vehicle of before 2009 a plate of SIV, which comes with its new holder."""
    life = vehicle.life
    life.entry = life.conversion = day
    life.events.append((day, CONVERSION, None))
    return vehicle._replace(
        number=index, register=SIV, plate=plates.plate(index, rng.random)
    )


def _new(plates: Plates, index: int, day: int, rng: Generator) -> Registration:
    life = Life(day, day, day, day, [(day, FIRST_NEW, None)])
    choice = blocks(SIV, YEAR[day])
    holder = (company_holder if rng.random() < 0.4 else person_holder)(rng.random, SIV)
    return Registration(
        index, SIV, plates.plate(index, rng.random), holder, life,
        choice[int(rng.random() * len(choice))], False, formula_number(rng.random, day),
    )  # fmt: skip

"""What happens to some synthetic vehicles only: damage, theft, pledges, seizures.

Each function adds its events to a life and leaves its traces in the situation; a
trace and its event agree, or disagree as often as in the real extract. Text pieces
are in CSV form: the double quotes of the JSON are doubled.
"""

from collections.abc import Callable

from pseudonymizer.synthetic_history import (
    DEALER,
    FIRST_NEW,
    ISO,
    LAST_EVENT,
    LEASE,
    SALE,
    SIV_START,
    ZONE,
    Life,
    Marks,
    Random,
    Situation,
    cancelled,
    day_number,
)
from pseudonymizer.synthetic_technical import FNI, SIV, weighted
from pseudonymizer.synthetic_vocabulary import AUTHORITIES, CREDITORS

_CREDITORS = CREDITORS.replace("\n", "|").split("|")
_OLDEST_EPISODE = day_number(1995)
_OLDEST_BLOCK = day_number(2003)
_AUTHORITIES = AUTHORITIES.split("|")


def _after(rnd: Random, low: int, high: int = LAST_EVENT) -> int:
    """Return a day of [low, high], `low` when the span is empty."""
    return low + int(rnd() * (high - low)) if high > low else low


def _today(life: Life, rnd: Random) -> int:
    """Return a day of the present holder, since SIV records such things."""
    return _after(rnd, max(life.issued, SIV_START))


def _known_since(life: Life) -> int:
    return life.events[0][0] if life.events else life.first


def _since_siv(life: Life) -> int:
    """Return the first day since SIV on which the register knew the vehicle."""
    return max(_known_since(life), SIV_START)


def _any_day(life: Life, rnd: Random) -> int:
    return _after(rnd, max(_known_since(life), _OLDEST_EPISODE))


def _dated(day: int) -> str:
    return f'{{ ""date"": ""{ISO[day]} 00:00:00.0""}}' if day else '{ ""date"": """"}'


def _suspend(situation: Situation, day: int, reason: str) -> None:
    situation.suspensions.append(
        f'{_dated(day)[:-1]},""motif"": ""{reason}"",'
        '""remise_titre"": ""NON"",""retrait_titre"": ""NON""}'
    )


def _add(life: Life, day: int, operation: str, marks: Marks | None = None) -> None:
    life.events.append((min(day, LAST_EVENT), operation, marks))


def _procedure(
    life: Life, situation: Situation, rnd: Random, day: int, number: int, closed: bool
) -> None:
    """Add one damage procedure, declared on `day`; numbers count from the newest."""
    expert = f"{int(rnd() * 5000):06}-VE"
    second = expert if rnd() < 0.5 else f"{int(rnd() * 5000):06}-VE"
    identifier = f', ""id_pve"": ""{number}""'
    named = "" if rnd() < 0.02 else expert
    marks = Marks(identifier, f'""num_agree"": ""{named}"", ', identifier)
    findings = (
        f'""num_agree"" : ""{expert}"", ""dangereux"": ""{"NON" if rnd() < 0.06 else "OUI"}"", '
        '""tech_reparable"": ""OUI""'
    )
    midnight = " 00:00:00"
    text = (
        f'{{""id_pve"": ""{number}"", ""en_cours"": ""{"NON" if closed else "OUI"}"", '
        f'""decl"": {{ ""date"": ""{ISO[day]}{midnight}{ZONE[day]}"", {findings} }}'
    )
    recorded = day + int(rnd() * 4)
    _add(life, recorded, "DEC_VE", marks)
    if closed or rnd() < 0.88:
        report = min(day + int(rnd() * 14), LAST_EVENT)
        recorded = max(recorded, report + int(rnd() * 3))
        text += f', ""prem"": {{ ""date"": ""{ISO[report]}{midnight}{ZONE[report]}"", {findings}}}'
        _add(life, recorded, "PREM_RAP_VE", marks)
    if closed:
        repaired = min(recorded + 3 + int(rnd() * 150), LAST_EVENT)
        text += (
            f', ""deux"": {{ ""date"": ""{ISO[repaired]}{midnight}{ZONE[repaired]}"", '
            f'""num_agree"": ""{second}""}}'
        )
        _add(life, repaired, "SEC_RAP_VE", marks._replace(
            local_before=f'""num_agree"": ""{second}"", '))  # fmt: skip
    situation.procedures.append(text + "}")


def damage_open(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _today(life, rnd)
    _procedure(life, situation, rnd, day, 1, False)
    start = _since_siv(life)
    if rnd() < 0.12 and day - 400 > start:
        _procedure(life, situation, rnd, _after(rnd, start, day - 300), 2, True)
    if register == SIV and rnd() < 0.9:
        _suspend(situation, day, "PVE")
        if rnd() < 0.5:
            reregistered_abroad(life, situation, rnd, register)


def damage_closed(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _after(rnd, _since_siv(life), LAST_EVENT - 200)
    _procedure(life, situation, rnd, day, 1, True)


def irreparable(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _today(life, rnd)
    if register == SIV:
        _procedure(life, situation, rnd, day, 1, False)
        if rnd() < 0.5:
            _suspend(situation, day, "PVE")
        day = min(day + 20 + int(rnd() * 80), LAST_EVENT)
    situation.oveis.append(_dated(day if rnd() < 0.93 else 0))
    _add(life, day, "INSCRIRE_OVE")


def opposition_lifted(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    day = _any_day(life, rnd)
    _add(life, day, "INSCRIRE_OVE")
    _add(life, day + 20 + int(rnd() * 150), "LEVER_OVE")


def reregistered_abroad(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    day = _today(life, rnd)
    _suspend(situation, 0 if register == SIV and rnd() < 0.35 else day, "REI")
    _add(life, day + int(rnd() * 200), "REIMMAT_ETRANGER")


def police(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    unknown = register == SIV and rnd() < 0.3
    _suspend(situation, 0 if unknown else _after(rnd, life.issued), "PJU")


def left_territory(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    day = _today(life, rnd)
    _suspend(situation, day, "SOR")
    _add(life, day + int(rnd() * 200), "SORTIE_TERRITOIRE")


def administrative(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    _suspend(situation, _today(life, rnd), "ADM")


def withdrawn(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _today(life, rnd)
    _suspend(situation, day, "VOL")
    _add(life, day + int(rnd() * 30), "RETRAIT_VOLONTAIRE")


def damaged_before_2009(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    _suspend(situation, _after(rnd, life.issued, SIV_START), "FNIV")


def duplicate(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    situation.duplicate = True
    if register == SIV or rnd() < 0.34:
        day = _after(rnd, life.issued, LAST_EVENT if register == SIV else SIV_START)
        _add(life, day, "DUPLICATA")
        life.issued = max(life.issued, day)


def lost_title(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    situation.lost_title = situation.duplicate = True
    life.issued = _today(life, rnd)
    _add(life, life.issued, "DECLARATION_PERTE_TITRE")


def title_found(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _after(rnd, _since_siv(life))
    _add(life, day, "DECLARATION_PERTE_TITRE")
    if rnd() < 0.2:
        _add(life, day, "DUPLICATA")
        life.issued = max(life.issued, day)


def unpaid_fines(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _today(life, rnd)
    situation.unpaid_fines.append(_dated(0 if register == SIV and rnd() < 0.1 else day))
    _add(life, day, "INSCRIRE_OTCI")
    while rnd() < 0.25:
        day = _after(rnd, day)
        _add(life, day, "INSCRIRE_OTCI")


def transfer_blocked(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    day = _after(rnd, max(life.issued, _OLDEST_BLOCK))
    situation.transfer_blocks.append(_dated(day))
    if rnd() < 0.3:
        _add(life, day, "INSCRIRE_OTCI")


def block_lifted(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _today(life, rnd)
    _add(life, day, "INSCRIRE_OTCI")
    _add(life, day + 5 + int(rnd() * 300), "LEVER_OTCI")


def stolen(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    situation.stolen = True


def stolen_title(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    situation.stolen_title = True


def pledged(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _after(rnd, life.issued, LAST_EVENT - 400)
    creditor = _CREDITORS[int(rnd() * len(_CREDITORS))]
    date = _dated(0 if register == SIV and rnd() < 0.25 else day)
    situation.pledges.append(f'{date[:-1]},""nom_creancier"": ""{creditor}""}}')
    _add(life, day, "INSCRIPTION_GAGE")
    if rnd() < 0.2:
        _add(life, _after(rnd, day), "PROROG_GAGE")


def pledge_over(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _any_day(life, rnd)
    if register == FNI:
        day = min(day, max(_known_since(life), SIV_START - 1 - int(rnd() * 2000)))
    draw = rnd()
    if draw < 0.86:
        _add(life, day, "INSCRIPTION_GAGE")
    if draw > (0.58 if register == SIV else 0.74):
        _add(life, day + 300 + int(rnd() * 1500), "RADIATION_GAGE")


def seized(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    day = _today(life, rnd)
    authority = _AUTHORITIES[int(rnd() * len(_AUTHORITIES))]
    date = _dated(0 if register == SIV and rnd() < 0.6 else day)
    situation.seizures.append(f'{date[:-1]},""dvs_autorite"": ""{authority}""}}')
    _add(life, day, "INSCRIRE_DVS")
    if rnd() < 0.1:
        _add(life, day + 700, "RENOUV_DVS")


def seizure_lifted(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    day = _today(life, rnd)
    _add(life, day, "INSCRIRE_DVS")
    _add(life, day + (730 if rnd() < 0.8 else 60), "LEVER_DVS")


def demonstration(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    if life.events and life.events[0][1] == FIRST_NEW and life.first >= SIV_START:
        _add(life, life.first + 90 + int(rnd() * 200), "FIN_USAGE_DEMO_VENTE")


def modified(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    _add(life, _any_day(life, rnd), "MODIF_CARAC_TECH")


def operation_cancelled(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    day = _after(rnd, max(life.issued, SIV_START), LAST_EVENT - 1)
    marks = cancelled(_after(rnd, day, min(day + 150, LAST_EVENT)), rnd)
    draw = rnd()
    operation = SALE if draw < 0.72 else DEALER if draw < 0.9 else "INSCRIRE_DVS"
    _add(life, day, operation, marks)
    if draw > 0.95:
        _add(life, day + 5, "LEVER_DVS", marks)


def plate_usurped(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    _add(life, _today(life, rnd), "ATT_NUM_USURPATION")


def leased(life: Life, situation: Situation, rnd: Random, register: int) -> None:
    _add(life, _any_day(life, rnd), LEASE)


def back_in_traffic(
    life: Life, situation: Situation, rnd: Random, register: int
) -> None:
    day = _today(life, rnd)
    gone, back = (
        ("SORTIE_TERRITOIRE", "REMISE_CIRC_SORTIE_TERR")
        if rnd() < 0.5
        else ("REIMMAT_ETRANGER", "RETOUR_REIMMAT_ETR")
    )
    _add(life, day, gone)
    _add(life, day + 30 + int(rnd() * 300), back)


Episode = Callable[[Life, Situation, Random, int], None]

# Frequency of each per 10,000 live lines, SIV and FNI.
_EPISODES: tuple[tuple[Episode, int, int], ...] = (
    (damage_open, 160, 5),
    (damage_closed, 115, 70),
    (irreparable, 35, 38),
    (opposition_lifted, 15, 14),
    (reregistered_abroad, 160, 24),
    (police, 75, 48),
    (left_territory, 12, 10),
    (administrative, 12, 0),
    (withdrawn, 0, 19),
    (damaged_before_2009, 0, 640),
    (duplicate, 60, 300),
    (lost_title, 116, 0),
    (title_found, 120, 0),
    (unpaid_fines, 122, 43),
    (transfer_blocked, 0, 86),
    (block_lifted, 30, 28),
    (stolen, 70, 29),
    (stolen_title, 12, 5),
    (pledged, 41, 10),
    (pledge_over, 330, 700),
    (seized, 17, 10),
    (seizure_lifted, 95, 215),
    (demonstration, 900, 0),
    (modified, 170, 170),
    (operation_cancelled, 95, 50),
    (plate_usurped, 17, 0),
    (leased, 40, 38),
    (back_in_traffic, 12, 0),
)
# Two of one group never come together: the real extract never mixes the first, and
# the second number their procedures.
_EXCLUSIVE = (
    frozenset((irreparable, unpaid_fines, transfer_blocked, opposition_lifted)),
    frozenset((damage_open, damage_closed, irreparable)),
)
_SECOND_SHARE = 0.14

_DRAWS = (
    weighted([(episode, siv) for episode, siv, _ in _EPISODES]),
    weighted([(episode, fni) for episode, _, fni in _EPISODES]),
)
# A second episode counts as well, hence the divisor.
SHARE = tuple(len(draws) / 10_000 / (1 + _SECOND_SHARE) for draws in _DRAWS)
"""Share of the live lines with at least one episode, by register."""


def draw(rnd: Random, register: int) -> list[Episode]:
    """Return one episode, or two that can go together."""
    draws = _DRAWS[register]
    episodes = [draws[int(rnd() * len(draws))]]
    if rnd() < _SECOND_SHARE:
        second = draws[int(rnd() * len(draws))]
        pair = {second, *episodes}
        if len(pair) == 2 and not any(pair <= group for group in _EXCLUSIVE):
            episodes.append(second)
    return episodes


def apply(episodes: list[Episode], life: Life, rnd: Random, register: int) -> None:
    """Let the episodes happen, and put the events in order again."""
    situation = life.situation = Situation()
    for episode in episodes:
        episode(life, situation, rnd, register)
    life.events.sort(key=lambda event: event[0])
    if life.events:
        life.modified = max(life.modified, life.events[-1][0])


def apply_on(day: int, life: Life, rnd: Random) -> None:
    """Let fines, or a pledge, be recorded on one day of a vehicle of which nothing is."""
    situation = life.situation = Situation()
    if rnd() < 0.5:
        situation.unpaid_fines.append(_dated(day))
        life.events.append((day, "INSCRIRE_OTCI", None))
    else:
        creditor = _CREDITORS[int(rnd() * len(_CREDITORS))]
        situation.pledges.append(
            f'{_dated(day)[:-1]},""nom_creancier"": ""{creditor}""}}'
        )
        life.events.append((day, "INSCRIPTION_GAGE", None))

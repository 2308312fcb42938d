"""Is a typed VIN or plate that of the vehicle that a link is about? Pure.

Source of the rules: docs/links.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from histovet.history.vin_end import typed_vin
from pseudonymizer import normalise
from pseudonymizer.errors import Unusable
from pseudonymizer.records import Identity

# ISO 3779; what was built before 1981 may have any other.
VIN_LENGTH = 17
# Longer than any old chassis number.
TYPED_MAX = 25
# The maker's three characters and one of the model are those of half the car park.
VISIBLE_MIN = 5

MASK = "*"


@dataclass(frozen=True, slots=True)
class RecordedVin:
    """A VIN of the register as it is compared; MASK stands where the register hides a
    character."""

    characters: str

    @property
    def length(self) -> int:
        return len(self.characters)

    @property
    def compared(self) -> int:
        """How many characters are compared."""
        return self.length - self.characters.count(MASK)

    @property
    def is_whole(self) -> bool:
        return MASK not in self.characters

    def takes(self, typed: str) -> bool:
        """Tell whether a text may be this VIN for its length alone.

        What is not 17 characters long is cut off or has one too many, and is told so.
        An old number has a length that only the car tells: every length is taken.
        """
        if self.length == VIN_LENGTH:
            return len(typed) == VIN_LENGTH
        return 0 < len(typed) <= TYPED_MAX

    def is_that_of(self, typed: str) -> bool:
        """Compare with a text that `typed_vin` made, at every place that is not hidden."""
        return len(typed) == self.length and all(
            mine in (MASK, theirs)
            for mine, theirs in zip(self.characters, typed, strict=True)
        )


def recorded_vin(text: str | None) -> RecordedVin | None:
    """Return what can be compared with the VIN of a record, None when too little can."""
    if text is None:
        return None
    found = RecordedVin(MASK.join(typed_vin(part) for part in text.split(MASK)))
    return found if found.compared >= VISIBLE_MIN else None


def is_plate_of(identity: Identity, typed: str) -> bool:
    """Compare a plate however it is written. What is no plate is not this one."""
    try:
        return normalise.identifier(typed, "plate") == identity.plate
    except Unusable:
        return False

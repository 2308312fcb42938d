"""A small synthetic register, published, and what its certificates show to type."""

from pathlib import Path

from pseudonymizer import synthetic
from pseudonymizer.synthetic import Showcase
from tests.publish import publish

VEHICLES, SEED = 12, 7


def publish_showcase(folder: Path) -> dict[str, Showcase]:
    """Make the register in `folder` the active release; return its vehicles by kind."""
    synthetic.write_register(folder, vehicles=VEHICLES, seed=SEED, files=2)
    publish(folder)
    shown = synthetic.showcase(vehicles=VEHICLES, seed=SEED)
    return {vehicle.kind: vehicle for vehicle in shown}


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

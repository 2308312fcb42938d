"""Which modules are changed, and by which tests each has to be noticed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Target:
    """`tests` are files of tests that need no database."""

    name: str
    module: str
    tests: tuple[str, ...]
    root: Path = ROOT

    @property
    def path(self) -> Path:
        return self.root.joinpath(*self.module.split(".")).with_suffix(".py")


def _target(module: str, *tests: str) -> Target:
    return Target(module.rpartition(".")[2], module, tests)


TARGETS = (
    _target(
        "pseudonymizer.normalise",
        "tests/pseudonymizer/test_normalise.py",
        "tests/pseudonymizer/test_spec.py",
    ),
    _target("pseudonymizer.holder", "tests/pseudonymizer/test_holder.py"),
    _target(
        "pseudonymizer.envelope",
        "tests/pseudonymizer/test_envelope.py",
        "tests/pseudonymizer/test_site_seal.py",
        "tests/pseudonymizer/test_links.py",
        "tests/pseudonymizer/test_answer_keys.py",
        "tests/pseudonymizer/test_withheld_keys.py",
        "tests/pseudonymizer/test_factor_keys.py",
    ),
    _target("histovet.history.alerts", "tests/history/test_labels.py"),
    _target("histovet.history.synthesis", "tests/history/test_synthesis.py"),
    _target(
        "histovet.history.contradictions",
        "tests/history/test_contradictions.py",
        "tests/history/test_synthesis.py",
    ),
    _target("histovet.history.odometer", "tests/history/test_odometer.py"),
    _target("histovet.history.critair", "tests/history/test_critair.py"),
)

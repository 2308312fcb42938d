"""What a line costs, step by step."""

from pathlib import Path

from pseudonymizer.synthetic import write_register
from tests.bench.kernel import kernel_lines_per_second, microseconds_by_step


def test_every_step_of_a_register_is_measured(tmp_path: Path) -> None:
    files = write_register(tmp_path, vehicles=1500, seed=1)
    for path in files:
        if not path.name.startswith("registrations"):
            continue
        measured = microseconds_by_step(path)
        assert all(columns["step"] > 0 for columns in measured.values()), measured
        without = {step for step, columns in measured.items() if not columns["alone"]}
        assert without == {"typed record", "fingerprint + tags"}
        assert 100 < kernel_lines_per_second(path) < 1_000_000

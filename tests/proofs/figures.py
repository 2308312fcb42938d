"""Where the figures of a proof go."""

import json
import os
from pathlib import Path
from typing import Any


def write(name: str, figures: dict[str, Any]) -> None:
    """Print the figures and keep them under $HISTOVET_STATE/proofs/."""
    folder = Path(os.environ["HISTOVET_STATE"]) / "proofs"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(f"\n{name} {text}")

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

STATIC = settings.BASE_DIR / "static"
SHEET = STATIC / "css" / "histovet.css"

# Four thousand bytes and some on their way to a browser.
MAX_SHEET_BYTES = 15_000


_OF_COLOUR = "color|background|border|fill|stroke|opacity|filter|shadow|mask|blend"


@pytest.fixture(scope="module")
def css() -> str:
    return SHEET.read_text(encoding="utf-8")


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.2, definitions of relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        if len(digits) == 3:
            digits = "".join(digit * 2 for digit in digits)
        channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        r, g, b = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in channels
        )
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def tokens(css: str, scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    light, dark = blocks[0], blocks[1]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", dark))
    return found


def test_the_stylesheet_is_small(css):
    assert len(css.encode()) < MAX_SHEET_BYTES


def test_every_colour_is_a_token(css):
    rules = re.sub(r":root \{.*?\}", "", css, flags=re.DOTALL)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules)


def test_the_width_changes_no_colour_and_a_wide_page_shows_all(css):
    """Contrast is therefore looked at in one width: tests/journeys/axe.py."""
    rules = re.findall(
        r"@media [^{]*\((min|max)-width:[^{]*\{((?:[^{}]*\{[^{}]*\})+)", css
    )
    assert {bound for bound, _ in rules} == {"min", "max"}
    for bound, body in rules:
        declared = re.findall(r"[{;] *([\w-]+):", body)
        assert declared
        assert not [name for name in declared if re.search(_OF_COLOUR, name)], body
        if bound == "min":
            assert not re.search("display: *none|visibility", body)


def test_every_token_is_used_and_defined(css):
    defined = set(re.findall(r"(--[\w-]+):", css))
    used = set(re.findall(r"var\((--[\w-]+)\)", css))
    assert used == defined


def test_every_class_of_the_stylesheet_is_used(css):
    base = settings.BASE_DIR
    # Some parts of a report are made by code, which is ten times as fast.
    written = "".join(
        path.read_text(encoding="utf-8")
        for path in (
            *base.joinpath("templates").rglob("*.html"),
            *base.joinpath("histovet/history").rglob("*.py"),
        )
    )
    used = {
        name
        for value in re.findall(r'class="([^"]*)"', written)
        for name in re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", value).split()
    }
    without_comments = re.sub(r"/\*.*?\*/|url\([^)]*\)|\"[^\"]*\"", "", css)
    styled = set(re.findall(r"\.([a-z][\w-]*)", without_comments))
    assert styled <= used, f"no template uses {styled - used}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"),
        ("ink", "surface"),
        ("ink", "good-soft"),
        ("ink-soft", "paper"),
        ("ink-soft", "surface"),
        ("brand", "paper"),
        ("brand", "surface"),
        ("brand-strong", "paper"),
        ("paper", "brand"),
        ("paper", "brand-strong"),
        ("good", "good-soft"),
        ("note", "note-soft"),
    ],
)
def test_text_can_be_read_on_its_ground(css, scheme, text, ground):
    colours = tokens(css, scheme)
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "surface"])
def test_the_focus_ring_can_be_seen(css, scheme, ground):
    colours = tokens(css, scheme)
    assert contrast(colours["focus"], colours[ground]) >= 3


def test_the_typeface_comes_with_its_licence():
    folder = STATIC / "fonts" / "atkinson-hyperlegible-next"
    assert "SIL OPEN FONT LICENSE" in (folder / "LICENSE.txt").read_text().upper()
    assert (folder / "latin.woff2").stat().st_size < 35_000


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """The static files as production serves them."""
    folder = tmp_path_factory.mktemp("static")
    program = (
        "import django\n"
        "from django.conf import settings\n"
        "from django.core.management import call_command\n"
        "from histovet import settings as ours\n"
        "from pathlib import Path\n"
        f"ours.STATIC_ROOT = Path({str(folder)!r})\n"
        "ours.STORAGES = {'staticfiles': {'BACKEND': "
        "'whitenoise.storage.CompressedManifestStaticFilesStorage'}}\n"
        "django.setup()\n"
        "call_command('collectstatic', interactive=False, verbosity=0)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, check=True, timeout=60
    )
    return folder


def test_collected_files_are_hashed_and_compressed(collected):
    (sheet,) = collected.glob("css/histovet.*.css")
    assert re.fullmatch(r"histovet\.[0-9a-f]{12}\.css", sheet.name)
    assert Path(f"{sheet}.br").is_file()
    assert Path(f"{sheet}.gz").is_file()
    assert re.search(
        r"url\(\"\.\./fonts/atkinson-hyperlegible-next/latin\.[0-9a-f]{12}\.woff2\"\)",
        sheet.read_text(),
    )

import ast
import re
from pathlib import Path

import pytest

from histovet.pages.glossary import GROUPS

ROOT = Path(__file__).parents[2]
ANCHORS = [anchor for group in GROUPS for anchor in
           (group.anchor, *(term.anchor for term in group.terms))]  # fmt: skip


def test_an_anchor_is_of_one_word_and_can_stand_in_an_address():
    assert len(ANCHORS) == len(set(ANCHORS))
    assert all(re.fullmatch("[a-z-]+", anchor) for anchor in ANCHORS)


def led_to() -> set[str]:
    """Every anchor that a report or a page links to."""
    found = set()
    for path in (ROOT / "histovet" / "history" / "sections").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.keyword)
                and node.arg in ("word", "words")
                and isinstance(node.value, ast.Constant)
            ):
                found.add(node.value.value)
            if (
                isinstance(node, ast.Assign)
                and ast.unparse(node.targets[0]) == "_WORDS"
            ):
                found |= {value.value for value in node.value.values}
    for path in (ROOT / "templates").rglob("*.html"):
        found |= set(
            re.findall(
                r"url 'glossary' %\}#([a-z-]+)", path.read_text(encoding="utf-8")
            )
        )
    return found


def test_every_word_that_a_report_leads_to_is_explained():
    found = led_to()
    assert {"gage", "operations", "masses", "critair"} <= found
    assert found <= set(ANCHORS)


@pytest.mark.parametrize(
    ("path", "heading", "name"),
    [
        ("/aide/mots", "Les mots du rapport", '<dt id="gage">Gage</dt>'),
        (
            "/en/help/words",
            "The words of the report",
            '<dt id="gage">Pledge <span class="soft" lang="fr">Gage</span></dt>',
        ),
    ],
)
def test_each_word_stands_on_the_page_in_both_languages(client, path, heading, name):
    page = client.get(path).content.decode()
    assert f"<h1>{heading}</h1>" in page
    assert name in page
    for anchor in ANCHORS:
        assert page.count(f'id="{anchor}"') == 1

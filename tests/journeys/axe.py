"""An automated checker looks at the page that a browser shows."""

from typing import Literal

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys import album

# Contrast is four fifths of the checker's time. No colour depends on the width, and what
# the narrow page shows the wide one shows too: tests/pages/test_static.py. Colours are all
# that changes with the scheme. The size of targets is a rule of WCAG 2.2 that axe leaves
# off by itself.
_RULES = {"target-size": {"enabled": True}}
_LOOKS: tuple[tuple[int, Literal["light", "dark"], dict[str, object] | None], ...] = (
    (320, "light", {"rules": {**_RULES, "color-contrast": {"enabled": False}}}),
    (320, "dark", None),
    (1280, "light", {"rules": _RULES}),
    (1280, "dark", {"runOnly": ["color-contrast"]}),
)


def check(page: Page) -> None:
    """No finding of the checker and no sideways scrolling, in each way of looking."""
    # Once for all runs, and without what passed: that is most of the time.
    page.evaluate(Axe().axe_script)
    for width, scheme, rules in _LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        album.add(page, f"{width}-{scheme}")
        if rules is None:
            continue
        # Of the rules that run, none reads stylesheets themselves.
        options = {**rules, "resultTypes": ["violations"], "preload": False}
        found = AxeResults(
            page.evaluate("options => axe.run(document, options)", options)
        )
        assert found.violations_count == 0, (
            f"{width} {scheme}\n{found.generate_report()}"
        )

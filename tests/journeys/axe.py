"""An automated checker looks at the page that a browser shows."""

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys import album

# Colours are all that changes with the scheme, and most of the checker's time is the
# rest. The size of targets is a rule of WCAG 2.2 that axe leaves off by itself.
RULES = {
    "light": {"rules": {"target-size": {"enabled": True}}},
    "dark": {"runOnly": ["color-contrast"]},
}


def check(page: Page) -> None:
    """No finding of the checker and no sideways scrolling, in each way of looking."""
    # Once for all runs, and without what passed: that is most of the time.
    page.evaluate(Axe().axe_script)
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for scheme, rules in RULES.items():
            page.emulate_media(color_scheme=scheme)
            # Of the rules that run, none reads stylesheets themselves.
            options = {**rules, "resultTypes": ["violations"], "preload": False}
            found = AxeResults(
                page.evaluate("options => axe.run(document, options)", options)
            )
            album.add(page, f"{width}-{scheme}")
            assert found.violations_count == 0, (
                f"{width} {scheme}\n{found.generate_report()}"
            )

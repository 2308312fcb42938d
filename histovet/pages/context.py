"""What the header of every page needs."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse, translate_url
from django.utils import translation


@dataclass(frozen=True)
class OtherLanguage:
    code: str
    name: str
    url: str


def navigation(request: HttpRequest) -> dict[str, OtherLanguage]:
    return {"other_language": other_language(request.path)}


def other_language(path: str) -> OtherLanguage:
    """The same page in the other language, or home for a page there is not."""
    code, name = (
        ("fr", "Français") if translation.get_language() == "en" else ("en", "English")
    )
    url = translate_url(path, code)
    # A path of two slashes would be the address of another site.
    if url == path or url.startswith("//"):
        with translation.override(code):
            url = reverse("home")
    return OtherLanguage(code, name, url)

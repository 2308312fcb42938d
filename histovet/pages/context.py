"""What the header of every page needs."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, resolve, reverse
from django.utils import translation


@dataclass(frozen=True)
class OtherLanguage:
    code: str
    name: str
    url: str


def navigation(request: HttpRequest) -> dict[str, OtherLanguage]:
    return {"other_language": _other_language(request.path, request.resolver_match)}


def other_language(path: str) -> OtherLanguage:
    """The same page in the other language, or home for a page there is not."""
    try:
        return _other_language(path, resolve(path))
    except Resolver404:
        return _other_language(path, None)


def _other_language(path: str, match: ResolverMatch | None) -> OtherLanguage:
    code, name = (
        ("fr", "Français") if translation.get_language() == "en" else ("en", "English")
    )
    with translation.override(code):
        url = _address(match) if match else None
        # A path of two slashes would be the address of another site.
        if url is None or url == path or url.startswith("//"):
            url = reverse("home")
    return OtherLanguage(code, name, url)


def _address(match: ResolverMatch) -> str | None:
    """Return where the page stands in the active language, None for one that stands in
    one alone."""
    name = f"{match.namespace}:{match.url_name}" if match.namespace else match.url_name
    try:
        return reverse(name, args=match.args, kwargs=match.kwargs)
    except NoReverseMatch:
        return None

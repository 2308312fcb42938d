"""What pages say of signed documents."""

from django import template
from django.utils import timezone

from histovet.history.signatory import signatory

register = template.Library()


@register.simple_tag
def documents_are_offered() -> bool:
    return signatory(timezone.now()) is not None


@register.filter
def fingerprint(text: str) -> str:
    """Return hexadecimal digits in capitals and groups of four, to be compared by eye."""
    capitals = text.upper()
    return " ".join(capitals[at : at + 4] for at in range(0, len(capitals), 4))

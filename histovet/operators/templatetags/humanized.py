"""Large numbers as people read them."""

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def grouped(number: int) -> str:
    """Return the number with its thousands apart, as the language writes them."""
    return number_format(number, force_grouping=True)

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext

from histovet.usage.figures import STEP

register = template.Library()


@register.filter
def counted(count: int | None) -> str:
    """Return a published count in words, the thousands apart."""
    if count is None:
        return gettext("moins de %(step)d") % {"step": STEP}
    return number_format(count, force_grouping=True)

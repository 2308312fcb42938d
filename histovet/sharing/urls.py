from django.urls import path, register_converter
from django.urls.converters import StringConverter
from django.utils.translation import gettext_lazy as _

from histovet.sharing import buyer_views, document_views, seller_views


class PublicId(StringConverter):
    """The 12 bytes that name a link, in base64 for addresses (RFC 4648, section 5)."""

    regex = "[A-Za-z0-9_-]{16}"


register_converter(PublicId, "public_id")

urlpatterns = [
    # Short, because it is read aloud and printed.
    path("r/<public_id:public_id>", buyer_views.link, name="link"),
    path(_("liens"), seller_views.links, name="links"),
    path(_("liens/code-de-gestion"), seller_views.owner_code, name="owner_code"),
    path(_("liens/fin"), seller_views.end_all, name="end_all_links"),
    path(_("liens/<public_id:public_id>"), seller_views.link, name="given_link"),
    path(_("liens/<public_id:public_id>/fin"), seller_views.end, name="end_link"),
    path(_("liens/<public_id:public_id>/affiche"), seller_views.sheet, name="sheet"),
    path(
        _("liens/<public_id:public_id>/rapport.pdf"),
        document_views.report,
        name="given_report_pdf",
    ),
    path(
        _("liens/<public_id:public_id>/situation.pdf"),
        document_views.situation,
        name="given_situation_pdf",
    ),
    path(_("acheteur"), buyer_views.buyer, name="buyer"),
    path(
        "r/<public_id:public_id>/rapport.pdf",
        document_views.opened_report,
        name="link_report_pdf",
    ),
    path(_("r/<public_id:public_id>/verifier"), buyer_views.check, name="check_car"),
]

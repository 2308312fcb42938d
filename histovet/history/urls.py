from django.urls import path
from django.utils.translation import gettext_lazy as _

from histovet.history import document_views, views

urlpatterns = [
    path(_("vendeur"), views.seller, name="seller"),
    path(_("rapport"), views.seller_report, name="seller_report"),
    path(_("rapport/pdf"), document_views.report, name="report_pdf"),
    path(_("rapport/situation.pdf"), document_views.situation, name="situation_pdf"),
    path(_("verifier-un-document"), document_views.verify, name="verify"),
    path("certificat.pem", document_views.certificate, name="certificate"),
    path(_("terminer"), views.end, name="seller_end"),
]

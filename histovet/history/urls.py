from django.urls import path
from django.utils.translation import gettext_lazy as _

from histovet.history import views

urlpatterns = [
    path(_("vendeur"), views.seller, name="seller"),
    path(_("rapport"), views.seller_report, name="seller_report"),
    path(_("terminer"), views.end, name="seller_end"),
]

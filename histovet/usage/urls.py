from django.urls import path
from django.utils.translation import gettext_lazy as _

from histovet.usage import views

urlpatterns = [path(_("chiffres"), views.page, name="figures")]

# What is not of one language.
root_urlpatterns = [
    path("chiffres.csv", views.days, name="figures_by_day"),
    path("chiffres-mois.csv", views.months, name="figures_by_month"),
]

from django.urls import path
from django.utils.translation import gettext_lazy as _

from histovet.operation import views

urlpatterns = [path(_("etat"), views.state_of_the_site, name="status")]

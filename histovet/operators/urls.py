"""The dashboard's own addresses; none of the site's is among them."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from histovet.operators import account_views, partner_views, views

handler400 = "histovet.operators.errors.bad_request"
handler403 = "histovet.operators.errors.forbidden"
handler404 = "histovet.operators.errors.not_found"
handler500 = "histovet.operators.errors.broken"

urlpatterns = [
    *i18n_patterns(
        path("", views.overview, name="home"),
        path("connexion", account_views.sign_in, name="sign_in"),
        path("activation", account_views.enrol, name="enrol"),
        path("deconnexion", account_views.sign_out, name="sign_out"),
        path("compte", account_views.account, name="account"),
        path("compte/mot-de-passe", account_views.password, name="password"),
        path("compte/codes", account_views.recovery, name="recovery"),
        path("cles", partner_views.partners, name="partner_keys"),
        path("cles/nouvelle", partner_views.issue, name="issue"),
        path("cles/<int:pk>", partner_views.key, name="partner_key"),
        path("cles/<int:pk>/renouveler", partner_views.rotate, name="rotate"),
        path("cles/<int:pk>/suspendre", partner_views.suspend, name="suspend"),
        path("cles/<int:pk>/retablir", partner_views.resume, name="resume"),
        path("cles/<int:pk>/terminer", partner_views.end, name="end"),
        path("publications", views.releases, name="releases"),
        path("limites", views.limits, name="limits"),
        path("maintenance", views.maintenance, name="maintenance"),
        path("maintenance/fin", views.reopen, name="reopen"),
        path("journal", views.trail, name="trail"),
        prefix_default_language=False,
    ),
]

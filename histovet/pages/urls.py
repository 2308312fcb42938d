from django.urls import path
from django.utils.translation import gettext_lazy as _

from histovet.pages import views

urlpatterns = [
    path("", views.home, name="home"),
    path(_("aide"), views.assistance, name="help"),
    path(_("aide/mots"), views.glossary, name="glossary"),
    path(_("devenir-partenaire"), views.become_partner, name="become_partner"),
    path("contact", views.contact, name="contact"),
    path(_("contact/envoye"), views.contact_sent, name="contact_sent"),
    path(_("mentions-legales"), views.legal, name="legal"),
    path(_("donnees-personnelles"), views.privacy, name="privacy"),
    path(_("accessibilite"), views.accessibility, name="accessibility"),
    path(_("securite"), views.security, name="security"),
    path(_("plan-du-site"), views.plan, name="plan"),
]

# What is not of one language.
root_urlpatterns = [
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    path("favicon.ico", views.favicon, name="favicon"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
]

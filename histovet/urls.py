from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from histovet.pages.urls import root_urlpatterns
from histovet.partners.urls import pages as partner_pages
from histovet.usage.urls import root_urlpatterns as usage_root_urlpatterns

handler400 = "histovet.pages.errors.bad_request"
handler403 = "histovet.pages.errors.forbidden"
handler404 = "histovet.pages.errors.not_found"
handler500 = "histovet.pages.errors.broken"

# What is asked most comes first: each pattern that is tried costs some µs.
urlpatterns = [
    path("", include("histovet.partners.urls")),
    *root_urlpatterns,
    *usage_root_urlpatterns,
    *i18n_patterns(
        path("", include("histovet.sharing.urls")),
        path("", include("histovet.history.urls")),
        path("", include("histovet.pages.urls")),
        path("", include("histovet.usage.urls")),
        path("", include("histovet.operation.urls")),
        path("", include(partner_pages)),
        prefix_default_language=False,
    ),
]

from django.urls import path, re_path

from histovet.partners.api import ancestor_api, api
from histovet.partners.openapi import ANCESTOR_PATH, PATH, openapi_view
from histovet.partners.views import no_such_path, partners

urlpatterns = [
    path(f"{PATH[1:]}/", api.urls),
    path(f"{PATH[1:]}/openapi.json", openapi_view(api), name="openapi"),
    path(f"{ANCESTOR_PATH[1:]}/", ancestor_api.urls),
    # Whatever the method, and before a slash would be appended by a redirect.
    re_path(r"^(?:histovec/)?api/", no_such_path),
]

# In each language of the site.
pages = [path("partenaires", partners, name="partners")]

from django.core.cache import cache
from django.urls import path

from histovet import urls

handler500 = urls.handler500


def count_and_fail(request):
    cache.add("attempt", 1, 60)
    raise RuntimeError


urlpatterns = [path("counts-and-fails/", count_and_fail), *urls.urlpatterns]

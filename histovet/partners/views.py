from __future__ import annotations

import functools

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.html import format_html
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from histovet.partners.api import api
from histovet.partners.openapi import PATH, openapi_document
from histovet.partners.problems import Problem, problem_response
from histovet.partners.reference import Reference, reference


@csrf_exempt
def no_such_path(request: HttpRequest) -> HttpResponse:
    return problem_response(Problem.NO_SUCH_PATH)


@require_safe
def partners(request: HttpRequest) -> HttpResponse:
    """The API, described from its own OpenAPI document."""
    language = translation.get_language()
    # Of the document, which is in French alone.
    lang = "" if language == "fr" else format_html(' lang="{}"', "fr")
    shown = {"reference": _reference(language), "fr": lang}
    return render(request, "partners/reference.html", shown)


@functools.cache
def _reference(language: str) -> Reference:
    """Made once for each language that a page has."""
    return reference(orjson.loads(openapi_document(api)), f"{PATH}/")

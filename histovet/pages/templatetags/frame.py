"""What is the same on every page of a language, made once: twenty addresses and thirty
texts take a third of the time of a report.

Loaded after Django's i18n, whose `translate` it replaces by one that remembers.
"""

from __future__ import annotations

import functools

from django import template
from django.template.base import FilterExpression, Node, NodeList, Parser, Token
from django.template.context import Context
from django.template.loader import render_to_string
from django.template.loader_tags import BlockNode
from django.templatetags.i18n import TranslateNode, do_translate
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


@register.simple_tag
def footer() -> str:
    return _footer(get_language() or "fr")


@functools.cache
def _footer(language: str) -> str:
    return render_to_string("pages/_footer.html")


@register.tag
def fixed(parser: Parser, token: Token) -> Node:
    """What stands up to `endfixed` is of the language alone, and sees no variable."""
    nodes = parser.parse(("endfixed",))
    parser.delete_first_token()
    if nodes.get_nodes_by_type(BlockNode):
        # It would be kept as the first page has it.
        raise template.TemplateSyntaxError("a block stands in what is fixed")
    return _Fixed(nodes)


class _Fixed(Node):
    child_nodelists = ("nodes",)

    def __init__(self, nodes: NodeList) -> None:
        self.nodes = nodes
        self._texts: dict[str, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        language = get_language() or "fr"
        text = self._texts.get(language)
        if text is None:
            text = self._texts[language] = self.nodes.render(context.new())
        return text


@register.tag
def translate(parser: Parser, token: Token) -> Node:
    """As Django's, which has gettext merge catalogues each time."""
    node = do_translate(parser, token)
    text = node.filter_expression
    is_literal = isinstance(text.var.literal, str) and not text.filters
    if not is_literal or node.asvar or node.message_context:
        return node
    return _Said(text, noop=node.noop)


class _Said(TranslateNode):
    """A text that stands in the template, with nothing beside it."""

    def __init__(self, text: FilterExpression, *, noop: bool) -> None:
        super().__init__(text, noop)
        self._said: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        said = self._said.get(language)
        if said is None:
            said = self._said[language] = super().render(context)
        return said

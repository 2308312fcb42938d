"""Texts in templates and code → gettext catalogue → the bytes that Django reads.

Templates are read by Django's own parser and code by Babel, so that a fresh machine
without GNU gettext can keep the catalogue.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.template import Engine
from django.template.base import FilterExpression, Node, Template, Variable
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.translation import trim_whitespace

_PYTHON_CALLS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}

_HEADER = r"""msgid ""
msgstr ""
"Language: en\n"
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""


@dataclass(frozen=True)
class Text:
    """One text to translate; `plural` and `context` are empty when it has none."""

    singular: str
    plural: str
    context: str
    place: str


def texts_of_template(path: Path, name: str) -> Iterator[Text]:
    """Raises TemplateSyntaxError for a template that does not parse."""
    template = Engine.get_default().from_string(path.read_text(encoding="utf-8"))
    for node in _nodes(template, (TranslateNode, BlockTranslateNode)):
        if isinstance(node, TranslateNode):
            # A variable holds a text of the code, where it is found.
            if text := _literal(node.filter_expression):
                yield Text(text, "", _literal(node.message_context), name)
        elif isinstance(node, BlockTranslateNode):
            singular, _ = node.render_token_list(node.singular)
            plural, _ = node.render_token_list(node.plural) if node.plural else ("", [])
            if node.trimmed:
                singular, plural = trim_whitespace(singular), trim_whitespace(plural)
            yield Text(singular, plural, _literal(node.message_context), name)


def texts_of_module(path: Path, name: str) -> Iterator[Text]:
    for _, found, _, context in extract_from_file(
        "python", str(path), keywords=_PYTHON_CALLS
    ):
        singular, plural = found if isinstance(found, tuple) else (found, "")
        yield Text(singular, plural, context or "", name)


def all_texts(base: Path) -> Iterator[Text]:
    """Every text of the templates, then of the code, under the repository `base`."""
    for path in sorted((base / "templates").rglob("*.*")):
        yield from texts_of_template(path, path.relative_to(base).as_posix())
    for path in sorted((base / "histovet").rglob("*.py")):
        yield from texts_of_module(path, path.relative_to(base).as_posix())


def updated(po: bytes, texts: Iterator[Text]) -> bytes:
    """Return the catalogue with exactly these texts and the translations it had."""
    had = read_po(io.BytesIO(po), locale="en")
    catalogue = Catalog(locale="en")
    for text in texts:
        msgid = (text.singular, text.plural) if text.plural else text.singular
        before = had.get(msgid, text.context or None)
        catalogue.add(
            msgid,
            before.string if before else None,
            locations=[(text.place, 1)],
            context=text.context or None,
        )
    return _written(catalogue)


def compiled(po: bytes) -> bytes:
    out = io.BytesIO()
    write_mo(out, read_po(io.BytesIO(po), locale="en"))
    return out.getvalue()


def untranslated(po: bytes) -> list[str]:
    """Return the texts that lack a translation or are marked as doubtful."""
    return [
        str(message.id)
        for message in read_po(io.BytesIO(po), locale="en")
        if message.id and (message.fuzzy or not _complete(message))
    ]


def _complete(message: Message) -> bool:
    if isinstance(message.string, str | None):
        return bool(message.string)
    return bool(message.string) and all(message.string)


def _written(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalogue, width=88, omit_header=True, include_lineno=False)
    # Babel's own header holds the moment and its version: a change at every run.
    return _HEADER.encode() + out.getvalue()


def _nodes(template: Template, kinds: tuple[type[Node], ...]) -> Iterator[Node]:
    for kind in kinds:
        yield from template.nodelist.get_nodes_by_type(kind)


def _literal(expression: FilterExpression | None) -> str:
    """Return the text between quotes in a tag, empty for a variable or nothing."""
    var = expression.var if expression else None
    if isinstance(var, Variable):
        var = var.literal
    return var if isinstance(var, str) else ""

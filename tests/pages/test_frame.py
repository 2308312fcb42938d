"""What is fixed is made once a language, and of nothing that one reader brings."""

import pytest
from django.template import Context, Engine, TemplateSyntaxError
from django.utils import translation

LOAD = "{% load i18n frame %}"


def rendered(text: str, language: str = "fr", **variables: object) -> str:
    return said(Engine.get_default().from_string(LOAD + text), language, **variables)


def said(template, language: str, **variables: object) -> str:
    with translation.override(language):
        return template.render(Context(variables))


def test_what_is_fixed_is_said_in_each_language():
    template = Engine.get_default().from_string(
        LOAD + '{% fixed %}<a href="{% url "help" %}">{% translate "Aide" %}</a>'
        "{% endfixed %}"
    )
    for _ in range(2):
        assert said(template, "fr") == '<a href="/aide">Aide</a>'
        assert said(template, "en") == '<a href="/en/help">Help</a>'


def test_what_is_fixed_sees_no_variable():
    text = "{% fixed %}[{{ name }}]{% endfixed %}{{ name }}"
    assert rendered(text, name="LEMOINE") == "[]LEMOINE"


def test_what_is_fixed_has_no_token_of_one_reader():
    text = "{% fixed %}{% csrf_token %}{% endfixed %}"
    assert rendered(text, csrf_token="a" * 64) == ""


def test_a_block_is_never_fixed():
    with pytest.raises(TemplateSyntaxError, match="a block"):
        rendered(
            "{% fixed %}{% if x %}{% block a %}{% endblock %}{% endif %}{% endfixed %}"
        )


def test_a_text_is_remembered_in_each_language():
    template = Engine.get_default().from_string(LOAD + '{% translate "Aide" %}')
    for _ in range(2):
        assert (said(template, "fr"), said(template, "en")) == ("Aide", "Help")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{% translate word %}", "Help"),
        ('{% translate "Aide"|upper %}', "HELP"),
        ('{% translate "Aide" as here %}[{{ here }}]', "[Help]"),
        ('{% translate "Aide" noop %}', "Aide"),
        ('{% translate "a < b" %}', "a < b"),
    ],
)
def test_what_else_translate_may_say_is_as_django_says_it(text, shown):
    assert rendered(text, "en", word="Aide") == shown

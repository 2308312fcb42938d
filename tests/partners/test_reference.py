"""The page of the API says what its OpenAPI document says."""

import html
import re

import pytest

PATHS = ["/partenaires", "/en/partenaires"]


@pytest.fixture(params=PATHS)
def page(request, client, db):
    answer = client.get(request.param)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


@pytest.fixture
def document(client, db):
    return client.get("/api/v1/openapi.json").json()


def test_every_call_has_its_part(page, document):
    ours = [path for path in document["paths"] if path.startswith("/api/v1/")]
    assert len(ours) == 5
    for path in ours:
        for method, operation in document["paths"][path].items():
            assert f"{method.upper()} {path}" in page
            assert operation["summary"] in page
            assert f'id="{operation["operationId"]}"' in page


def test_every_error_stands_there(page, document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response["content"].get("application/problem+json", {})
                for example in content.get("examples", {}).values():
                    assert example["value"]["type"] in page, path
                    assert example["value"]["detail"] in page


def test_every_field_of_every_type_stands_there(page, document):
    for name, schema in document["components"]["schemas"].items():
        if fields := schema.get("properties"):
            assert f'id="type-{name}"' in page
            for field in fields:
                assert f"<dt>{field}" in page, (name, field)


def test_what_it_links_to_is_there(page):
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert len(targets) > 30
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


def test_it_is_light_and_asks_nobody_else(client, db):
    for path in PATHS:
        answer = client.get(path)
        assert len(answer.content) < 100_000
        assert b"<script" not in answer.content
        assert b" style=" not in answer.content
        assert client.head(path).status_code == 200
        assert client.post(path).status_code in (403, 405)


def test_partners_find_it_from_the_home_page(client, db):
    for home, way, page in (
        ("/", "/devenir-partenaire", "/partenaires"),
        ("/en/", "/en/become-a-partner", "/en/partenaires"),
    ):
        assert f'href="{way}"' in client.get(home).content.decode()
        assert f'href="{page}"' in client.get(way).content.decode()
    assert 'href="/api/v1/openapi.json"' in client.get("/partenaires").content.decode()

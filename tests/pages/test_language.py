import pytest


@pytest.mark.parametrize("accepted", ["", "en", "en-GB,en;q=0.9", "de", "fr"])
def test_the_address_decides_the_language_not_the_browser(client, accepted):
    french = client.get("/", headers={"accept-language": accepted})
    english = client.get("/en/", headers={"accept-language": accepted})
    assert french.headers["Content-Language"] == "fr"
    assert '<html lang="fr">' in french.content.decode()
    assert "Vous vendez" in french.content.decode()
    assert english.headers["Content-Language"] == "en"
    assert '<html lang="en">' in english.content.decode()
    assert "You are selling" in english.content.decode()


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/", '<a href="/en/" hreflang="en" lang="en">English</a>'),
        ("/en/", '<a href="/" hreflang="fr" lang="fr">Français</a>'),
        # A page there is not has no counterpart: home.
        ("/nowhere/", '<a href="/en/" hreflang="en" lang="en">English</a>'),
        ("/en/nowhere/", '<a href="/" hreflang="fr" lang="fr">Français</a>'),
    ],
)
def test_the_switch_keeps_the_page(client, path, link):
    assert link in client.get(path).content.decode()


@pytest.mark.urls("tests.pages.failing_urls")
@pytest.mark.parametrize(
    ("path", "other"), [("/closed/", "/en/closed/"), ("/en/closed/", "/closed/")]
)
def test_the_switch_of_any_page_leads_to_the_same_page(client, path, other):
    assert f'href="{other}"' in client.get(path).content.decode()


def test_english_without_its_slash_is_english(client):
    answer = client.get("/en")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/en/")


def test_the_switch_never_leads_to_another_site(client):
    path = "//elsewhere.example/acheteur"
    page = client.get("/", PATH_INFO=path).content.decode()
    assert "elsewhere" not in page
    assert '<a href="/en/" hreflang="en"' in page

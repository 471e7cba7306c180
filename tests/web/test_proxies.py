"""Whose word counts on where a request comes from: only that of a trusted proxy."""

from collections.abc import Callable

import httpx
import pytest
from factories.key import make_key
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mycovigil.access import Scope
from mycovigil.settings import Settings, WebSettings

Serve = Callable[[str, Settings], str]


def limited(settings: Settings, *proxies: str) -> Settings:
    """One request an hour from each address, at both services."""
    page = settings.predictor.model_copy(update={"page_rate": "1/hour", "public_page": True})
    drift = settings.drift.model_copy(update={"address_rate": "1/hour"})
    web = WebSettings(trusted_proxies=proxies)
    return settings.model_copy(update={"predictor": page, "drift": drift, "web": web})


def statuses(service: str, url: str, *forwarded: str) -> list[int]:
    method, path = {"predictor": ("POST", "/"), "drift": ("GET", "/login")}[service]
    with httpx.Client(base_url=url, trust_env=False) as http:
        return [
            http.request(method, path, headers={"x-forwarded-for": one}).status_code
            for one in forwarded
        ]


def test_a_made_up_address_evades_no_rate_without_a_trusted_proxy(
    service: str, serve: Serve, settings: Settings
) -> None:
    url = serve(service, limited(settings))
    assert statuses(service, url, "198.51.100.1", "198.51.100.2, 10.0.0.1")[1:] == [429]


def test_a_trusted_proxy_tells_clients_apart_and_clients_cannot_forge_more(
    service: str, serve: Serve, settings: Settings
) -> None:
    url = serve(service, limited(settings, "127.0.0.0/8", "10.0.0.0/8"))
    answers = statuses(
        service,
        url,
        "203.0.113.1, 198.51.100.7, 10.0.0.1",
        "203.0.113.2, 198.51.100.8, 10.0.0.1",
        "203.0.113.3, 198.51.100.8, 10.0.0.2",
    )
    assert [status == 429 for status in answers] == [False, False, True]


@pytest.mark.parametrize(("proxies", "secure"), [((), False), (("127.0.0.1",), True)])
def test_the_scheme_of_a_trusted_proxy_makes_the_cookie_secure(
    serve: Serve, settings: Settings, engine: Engine, proxies: tuple[str, ...], secure: bool
) -> None:
    with Session(engine) as session, session.begin():
        key = make_key(session, Scope.READ)
    web = WebSettings(trusted_proxies=proxies)
    url = serve("drift", settings.model_copy(update={"web": web}))
    answer = httpx.post(
        f"{url}/login",
        data={"key": key},
        headers={"x-forwarded-proto": "https"},
        trust_env=False,
    )
    assert answer.status_code == 303
    assert ("secure" in answer.headers["set-cookie"].lower()) == secure


def test_the_setting_is_a_list_of_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOVIGIL_WEB_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7,fd00::/8")
    assert WebSettings().trusted_proxies == ("10.0.0.0/8", "192.0.2.7", "fd00::/8")
    for wrong in ("*", "proxy.example", "10.0.0.1/8"):
        monkeypatch.setenv("MYCOVIGIL_WEB_TRUSTED_PROXIES", wrong)
        with pytest.raises(ValidationError):
            WebSettings()

"""Which ``MYCOVIGIL_`` variables are ours, which are Kubernetes', and which are typing mistakes."""

import difflib
import logging
import re
from collections.abc import Collection, Mapping
from functools import cache

from pydantic import ValidationError

from mycovigil.settings.group import LINKED_PORT, PREFIX

# Variables with our prefix that belong to tests and clients, not to the settings.
FOREIGN = frozenset({"MYCOVIGIL_PHOTOS", "MYCOVIGIL_STUDY_RUNS", "MYCOVIGIL_API_KEY"})
HOST = "_SERVICE_HOST"
# What a link's variables have after the service's name.
LINK = re.compile(
    f"{HOST}|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?"
)
logger = logging.getLogger(__name__)


class UnknownSetting(ValueError):
    """A ``MYCOVIGIL_`` variable that no setting reads, most often a typing mistake."""


class WrongSetting(ValueError):
    """A setting whose value cannot be used; the message names its variable."""


def wrong(error: ValidationError) -> WrongSetting:
    """The first error of a group of settings, by the name of its variable."""
    first = error.errors(include_url=False, include_input=False)[0]
    fields = [part for part in first["loc"] if isinstance(part, str)]
    if not fields:
        return WrongSetting(f"{first['msg']}.")
    name = f"{PREFIX}{error.title.removesuffix('Settings')}_{'_'.join(fields)}".upper()
    return WrongSetting(f"{name} is wrong: {first['msg']}.")


def check(environment: Mapping[str, str], known: Collection[str]) -> None:
    """Log the service links of ``environment`` once, and refuse what else is not ``known``.

    Raises:
        UnknownSetting: names the variable, and the setting that was probably meant.
    """
    links = service_links(environment)
    _report(links)
    for name in environment:
        if name.startswith(PREFIX) and name not in {*known, *FOREIGN, *links}:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UnknownSetting(f"{name} is not a setting of Mycovigil.{hint}")


def service_links(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that Kubernetes made for the services of the namespace, in order of their names.

    Every service has a ``…_SERVICE_HOST``, and its ``…_PORT`` is an address.
    """
    services = {name.removesuffix(HOST) for name in environment if name.endswith(HOST)}
    links = (name for name, value in environment.items() if _is_link(name, value, services))
    return tuple(sorted(links))


def _is_link(name: str, value: str, services: Collection[str]) -> bool:
    if not name.startswith(PREFIX):
        return False
    if name.removesuffix("_PORT") in services:
        return LINKED_PORT.match(value) is not None
    return any(
        name.startswith(service) and LINK.fullmatch(name, len(service)) for service in services
    )


@cache
def _report(links: tuple[str, ...]) -> None:
    if links:
        logger.warning(
            "ignored what Kubernetes set for services (enableServiceLinks): %s", ", ".join(links)
        )

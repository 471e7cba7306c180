"""What both HTTP services share."""

import ipaddress

from pydantic import Field, field_validator

from mycovigil.settings.group import Group, prefixed

# A rate limit: requests a period.
RATE = "^[1-9][0-9]{0,8}/(second|minute|hour|day)$"


class WebSettings(Group):
    model_config = prefixed("WEB")
    trusted_proxies: tuple[str, ...] = Field(
        (),
        description="Addresses or networks of proxies whose X-Forwarded-For "
        "and X-Forwarded-Proto the predictor and the drift API believe; none by default.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            ipaddress.ip_network(one)
        return value

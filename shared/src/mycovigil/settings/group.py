"""The base of all groups of settings, and how it reads environment variables."""

import re
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from mycovigil.settings import secret_file

PREFIX = "MYCOVIGIL_"
# Kubernetes gives every container the address of each service in its namespace: for a service
# called mycovigil-predictor, MYCOVIGIL_PREDICTOR_PORT=tcp://10.0.0.1:8000.
LINKED_PORT = re.compile("^(tcp|udp|sctp)://")


class Environment(EnvSettingsSource):
    """Environment variables, with lists as people write them, secrets also from files, and without
    service links."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        if field_name == "port" and isinstance(value, str) and LINKED_PORT.match(value):
            return None, key, is_complex
        if field.annotation is SecretStr:
            value = secret_file.read(self.env_vars, f"{self.env_prefix}{field_name}") or value
        return value, key, is_complex

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Items separated by commas, or JSON."""
        if NoDecode in field.metadata or value.lstrip().startswith(("[", "{")):
            try:
                return super().decode_complex_value(field_name, field, value)
            except ValueError:
                return value  # no JSON: validation says so, and names the field
        items = [item.strip() for item in value.split(",") if item.strip()]
        if str in get_args(field.annotation):
            return items
        return [int(item) if item.isdecimal() else item for item in items]


class Group(BaseSettings):
    """A frozen group of settings; each field's description is its documentation."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes them by name
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Environment(settings_cls)


def prefixed(name: str) -> SettingsConfigDict:
    """The configuration of a group whose variables begin with ``MYCOVIGIL_<name>_``."""
    return SettingsConfigDict(env_prefix=f"{PREFIX}{name}_", frozen=True, extra="forbid")

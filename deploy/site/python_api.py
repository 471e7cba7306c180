"""The reference of the public Python rooms, from their signatures and docstrings."""

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

# What other people's programs import; all other rooms are internal.
ROOMS = (
    "mycovigil_client",
    "mycovigil_statistics.drift",
    "mycovigil_statistics.safety.conformal",
    "mycovigil_statistics.safety.paired",
    "mycovigil_statistics.safety.proportions",
    "mycovigil_statistics.errors",
)
LITERAL = re.compile(r"(?<!`)``([^`]+)``(?!`)")
ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
SECTION = re.compile(r"^(Args|Returns|Raises|Yields):$", re.MULTILINE)


def page() -> str:
    """One page of all rooms."""
    parts = [
        "# Python API\n\nWritten from the code by `make docs`. These are the rooms that programs "
        "of yours may import: the client ([how to use it](../how-to/predict.md)) and the "
        "mathematics ([introduction](drift-test.md)). All other packages are internal.\n"
    ]
    for room in ROOMS:
        module = importlib.import_module(room)
        parts.append(f"## `{room}`\n\n{prose(module)}\n")
        parts += [described(name, thing) for name, thing in public(module)]
    return "\n".join(parts)


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """Names that a module declares, or else its own classes and functions."""
    names = getattr(module, "__all__", None) or [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__
    ]
    for name in names:
        thing = getattr(module, name)
        if inspect.isclass(thing) or callable(thing):
            yield name, thing


def described(name: str, thing: Any) -> str:
    if not inspect.isclass(thing):
        return f"### `{name}`\n\n{declared('def ', name, thing)}\n{prose(thing)}\n"
    parts = [f"### `{name}`\n\n{prose(thing)}\n"]
    if issubclass(thing, enum.Enum):
        return parts[0] + "\n" + "\n".join(f"- `{one.value}`" for one in thing) + "\n"
    if not issubclass(thing, BaseException) and not hasattr(thing, "model_fields"):
        parts.append(declared("class ", name, thing))
    parts += fields(thing)
    for method, function in vars(thing).items():
        plain = getattr(function, "__func__", function)
        if method.startswith("_") or not (inspect.isfunction(plain) or isinstance(plain, property)):
            continue
        if isinstance(plain, property):
            parts.append(f"#### `{name}.{method}`\n\n{prose(plain)}\n")
        elif plain.__doc__:
            parts.append(
                f"#### `{name}.{method}`\n\n{declared('def ', method, plain)}\n{prose(plain)}\n"
            )
    return "\n".join(parts)


def fields(thing: Any) -> list[str]:
    """The fields of a Pydantic model, as a list."""
    models = getattr(thing, "model_fields", {})
    lines = [f"- `{name}`: `{shown(one.annotation)}`" for name, one in models.items()]
    return ["\n".join(lines) + "\n"] if lines else []


def declared(word: str, name: str, thing: Any) -> str:
    try:
        signature = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    if len(signature) > 88 and "(" in signature:  # one parameter a line
        parameters = inspect.signature(thing).parameters.values()
        result = signature.rpartition(") -> ")[2] if ") -> " in signature else ""
        signature = "(\n" + "".join(f"    {one},\n" for one in parameters) + ")"
        signature += f" -> {result}" if result else ""
    return f"```python\n{word}{name}{plain_names(signature)}\n```\n"


def plain_names(text: str) -> str:
    """Annotations without the modules that the types live in."""
    text = re.sub(r"<class '([\w.]+)'>", r"\1", text)
    text = re.sub(r"<factory>|<object object at \w+>", "…", text)
    return re.sub(r"\b(?:[a-z_][\w]*\.)+(?=[A-Za-z_])", "", text)


def shown(annotation: Any) -> str:
    name = annotation.__name__ if inspect.isclass(annotation) else str(annotation)
    return plain_names(name).replace("|", "or")


def prose(thing: Any) -> str:
    """The docstring as Markdown."""
    text = inspect.getdoc(thing) or ""
    if inspect.isclass(thing) and text == inspect.getdoc(
        thing.__mro__[-2] if len(thing.__mro__) > 2 else object
    ):
        text = ""
    text = re.sub(
        r"((?:^>>> .*\n?|^\.\.\. .*\n?)+)", r"```python\n\1\n```\n", text, flags=re.MULTILINE
    )
    text = SECTION.sub(r"**\1**\n", text)
    return LITERAL.sub(r"`\1`", ROLE.sub(r"`\1`", text))

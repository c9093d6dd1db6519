"""What bots may rely on, by the API's OpenAPI document: its routes, and the fields of what is sent and answered.

``python -m tests.replicas.contract`` writes that of the version before (``versions.PREVIOUS``) beside this file, so
that it can be compared where the repository's history is not at hand.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.replicas.versions import previous_version

KEPT = Path(__file__).parent / "previous_contract.json"
_DOCUMENT = """
import json
from pydantic import SecretStr
from api.app import create_app
from api.settings import Settings
from bot.cli.secrets import new_secrets
secrets = {name.removeprefix("SHANGLOU_").lower(): SecretStr(value) for name, value in new_secrets().items()}
print(json.dumps(create_app(Settings(_env_file=None, **secrets), "postgresql://nobody@127.0.0.1:1/none").openapi()))
"""
"""Runs in any version."""


@dataclass(frozen=True)
class Contract:
    """``routes``: ``METHOD path`` → its parameters that must be given. ``sent``, ``told``: name of a schema that goes
    into a request, or comes with an answer → its fields, each with whether it must be there."""

    routes: dict[str, list[str]]
    sent: dict[str, dict[str, bool]]
    told: dict[str, dict[str, bool]]

    def breaches(self, now: "Contract") -> list[str]:
        """What a bot that relies on this contract would miss, or be refused for, with another one."""
        found = [f"{route} is gone" for route in self.routes if route not in now.routes]
        for route in self.routes.keys() & now.routes.keys():
            found += [f"{route} needs {name}" for name in now.routes[route] if name not in self.routes[route]]
        for name in self.sent.keys() & now.sent.keys():
            before, after = self.sent[name], now.sent[name]
            found += [f"{name} takes {field} no more" for field in before if field not in after]
            found += [f"{name} needs {field}" for field in after if after[field] and not before.get(field, False)]
        for name, before in self.told.items():
            after = now.told.get(name, {})
            found += [f"{name} tells {field} no more" for field in before if field not in after]
        return sorted(found)


def contract(document: dict[str, Any]) -> Contract:
    sent: set[str] = set()
    told: set[str] = set()
    routes = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            given = operation.get("parameters", [])
            routes[f"{method.upper()} {path}"] = [one["name"] for one in given if one.get("required")]
            _collect(document, operation.get("requestBody", {}), sent)
            _collect(document, operation["responses"], told)
    schemas = document["components"]["schemas"]
    return Contract(routes, *({name: _fields(schemas[name]) for name in sorted(names)} for names in (sent, told)))


def _fields(schema: dict[str, Any]) -> dict[str, bool]:
    return {field: field in schema.get("required", []) for field in schema.get("properties", {})}


def _collect(document: dict[str, Any], part: Any, names: set[str]) -> None:
    """The schemas that a part of the document names, and those that these name."""
    for reference in _references(part):
        name = reference.rpartition("/")[2]
        if name not in names:
            names.add(name)
            _collect(document, document["components"]["schemas"][name], names)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def kept() -> Contract:
    """That of the version before."""
    return Contract(**json.loads(KEPT.read_text()))


def contract_of(version: Path) -> Contract:
    """That of the source in a folder."""
    made = subprocess.run([sys.executable, "-c", _DOCUMENT], cwd=version, capture_output=True, text=True, check=True)
    return contract(json.loads(made.stdout))


def main() -> None:
    with TemporaryDirectory() as folder:
        found = asdict(contract_of(previous_version(Path(folder))))
    KEPT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

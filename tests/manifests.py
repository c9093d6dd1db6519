"""YAML as those read it who refuse a key that stands twice: PyYAML alone would take the last, and say nothing."""

from collections.abc import Iterator
from typing import Any

import yaml


class _Strict(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """As it stands in the text: what ``<<`` brings comes later, and may be overridden."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.composer.ComposerError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value)
        return node


def load(text: str) -> Any:
    """The one document of a text.

    Raises:
        yaml.YAMLError: it is none, or a key stands twice in a mapping.
    """
    return yaml.load(text, _Strict)


def load_all(text: str) -> Iterator[Any]:
    """Each document of a text, likewise."""
    yield from yaml.load_all(text, _Strict)

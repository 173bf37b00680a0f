"""Where each IRI of our namespaces is told: ``prefix/Name.html``, the same on every file system.

Some file systems take names that differ by case alone for one. Of such names the first has the page, and the others
stand on it under anchors.
"""

from __future__ import annotations

from collections.abc import Iterable

from dermograph.terms import OWN, local_name


class Addresses:
    """Paths below the root of the site, by compact IRI."""

    def __init__(self, nodes: Iterable[str]) -> None:
        self._paths: dict[str, str] = {}
        self.guests: dict[str, list[str]] = {}
        hosts: dict[str, str] = {}
        for node in sorted(nodes):
            host = hosts.setdefault(node.lower(), node)
            path = f"{host.replace(':', '/', 1)}.html"
            if host != node:
                self.guests.setdefault(host, []).append(node)
                path += f"#{local_name(node)}"
            self._paths[node] = path

    def __contains__(self, node: object) -> bool:
        return node in self._paths

    def __getitem__(self, node: str) -> str:
        return self._paths[node]

    def hosts(self) -> list[str]:
        """Nodes that have a page of their own, sorted."""
        return [node for node, path in self._paths.items() if "#" not in path]


def own(node: str) -> bool:
    """Whether a node is an IRI of our namespaces."""
    prefix, colon, local = node.partition(":")
    return bool(colon and local) and prefix in OWN and " " not in local

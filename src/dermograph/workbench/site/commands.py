"""The reference of the commands, made from the help that each command gives of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dermograph.workbench.site.blocks import Code, Page, Section, Table, linked, paragraph


@dataclass(frozen=True)
class Command:
    """A command as its help tells it.

    :param parameters: kind (argument or option), what is written, and what it means.
    """

    name: str
    usage: str
    text: str
    parameters: tuple[tuple[str, str, str], ...]


def read(context: Any, group: Any) -> list[Command]:
    """Commands of a group of the command line.

    :param context: context of the group, as typer makes it.
    """
    return [_command(context, name, command) for name, command in sorted(group.commands.items()) if not command.hidden]


def _command(above: Any, name: str, command: Any) -> Command:
    context = type(above)(command, info_name=name, parent=above)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parameters = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record:
            parameters.append((parameter.param_type_name, " ".join(record[0].split()), record[1]))
    return Command(name, usage, command.help or "", tuple(parameters))


def pages(commands: Sequence[Command]) -> Iterator[Page]:
    """The list of commands and a page for each."""
    rows = [[linked(f"commands/{c.name}.html", Markup("<code>{}</code>").format(c.name)), c.text.partition("\n\n")[0]] for c in commands]
    table = Table("Commands", ["command", "what it does"], rows)
    codes = [["0", "done"], ["1", "a bug"], ["2", "a wrong command line"], ["3", "an input that cannot be read, or something that is invalid"]]
    lead = "What the command line can do; each page is the help of the command itself."
    sections = [Section("all", "All commands", [table]), Section("exit-codes", "Exit codes", [Table("Exit codes", ["code", "meaning"], codes)])]
    yield Page("commands.html", "Commands", "list", lead, sections)
    for command in commands:
        yield _page(command)


def _page(command: Command) -> Page:
    tables = []
    for kind, title in (("argument", "Arguments"), ("option", "Options")):
        own = [[Markup("<code>{}</code>").format(written), meaning] for k, written, meaning in command.parameters if k == kind]
        tables.append(Section(title.lower(), title, [Table(title, ["written", "meaning"], own)] if own else []))
    lead, _, rest = command.text.partition("\n\n")
    more = Section("more", "More", [paragraph(*rest.split("\n\n"))] if rest else [])
    sections = [Section("usage", "Usage", [Code(command.usage, "usage", wrapped=True)]), more, *tables]
    return Page(f"commands/{command.name}.html", f"dermograph {command.name}", "command", lead, sections, (("Commands", "commands.html"),))

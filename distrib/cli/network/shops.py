"""``distrib shops``: exports subtrees of the referral tree for other tools, and draws invitations."""

from __future__ import annotations

import json
from pathlib import Path

import click

from distrib.bootstrap import open_container
from distrib.cli.network.posters import poster_command, qr_command
from distrib.cli.output import program_option
from distrib.services.network.subtrees import as_graphml, as_node_link, read_subtree

DEEPEST = 1_000


@click.group("shops")
def shops_group() -> None:
    """Export parts of the referral tree; draw invitations."""


shops_group.add_command(poster_command)
shops_group.add_command(qr_command)


@shops_group.command("export")
@click.argument("shop_id")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "graphml"]),
    default="json",
    show_default=True,
    help="Node-link JSON or GraphML.",
)
@click.option("--levels", type=click.IntRange(1, DEEPEST), help="How deep; all the way if not given.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="A file; standard output if not given.",
)
@program_option
def export_command(shop_id: str, form: str, levels: int | None, output: Path | None, program_code: str | None) -> None:
    """Export the shop SHOP_ID and all below it, up to 100,000 shops."""
    with open_container() as container, container.begin() as conn:
        tree = read_subtree(container.unit(conn, program_code), shop_id, levels)
    if form == "json":
        chunks = iter([json.dumps(as_node_link(tree), ensure_ascii=False).encode() + b"\n"])
    else:
        chunks = as_graphml(tree)
    if output is None:
        for chunk in chunks:
            click.echo(chunk, nl=False)
        return
    with output.open("wb") as file:
        file.writelines(chunks)

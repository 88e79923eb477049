"""``distrib webhook``: makes, lists, enables, disables and ends endpoints; their deliveries seen and sent again."""

from __future__ import annotations

import click

from distrib.bootstrap import open_container
from distrib.cli.output import in_both, json_option, open_console, print_json, print_table, program_option, time_text
from distrib.domain.texts import Text, Wording
from distrib.domain.webhooks import EVENT_TYPES
from distrib.services.webhooks import endpoints as service
from distrib.services.webhooks.endpoints import WebhookDraft
from distrib.services.webhooks.views import WebhookChanges

PAGE = 500


@click.group()
def webhook() -> None:
    """Where the service tells of what happened."""


@webhook.command()
@click.argument("url")
@click.option("--event", "events", type=click.Choice(EVENT_TYPES), multiple=True, help="All if not given.")
@click.option("--id", "webhook_id", help="Its id; made up if not given.")
@program_option
@json_option
def create(url: str, events: tuple[str, ...], webhook_id: str | None, program_code: str | None, as_json: bool) -> None:
    """Make an endpoint at URL; its secret is printed, alone on the last line."""
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        made, _ = service.create_webhook(
            unit,
            WebhookDraft(webhook_id, url, events or EVENT_TYPES),
            container.sealer,
            allows_private=container.settings.webhook_allow_private,
        )
    if as_json:
        print_json(made)
        return
    click.echo(f"{made.id}: {', '.join(made.events)}", err=True)
    click.echo(made.secret)


@webhook.command("list")
@program_option
@json_option
def list_command(program_code: str | None, as_json: bool) -> None:
    """List the endpoints without their secrets."""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        endpoints, _ = service.list_webhooks(conn, program, None, PAGE)
    if as_json:
        print_json(endpoints)
        return
    columns: dict[Wording, bool] = dict.fromkeys(
        (Text("id", "column"), "url", Text("events", "column"), Text("status", "column"), Text("why", "column")), False
    )
    rows = [
        (endpoint.id, endpoint.url, " ".join(endpoint.events), endpoint.status, endpoint.disabled_reason)
        for endpoint in endpoints
    ]
    print_table(open_console(), f"{in_both(Text('Webhooks'))}: {program.code}", columns, rows)


def _set_status(webhook_id: str, program_code: str | None, status: str) -> None:
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        service.change_webhook(
            unit,
            webhook_id,
            WebhookChanges(status=status),
            allows_private=container.settings.webhook_allow_private,
            sealer=container.sealer,
        )
    click.echo(f"{webhook_id}: {status}")


@webhook.command()
@click.argument("webhook_id")
@program_option
def enable(webhook_id: str, program_code: str | None) -> None:
    """Enable WEBHOOK_ID; what waited is sent."""
    _set_status(webhook_id, program_code, "enabled")


@webhook.command()
@click.argument("webhook_id")
@program_option
def disable(webhook_id: str, program_code: str | None) -> None:
    """Disable WEBHOOK_ID; what waits, waits on."""
    _set_status(webhook_id, program_code, "disabled")


@webhook.command()
@click.argument("webhook_id")
@program_option
def end(webhook_id: str, program_code: str | None) -> None:
    """End WEBHOOK_ID for ever."""
    with open_container() as container, container.begin() as conn:
        service.end_webhook(container.unit(conn, program_code), webhook_id)
    click.echo(in_both(Text("{id} has ended.", "webhook", id=webhook_id)))


@webhook.command()
@click.argument("webhook_id")
@program_option
@json_option
def deliveries(webhook_id: str, program_code: str | None, as_json: bool) -> None:
    """The newest deliveries to WEBHOOK_ID."""
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        listed, _ = service.list_deliveries(unit, webhook_id, None, None, PAGE)
    if as_json:
        print_json(listed)
        return
    columns: dict[Wording, bool] = dict.fromkeys(
        (Text("id", "column"), Text("type", "column"), Text("status", "column")), False
    )
    columns |= {Text("attempts", "column"): True, Text("answer", "column"): True, Text("next", "column"): False}
    rows = [
        (
            delivery.id,
            delivery.type,
            delivery.status,
            delivery.attempts,
            delivery.response_status or delivery.error,
            "" if delivery.next_attempt_at is None else time_text(delivery.next_attempt_at),
        )
        for delivery in listed
    ]
    print_table(open_console(), f"{webhook_id}: {in_both(Text('deliveries'))}", columns, rows)


@webhook.command()
@click.argument("webhook_id")
@click.argument("delivery_id")
@program_option
def resend(webhook_id: str, delivery_id: str, program_code: str | None) -> None:
    """Send DELIVERY_ID to WEBHOOK_ID again, soon."""
    with open_container() as container, container.begin() as conn:
        unit = container.unit(conn, program_code)
        service.resend(unit, webhook_id, delivery_id)
    click.echo(f"{delivery_id}: pending")

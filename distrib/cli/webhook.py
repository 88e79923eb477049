"""``distrib webhook``: makes, lists, enables, disables and ends endpoints; their deliveries seen and sent again."""

from __future__ import annotations

import click

from distrib.bootstrap import open_container
from distrib.cli.output import json_option, open_console, print_json, print_table, program_option, time_text
from distrib.domain.webhooks import EVENT_TYPES
from distrib.services.context import COMMAND_LINE
from distrib.services.webhooks import endpoints as service

PAGE = 500


@click.group()
def webhook() -> None:
    """Where the service tells of what happened. 事件推送（webhook）。"""


@webhook.command()
@click.argument("url")
@click.option("--event", "events", type=click.Choice(EVENT_TYPES), multiple=True, help="All if not given. 事件类型。")
@click.option("--id", "webhook_id", help="Its id; made up if not given. 编号。")
@program_option
@json_option
def create(url: str, events: tuple[str, ...], webhook_id: str | None, program_code: str | None, as_json: bool) -> None:
    """Make an endpoint at URL; its secret is printed, alone on the last line. 新建推送地址，仅此时显示密钥。"""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        made, _ = service.create_webhook(
            conn,
            program,
            webhook_id,
            url,
            events or EVENT_TYPES,
            container.sealer,
            COMMAND_LINE,
            container.now(),
            allows_private=container.settings.webhook_allow_private,
        )
    if as_json:
        print_json(made)
        return
    click.echo(f"{made['id']}: {', '.join(made['events'])}", err=True)
    click.echo(made["secret"])


@webhook.command("list")
@program_option
@json_option
def list_command(program_code: str | None, as_json: bool) -> None:
    """List the endpoints without their secrets. 列出推送地址。"""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        endpoints, _ = service.list_webhooks(conn, program, None, PAGE)
    if as_json:
        print_json(endpoints)
        return
    columns = dict.fromkeys(("id 编号", "url", "events 事件", "status 状态", "why 原因"), False)
    rows = [
        (endpoint["id"], endpoint["url"], " ".join(endpoint["events"]), endpoint["status"], endpoint["disabled_reason"])
        for endpoint in endpoints
    ]
    print_table(open_console(), f"Webhooks 推送: {program.code}", columns, rows)


def _set_status(webhook_id: str, program_code: str | None, status: str) -> None:
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        service.change_webhook(
            conn,
            program,
            webhook_id,
            {"status": status},
            container.now(),
            allows_private=container.settings.webhook_allow_private,
        )
    click.echo(f"{webhook_id}: {status}")


@webhook.command()
@click.argument("webhook_id")
@program_option
def enable(webhook_id: str, program_code: str | None) -> None:
    """Enable WEBHOOK_ID; what waited is sent. 启用，并补发等待中的事件。"""
    _set_status(webhook_id, program_code, "enabled")


@webhook.command()
@click.argument("webhook_id")
@program_option
def disable(webhook_id: str, program_code: str | None) -> None:
    """Disable WEBHOOK_ID; what waits, waits on. 停用。"""
    _set_status(webhook_id, program_code, "disabled")


@webhook.command()
@click.argument("webhook_id")
@program_option
def end(webhook_id: str, program_code: str | None) -> None:
    """End WEBHOOK_ID for ever. 永久结束。"""
    with open_container() as container, container.begin() as conn:
        service.end_webhook(conn, container.program(conn, program_code), webhook_id, container.now())
    click.echo(f"{webhook_id} has ended. {webhook_id} 已结束。")


@webhook.command()
@click.argument("webhook_id")
@program_option
@json_option
def deliveries(webhook_id: str, program_code: str | None, as_json: bool) -> None:
    """The newest deliveries to WEBHOOK_ID. 最近的投递记录。"""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        listed, _ = service.list_deliveries(conn, program, webhook_id, None, None, PAGE)
    if as_json:
        print_json(listed)
        return
    columns = dict.fromkeys(("id 编号", "type 事件", "status 状态"), False)
    columns |= {"attempts 次数": True, "answer 应答": True, "next 下次": False}
    rows = [
        (
            delivery["id"],
            delivery["type"],
            delivery["status"],
            delivery["attempts"],
            delivery["response_status"] or delivery["error"],
            "" if delivery["next_attempt_at"] is None else time_text(delivery["next_attempt_at"]),
        )
        for delivery in listed
    ]
    print_table(open_console(), f"{webhook_id}: deliveries 投递", columns, rows)


@webhook.command()
@click.argument("webhook_id")
@click.argument("delivery_id")
@program_option
def resend(webhook_id: str, delivery_id: str, program_code: str | None) -> None:
    """Send DELIVERY_ID to WEBHOOK_ID again, soon. 重新投递。"""
    with open_container() as container, container.begin() as conn:
        program = container.program(conn, program_code)
        service.resend(conn, program, webhook_id, delivery_id, container.now())
    click.echo(f"{delivery_id}: pending")

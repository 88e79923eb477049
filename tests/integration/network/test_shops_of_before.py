"""Shops of before their rows knew the root of their tree (migration 0034)."""

from __future__ import annotations

from pathlib import Path

from distrib.app import create_app
from distrib.bootstrap import Container
from distrib.services.programs.tenants import find_program
from distrib.settings import Settings
from distrib.store import migrate
from tests.world import audited, databases
from tests.world.api import Api
from tests.world.world import World

LEVELS = 12
_SHOPS = f"""
INSERT INTO programs (code, currency, time_zone, policy, created_at)
VALUES ('test', 'CNY', 'Asia/Shanghai', 'open', '2026-01-01Z');
INSERT INTO shops (program_id, shop_no, shop_id, digest, name, invite_code, sponsor_no, uplines, level, chain_since,
    joined_at, status, status_since, rank_since, recorded_at)
SELECT 1, n, 's' || n, '', 'Shop ' || n, 'CODE' || n, CASE WHEN n > 2 THEN n - 2 END,
    ARRAY(SELECT u::bigint FROM generate_series(n - 2, 1, -2) u LIMIT 9), (n + 1) / 2, '2026-01-01Z', '2026-01-01Z',
    'active', '2026-01-01Z', '0001-01-02Z', '2026-01-01Z'
FROM generate_series(1, {2 * LEVELS}) n;
INSERT INTO referrals (program_id, shop_no, effective_at, sponsor_no, reason, recorded_at, recorded_by)
SELECT program_id, shop_no, joined_at, sponsor_no, 'joined', joined_at, 'cli' FROM shops;
INSERT INTO shop_statuses (program_id, shop_no, effective_at, status, reason, recorded_at, recorded_by)
SELECT program_id, shop_no, joined_at, status, 'joined', joined_at, 'cli' FROM shops;
"""


def test_trees_of_before_are_listed_whole_however_deep(
    desk: databases.Desk, settings: Settings, redis_url: str, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.sql"
    rows.write_text(_SHOPS, "utf-8")
    with databases.older_database(desk, "0033", rows) as url:
        migrate.upgrade(url)
        container = Container(settings, url, redis_url)
        with container.begin() as conn:
            program = find_program(conn, "test")
        admin = Api(create_app(container), World(container, program)).caller()
        for root in (1, 2):
            page = admin.get(f"/v1/shops?root=s{root}")
            assert page["count"] == LEVELS
            assert {row["id"] for row in page["data"]} == {f"s{n}" for n in range(root, 2 * LEVELS + 1, 2)}
        assert [row["id"] for row in admin.get("/v1/shops?q=SHOP%2024")["data"]] == ["s24"]
        container.close()
        audited.audit_all(url)

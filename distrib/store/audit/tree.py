"""What shops and ids must satisfy: the tree, what is newest of each dated history, no id twice. Nothing is repaired."""

from __future__ import annotations

from distrib.domain.plans.plan import CHAIN_LENGTH
from distrib.store.audit.pages import By
from distrib.store.audit.questions import Question

# A parent that stands one level higher, everywhere, leaves no room for a loop.
_TREE = Question(
    "tree_acyclic_and_levels",
    "SELECT count(*) FROM shops WHERE program_id = %(program)s AND shop_no IN %(page)s",
    f"""
    SELECT s.shop_id, s.level, p.shop_id AS sponsor_id, p.level AS sponsor_level, s.uplines,
           s.root_no
    FROM shops s
    LEFT JOIN LATERAL (SELECT shop_no, shop_id, level, uplines, root_no FROM shops p
                       WHERE p.program_id = s.program_id AND p.shop_no = s.sponsor_no OFFSET 0) p ON true
    WHERE s.program_id = %(program)s AND s.shop_no IN %(page)s AND (
        (s.sponsor_no IS NULL AND (s.level <> 1 OR s.uplines <> '{{}}' OR s.root_no <> s.shop_no))
        OR (s.sponsor_no IS NOT NULL AND (p.shop_no IS NULL OR s.level <> p.level + 1
            OR s.uplines <> (ARRAY[p.shop_no] || p.uplines)[1:{CHAIN_LENGTH}] OR s.root_no <> p.root_no)))
    """,
    By.SHOPS,
)
# What stood deeper when the program took a stricter pack may stay; a link recorded since then is judged by it.
_TREE_POLICY = Question(
    "tree_within_policy",
    "SELECT COALESCE(max(level), 0) FROM shops WHERE program_id = %(program)s",
    """
    SELECT s.shop_id, s.level FROM shops s
    WHERE s.program_id = %(program)s AND s.level > %(max_levels)s AND EXISTS (
        SELECT 1 FROM referrals r
        WHERE r.program_id = %(program)s AND r.shop_no = ANY (s.shop_no || s.uplines) AND r.recorded_at > COALESCE(
            (SELECT max(c.changed_at) FROM program_changes c
             WHERE c.program_id = %(program)s AND c.after::jsonb ? 'policy'), '-infinity'))
    """,
)
_SPONSORS = Question(
    "sponsors_projection",
    "SELECT count(*) FROM referrals WHERE program_id = %(program)s AND shop_no IN %(page)s",
    """
    SELECT s.shop_id, s.sponsor_no, r.sponsor_no AS dated_sponsor_no, s.chain_since, r.effective_at
    FROM shops s LEFT JOIN (SELECT DISTINCT ON (shop_no) shop_no, sponsor_no, effective_at FROM referrals
                            WHERE program_id = %(program)s AND shop_no IN %(page)s
                            ORDER BY shop_no, effective_at DESC, seq DESC) r USING (shop_no)
    WHERE s.program_id = %(program)s AND s.shop_no IN %(page)s
      AND (r.shop_no IS NULL OR s.sponsor_no IS DISTINCT FROM r.sponsor_no)
    """,
    By.SHOPS,
)
_STATUSES = Question(
    "statuses_projection",
    "SELECT count(*) FROM shop_statuses WHERE program_id = %(program)s AND shop_no IN %(page)s",
    """
    SELECT s.shop_id, s.status, s.status_since, h.status AS dated_status, h.effective_at
    FROM shops s LEFT JOIN (SELECT DISTINCT ON (shop_no) shop_no, status, effective_at FROM shop_statuses
                            WHERE program_id = %(program)s AND shop_no IN %(page)s
                            ORDER BY shop_no, effective_at DESC, seq DESC) h USING (shop_no)
    WHERE s.program_id = %(program)s AND s.shop_no IN %(page)s
      AND (s.status, s.status_since) IS DISTINCT FROM (h.status, h.effective_at)
    """,
    By.SHOPS,
)
_RANKS = Question(
    "ranks_projection",
    "SELECT count(*) FROM shop_ranks WHERE program_id = %(program)s AND shop_no IN %(page)s",
    """
    SELECT s.shop_id, s.rank, s.rank_since, h.rank AS dated_rank, h.effective_at
    FROM shops s LEFT JOIN (SELECT DISTINCT ON (shop_no) shop_no, rank, effective_at FROM shop_ranks
                            WHERE program_id = %(program)s AND shop_no IN %(page)s
                            ORDER BY shop_no, effective_at DESC, seq DESC) h USING (shop_no)
    WHERE s.program_id = %(program)s AND s.shop_no IN %(page)s AND (s.rank IS DISTINCT FROM h.rank
          OR (h.shop_no IS NOT NULL AND s.rank_since <> h.effective_at))
    """,
    By.SHOPS,
)
# Each id by itself, along the index that keeps it unique: a statement each, and no table sorted.
_SHOP_IDS = Question(
    "ids_unique",
    "SELECT count(*) FROM shops WHERE program_id = %(program)s",
    """
    SELECT 'shop' AS what, shop_id AS id, count(*) AS times FROM shops
    WHERE program_id = %(program)s GROUP BY shop_id HAVING count(*) > 1
    """,
)
_INVITE_CODES = Question(
    "ids_unique",
    "SELECT 0",
    """
    SELECT 'invite code' AS what, invite_code AS id, count(*) AS times FROM shops
    WHERE program_id = %(program)s GROUP BY invite_code HAVING count(*) > 1
    """,
)
_ORDER_IDS = Question(
    "ids_unique",
    "SELECT count(*) FROM orders WHERE program_id = %(program)s",
    """
    SELECT 'order' AS what, order_id AS id, count(*) AS times FROM orders
    WHERE program_id = %(program)s GROUP BY order_id HAVING count(*) > 1
    """,
)
_EVENT_IDS = Question(
    "ids_unique",
    "SELECT count(*) FROM events WHERE program_id = %(program)s",
    """
    SELECT 'event' AS what, event_id AS id, count(*) AS times FROM events
    WHERE program_id = %(program)s GROUP BY event_id HAVING count(*) > 1
    """,
)
_TRANSFER_NUMBERS = Question(
    "ids_unique",
    "SELECT 0",
    """
    SELECT 'transfer' AS what, cause_no || '-' || seq AS id, count(*) AS times FROM transfers
    WHERE program_id = %(program)s AND cause_no IN %(page)s GROUP BY cause_no, seq HAVING count(*) > 1
    """,
    By.ORDERS,
)

QUESTIONS = (
    _TREE,
    _TREE_POLICY,
    _SPONSORS,
    _STATUSES,
    _RANKS,
    _SHOP_IDS,
    _INVITE_CODES,
    _ORDER_IDS,
    _EVENT_IDS,
    _TRANSFER_NUMBERS,
)

-- What several nouns ask, written once. Each function is one SELECT that is neither strict nor SECURITY DEFINER: the
-- planner puts it in the place where it is called, so that it costs what the same text written there would, under the
-- row-level security of whoever asks. Where one account is read another way than all of a program, there is a function
-- for each (…_of, called LATERAL). `program` and `account` are the numbers of a program and of a shop's account.

-- A transfer's amount as the shop sees it.
CREATE FUNCTION signed_minor(shop_no bigint, credit_account bigint, amount_minor bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN credit_account = shop_no THEN amount_minor ELSE -amount_minor END
$$;

-- Commissions that a case holds, whatever their date says: frozen, and not freed since.
CREATE VIEW held_commissions WITH (security_invoker = true) AS
SELECT z.program_id, z.cause_no, z.seq, z.case_no, z.shop_no, z.frozen_at FROM frozen_commissions z
WHERE NOT EXISTS (SELECT 1 FROM freed_commissions y
                  WHERE y.program_id = z.program_id AND y.cause_no = z.cause_no AND y.seq = z.seq);
GRANT SELECT ON held_commissions TO distrib_web, distrib_worker;

-- Transfers that cases hold at an instant and that are available by their date.
CREATE FUNCTION case_holdings(program integer, as_of timestamptz)
RETURNS TABLE (shop_no bigint, period integer, occurred_at timestamptz, signed_minor bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT t.shop_no, t.period, t.occurred_at, t.signed_minor FROM frozen_transfers t
    WHERE t.program_id = program AND t.available_at <= as_of AND (t.freed_at IS NULL OR t.freed_at > as_of)
$$;

-- Payout lines that reserve their amount at an instant: their batch is not cancelled by then, nor their result known.
CREATE FUNCTION open_payout_lines(program integer, as_of timestamptz)
RETURNS TABLE (shop_no bigint, payout_no bigint, amount_minor bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT l.shop_no, l.payout_no, l.amount_minor FROM payout_lines l
    WHERE l.program_id = program AND l.reserved_at <= as_of
      AND NOT EXISTS (SELECT 1 FROM payout_decisions d WHERE d.program_id = l.program_id AND d.payout_no = l.payout_no
                      AND d.decision = 'cancelled' AND d.decided_at <= as_of)
      AND NOT EXISTS (SELECT 1 FROM payout_results r WHERE r.program_id = l.program_id AND r.payout_no = l.payout_no
                      AND r.shop_no = l.shop_no AND r.occurred_at <= as_of)
$$;

-- Shops that are frozen or closed at an instant: from the few rows that say so, not from the newest row of every shop.
CREATE FUNCTION withheld_shops(program integer, as_of timestamptz) RETURNS TABLE (shop_no bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.shop_no FROM shop_statuses h
    WHERE h.program_id = program AND h.status IN ('frozen', 'closed') AND h.effective_at <= as_of
      AND NOT EXISTS (SELECT 1 FROM shop_statuses n WHERE n.program_id = h.program_id AND n.shop_no = h.shop_no
                      AND n.effective_at <= as_of AND (n.effective_at, n.seq) > (h.effective_at, h.seq))
$$;

-- How a total splits: total = held + reserved + available. What would be available of a shop that is frozen or closed
-- is held as well; that part is withheld_minor (plan.md, Order of work 2).
CREATE FUNCTION money_split(total bigint, held bigint, reserved bigint, is_withheld boolean)
RETURNS TABLE (held_minor bigint, available_minor bigint, withheld_minor bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT held + w.minor, total - held - reserved - w.minor, w.minor
    FROM (SELECT CASE WHEN is_withheld THEN GREATEST(total - held - reserved, 0) ELSE 0 END AS minor) w
$$;

-- What every account with money has. Everything posted counts; held is what becomes available after free_at, and what
-- cases hold; reservations and freezes are those of as_of. With both the present instant it is what can be paid out
-- now; with an earlier free_at, what of it was free by then and is still there: what was paid out since is gone, and
-- no later loss is forgotten.
CREATE FUNCTION account_money(program integer, free_at timestamptz, as_of timestamptz)
RETURNS TABLE (shop_no bigint, total_minor bigint, held_minor bigint, reserved_minor bigint,
               available_minor bigint, withheld_minor bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT w.shop_no, w.total_minor, s.held_minor, w.reserved_minor, s.available_minor, s.withheld_minor
    FROM (
        SELECT m.shop_no, m.total_minor,
               (COALESCE(h.held_minor, 0) + COALESCE(z.case_held_minor, 0))::bigint AS held_minor,
               COALESCE(r.reserved_minor, 0) AS reserved_minor, f.shop_no IS NOT NULL AS is_withheld
        FROM (SELECT a.account_no AS shop_no,
                     sum(a.earned_minor + a.reversed_minor + a.adjusted_minor - a.paid_minor - a.tax_minor)::bigint
                         AS total_minor
              FROM account_months a WHERE a.program_id = program AND a.account_no > 0 GROUP BY a.account_no) m
        LEFT JOIN (SELECT t.shop_no, GREATEST(
                              sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor))
                                  FILTER (WHERE t.kind NOT IN ('paid', 'tax')),
                              COALESCE(sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor))
                                  FILTER (WHERE t.available_at > as_of), 0))::bigint AS held_minor
                   FROM transfers t
                   WHERE t.program_id = program AND t.available_at > free_at AND t.shop_no > 0 GROUP BY t.shop_no) h
               ON h.shop_no = m.shop_no
        LEFT JOIN (SELECT c.shop_no, sum(c.signed_minor)::bigint AS case_held_minor
                   FROM case_holdings(program, free_at) c GROUP BY c.shop_no) z ON z.shop_no = m.shop_no
        LEFT JOIN (SELECT l.shop_no, sum(l.amount_minor)::bigint AS reserved_minor
                   FROM open_payout_lines(program, as_of) l GROUP BY l.shop_no) r ON r.shop_no = m.shop_no
        LEFT JOIN withheld_shops(program, as_of) f ON f.shop_no = m.shop_no
    ) w CROSS JOIN LATERAL money_split(w.total_minor, w.held_minor, w.reserved_minor, w.is_withheld) s
    WHERE (w.total_minor, w.held_minor, w.reserved_minor) <> (0, 0, 0)
$$;

-- The same of some accounts, along the entries of their own.
CREATE FUNCTION account_money_of(program integer, accounts bigint[], free_at timestamptz, as_of timestamptz)
RETURNS TABLE (shop_no bigint, total_minor bigint, held_minor bigint, reserved_minor bigint,
               available_minor bigint, withheld_minor bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT w.shop_no, w.total_minor, s.held_minor, w.reserved_minor, s.available_minor, s.withheld_minor
    FROM (
        SELECT m.shop_no, m.total_minor,
               (COALESCE(h.held_minor, 0) + COALESCE(z.case_held_minor, 0))::bigint AS held_minor,
               COALESCE(r.reserved_minor, 0) AS reserved_minor, f.shop_no IS NOT NULL AS is_withheld
        FROM (SELECT a.account_no AS shop_no,
                     sum(a.earned_minor + a.reversed_minor + a.adjusted_minor - a.paid_minor - a.tax_minor)::bigint
                         AS total_minor
              FROM account_months a WHERE a.program_id = program AND a.account_no = ANY (accounts)
              GROUP BY a.account_no) m
        LEFT JOIN (SELECT t.shop_no, GREATEST(
                              sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor))
                                  FILTER (WHERE t.kind NOT IN ('paid', 'tax')),
                              COALESCE(sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor))
                                  FILTER (WHERE t.available_at > as_of), 0))::bigint AS held_minor
                   FROM shop_transfers t
                   WHERE t.program_id = program AND t.available_at > free_at AND t.shop_no = ANY (accounts)
                   GROUP BY t.shop_no) h
               ON h.shop_no = m.shop_no
        LEFT JOIN (SELECT c.shop_no, sum(c.signed_minor)::bigint AS case_held_minor
                   FROM case_holdings(program, free_at) c WHERE c.shop_no = ANY (accounts)
                   GROUP BY c.shop_no) z ON z.shop_no = m.shop_no
        LEFT JOIN (SELECT l.shop_no, sum(l.amount_minor)::bigint AS reserved_minor
                   FROM open_payout_lines(program, as_of) l WHERE l.shop_no = ANY (accounts)
                   GROUP BY l.shop_no) r ON r.shop_no = m.shop_no
        LEFT JOIN (SELECT y.shop_no FROM withheld_shops(program, as_of) y WHERE y.shop_no = ANY (accounts)) f
               ON f.shop_no = m.shop_no
    ) w CROSS JOIN LATERAL money_split(w.total_minor, w.held_minor, w.reserved_minor, w.is_withheld) s
    WHERE (w.total_minor, w.held_minor, w.reserved_minor) <> (0, 0, 0)
$$;

-- What the months before a month left in every account, and what came and went in it.
CREATE FUNCTION account_figures(program integer, month integer)
RETURNS TABLE (account_no bigint, opening_minor bigint, earned_minor bigint, reversed_minor bigint,
               adjusted_minor bigint, paid_minor bigint, tax_minor bigint, orders bigint, refunds bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a.account_no,
           COALESCE(sum(a.earned_minor + a.reversed_minor + a.adjusted_minor - a.paid_minor - a.tax_minor)
                    FILTER (WHERE a.period < month), 0)::bigint,
           COALESCE(sum(a.earned_minor) FILTER (WHERE a.period = month), 0)::bigint,
           COALESCE(sum(a.reversed_minor) FILTER (WHERE a.period = month), 0)::bigint,
           COALESCE(sum(a.adjusted_minor) FILTER (WHERE a.period = month), 0)::bigint,
           COALESCE(sum(a.paid_minor) FILTER (WHERE a.period = month), 0)::bigint,
           COALESCE(sum(a.tax_minor) FILTER (WHERE a.period = month), 0)::bigint,
           COALESCE(sum(a.orders) FILTER (WHERE a.period = month), 0)::bigint,
           COALESCE(sum(a.refunds) FILTER (WHERE a.period = month), 0)::bigint
    FROM account_months a WHERE a.program_id = program AND a.period <= month AND a.account_no > 0
    GROUP BY a.account_no
$$;

-- A month's statement of every account whose row has anything to say. Held is what the month's transfers and those
-- before it brought and become available from held_from on, by that instant alone: a reversal may be dated long before
-- the commission that it takes back. What a case holds stays held whatever its date.
CREATE FUNCTION statement_figures(program integer, month integer, held_from timestamptz)
RETURNS TABLE (account_no bigint, opening_minor bigint, earned_minor bigint, reversed_minor bigint,
               adjusted_minor bigint, paid_minor bigint, tax_minor bigint, closing_minor bigint, held_minor bigint,
               reserved_minor bigint, available_minor bigint, orders bigint, refunds bigint, withheld_minor bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT c.account_no, c.opening_minor, c.earned_minor, c.reversed_minor, c.adjusted_minor, c.paid_minor, c.tax_minor,
           c.closing_minor, s.held_minor, c.reserved_minor, s.available_minor, c.orders, c.refunds, s.withheld_minor
    FROM (
        SELECT m.*, COALESCE(h.held_minor, 0) AS held_minor, COALESCE(r.reserved_minor, 0) AS reserved_minor,
               f.shop_no IS NOT NULL AS is_withheld, m.opening_minor + m.earned_minor + m.reversed_minor
               + m.adjusted_minor - m.paid_minor - m.tax_minor AS closing_minor
        FROM account_figures(program, month) m
        LEFT JOIN (SELECT e.shop_no, sum(e.minor)::bigint AS held_minor FROM (
                       SELECT t.shop_no, sum(signed_minor(t.shop_no, t.credit_account, t.amount_minor)) AS minor
                       FROM transfers t
                       WHERE t.program_id = program AND t.period <= month AND t.available_at >= held_from
                         AND t.shop_no > 0
                       GROUP BY t.shop_no
                       UNION ALL
                       SELECT z.shop_no, sum(z.signed_minor)
                       FROM case_holdings(program, held_from - interval '1 microsecond') z
                       WHERE z.period <= month GROUP BY z.shop_no) e GROUP BY e.shop_no) h
               ON h.shop_no = m.account_no
        LEFT JOIN (SELECT l.shop_no, sum(l.amount_minor)::bigint AS reserved_minor
                   FROM open_payout_lines(program, held_from - interval '1 microsecond') l GROUP BY l.shop_no) r
               ON r.shop_no = m.account_no
        LEFT JOIN withheld_shops(program, held_from - interval '1 microsecond') f ON f.shop_no = m.account_no
    ) c CROSS JOIN LATERAL money_split(c.closing_minor, c.held_minor, c.reserved_minor, c.is_withheld) s
    WHERE (c.opening_minor, c.earned_minor, c.reversed_minor, c.adjusted_minor, c.paid_minor, c.tax_minor, c.orders,
           c.refunds, c.held_minor, c.reserved_minor) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
$$;

-- The same of one account, along the entries of its own.
CREATE FUNCTION statement_figures_of(program integer, account bigint, month integer, held_from timestamptz)
RETURNS TABLE (account_no bigint, opening_minor bigint, earned_minor bigint, reversed_minor bigint,
               adjusted_minor bigint, paid_minor bigint, tax_minor bigint, closing_minor bigint, held_minor bigint,
               reserved_minor bigint, available_minor bigint, orders bigint, refunds bigint, withheld_minor bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT c.account_no, c.opening_minor, c.earned_minor, c.reversed_minor, c.adjusted_minor, c.paid_minor, c.tax_minor,
           c.closing_minor, s.held_minor, c.reserved_minor, s.available_minor, c.orders, c.refunds, s.withheld_minor
    FROM (
        SELECT m.*, COALESCE(h.held_minor, 0) AS held_minor, COALESCE(r.reserved_minor, 0) AS reserved_minor,
               f.is_withheld, m.opening_minor + m.earned_minor + m.reversed_minor
               + m.adjusted_minor - m.paid_minor - m.tax_minor AS closing_minor
        FROM (SELECT * FROM account_figures(program, month) a WHERE a.account_no = account OFFSET 0) m
        CROSS JOIN (SELECT sum(e.minor)::bigint AS held_minor FROM (
                        SELECT signed_minor(t.shop_no, t.credit_account, t.amount_minor) AS minor FROM shop_transfers t
                        WHERE t.program_id = program AND t.shop_no = account AND t.period <= month
                          AND t.available_at >= held_from
                        UNION ALL
                        SELECT z.signed_minor FROM case_holdings(program, held_from - interval '1 microsecond') z
                        WHERE z.shop_no = account AND z.period <= month) e) h
        CROSS JOIN (SELECT sum(l.amount_minor)::bigint AS reserved_minor
                    FROM open_payout_lines(program, held_from - interval '1 microsecond') l
                    WHERE l.shop_no = account) r
        CROSS JOIN (SELECT count(*) > 0 AS is_withheld
                    FROM withheld_shops(program, held_from - interval '1 microsecond') y
                    WHERE y.shop_no = account) f
    ) c CROSS JOIN LATERAL money_split(c.closing_minor, c.held_minor, c.reserved_minor, c.is_withheld) s
    WHERE (c.opening_minor, c.earned_minor, c.reversed_minor, c.adjusted_minor, c.paid_minor, c.tax_minor, c.orders,
           c.refunds, c.held_minor, c.reserved_minor) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    OFFSET 0
$$;

-- Customers that were merged by an instant, each with the id under which it went on then.
CREATE FUNCTION surviving_customers(program integer, as_of timestamptz) RETURNS TABLE (customer_id text, into_id text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT DISTINCT ON (m.customer_id) m.customer_id, m.into_id FROM customer_merges m
    WHERE m.program_id = program AND m.merged_at <= as_of ORDER BY m.customer_id, m.seq DESC
$$;

-- The id under which one customer went on by an instant, for few rows; where nothing is merged, nothing is read.
CREATE FUNCTION person_of(program integer, customer text, as_of timestamptz) RETURNS TABLE (customer_id text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT COALESCE(CASE WHEN (SELECT EXISTS (SELECT 1 FROM customer_merges e WHERE e.program_id = program)) THEN (
        SELECT m.into_id FROM customer_merges m
        WHERE m.program_id = program AND m.customer_id = customer AND m.merged_at <= as_of
        ORDER BY m.seq DESC LIMIT 1) END, customer)
$$;

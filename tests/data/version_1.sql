-- A program as version 0.1.0 kept it before snapshots had names (schema 0011): plans with every kind of limit, orders settled,
-- paid, refunded, cancelled, grouped, frozen and failed. Data alone; written by pg_dump, its comments left out.
INSERT INTO public.account_months VALUES
	(1, 1, 202603, 1989, -140, 0, 0, 0, 6, 2, 1),
	(1, 2, 202603, 6845, -481, 0, 0, 0, 8, 3, 1),
	(1, 3, 202603, 4000, -433, 0, 0, 0, 2, 1, 1),
	(1, 4, 202603, 90, 0, 0, 0, 0, 1, 0, 1),
	(1, 5, 202603, 488, 0, 0, 0, 0, 2, 0, 1),
	(1, 6, 202603, 800, 0, 0, 0, 0, 1, 0, 1);
INSERT INTO public.programs OVERRIDING SYSTEM VALUE VALUES
	(1, 'test', 'CNY', 'Asia/Shanghai', 'open', 'open', false, '2026-11-29 01:03:33.182483+00', 0, 'none', 'first', NULL, NULL, NULL, NULL);
INSERT INTO public.case_decisions VALUES
	(1, 1, 1, 'freeze', '2026-02-28 02:00:00+00', 'Han Meimei', 'a look', '2026-11-29 01:03:33.848791+00', 'cli');
INSERT INTO public.compliance_cases VALUES
	(1, 1, NULL, 'tree:x', 4, NULL, 'a look', '{}', '2026-11-29 01:03:33.808959+00', 'cli');
INSERT INTO public.early_refunds VALUES
	(1, 7, 'r-early', '1', 1, 20, 1500, '2026-03-08 02:00:00+00');
INSERT INTO public.event_outcomes VALUES
	(1, 2, 24, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 16, 13, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 16, 22, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 5, 5, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 17, 14, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 8, 6, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 15, 12, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 9, 7, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 11, 9, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 10, 8, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 12, 10, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 7, 17, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 7, 20, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 14, 18, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 6, 16, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 6, 2, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 3, 3, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 3, 19, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 4, 4, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 4, 1, 'done', NULL, NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 13, 11, 'done', 'no_shop', NULL, NULL, 1, '2026-11-29 01:03:34.064601+00'),
	(1, 10, 21, 'failed', 'refund_exceeds', '{"line": "1", "amount": 9999, "left": 6000}', NULL, 1, NULL),
	(1, 19, 15, 'waiting', 'waits_for_shop', '{"id": "nobody"}', 'shop:nobody', 1, NULL),
	(1, 18, 23, 'waiting', 'waits_for_order', '{"id": "o-unknown"}', 'order', 1, NULL);
INSERT INTO public.events VALUES
	(1, 4, 1, 'c-cancel', 'order.cancelled', '2026-03-10 02:00:00+00', '2026-03-10', '2026-11-29 01:03:33.871559+00', '\x18437f5fb9ad2d41cd46705a770e3adf', '{"type":"order.cancelled","id":"c-cancel","occurred_at":"2026-03-10T02:00:00Z","order_id":"o-cancel"}'),
	(1, 6, 2, 'c-dropped', 'order.cancelled', '2026-03-10 02:00:00+00', '2026-03-10', '2026-11-29 01:03:33.871559+00', '\xc3cda16944e21ef9eb020cbe7c6104b3', '{"type":"order.cancelled","id":"c-dropped","occurred_at":"2026-03-10T02:00:00Z","order_id":"o-dropped"}'),
	(1, 3, 3, 'e-back', 'order.settled', '2026-03-08 03:00:00+00', '2026-03-08', '2026-11-29 01:03:33.871559+00', '\xec3958c4e774e378bd316ffef4a05b76', '{"type":"order.settled","id":"e-back","occurred_at":"2026-03-08T03:00:00Z","order":{"id":"o-back","currency":"CNY","paid_at":"2026-03-08T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":2000}],"channel":"retail","shop_id":"c","customer_id":"k"}}'),
	(1, 4, 4, 'e-cancel', 'order.settled', '2026-03-08 03:00:00+00', '2026-03-08', '2026-11-29 01:03:33.871559+00', '\x72a9cd684eae32cc4ff0856de13e902a', '{"type":"order.settled","id":"e-cancel","occurred_at":"2026-03-08T03:00:00Z","order":{"id":"o-cancel","currency":"CNY","paid_at":"2026-03-08T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":2000}],"channel":"retail","shop_id":"b","customer_id":"k"}}'),
	(1, 5, 5, 'e-capped', 'order.settled', '2026-03-02 03:00:00+00', '2026-03-02', '2026-11-29 01:03:33.871559+00', '\x16e1acfa38f31d965aff7a55c5f95920', '{"type":"order.settled","id":"e-capped","occurred_at":"2026-03-02T03:00:00Z","order":{"id":"o-capped","currency":"CNY","paid_at":"2026-03-02T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":30000},{"id":"2","sku":"sku-2","quantity":1,"paid_minor":20000}],"channel":"retail","shop_id":"c","customer_id":"k"}}'),
	(1, 8, 6, 'e-free', 'order.settled', '2026-03-04 03:00:00+00', '2026-03-04', '2026-11-29 01:03:33.871559+00', '\xbdde007d671bc55313de3c5f4c40e94c', '{"type":"order.settled","id":"e-free","occurred_at":"2026-03-04T03:00:00Z","order":{"id":"o-free","currency":"CNY","paid_at":"2026-03-04T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":0},{"id":"2","sku":"sku-2","quantity":2,"paid_minor":0}],"channel":"retail","shop_id":"c","customer_id":"c"}}'),
	(1, 9, 7, 'e-frozen', 'order.settled', '2026-03-05 03:00:00+00', '2026-03-05', '2026-11-29 01:03:33.871559+00', '\x2d66e8aeafa61db48b7ffc7b8ab6b987', '{"type":"order.settled","id":"e-frozen","occurred_at":"2026-03-05T03:00:00Z","order":{"id":"o-frozen","currency":"CNY","paid_at":"2026-03-05T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":8000}],"channel":"retail","shop_id":"z","customer_id":"k"}}'),
	(1, 10, 8, 'e-group', 'order.settled', '2026-03-06 03:00:00+00', '2026-03-06', '2026-11-29 01:03:33.871559+00', '\x3d19f4377a76f5cf568244aae44901df', '{"type":"order.settled","id":"e-group","occurred_at":"2026-03-06T03:00:00Z","order":{"id":"o-group","currency":"CNY","paid_at":"2026-03-06T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":6000}],"channel":"group_buy","shop_id":"b","customer_id":"k","opener_id":"y","group_id":"g"}}'),
	(1, 11, 9, 'e-inactive', 'order.settled', '2026-03-05 03:00:00+00', '2026-03-05', '2026-11-29 01:03:33.871559+00', '\x47add05c29b9aea73bb40238685bcc0e', '{"type":"order.settled","id":"e-inactive","occurred_at":"2026-03-05T03:00:00Z","order":{"id":"o-inactive","currency":"CNY","paid_at":"2026-03-05T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":7777}],"channel":"retail","shop_id":"b","customer_id":"k"}}'),
	(1, 12, 10, 'e-led', 'order.settled', '2026-03-06 03:00:00+00', '2026-03-06', '2026-11-29 01:03:33.871559+00', '\x0e39e56e981c70fc6412c7b384291c42', '{"type":"order.settled","id":"e-led","occurred_at":"2026-03-06T03:00:00Z","order":{"id":"o-led","currency":"CNY","paid_at":"2026-03-06T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":9000},{"id":"2","sku":"sku-2","quantity":1,"paid_minor":100,"entry":true}],"channel":"community","shop_id":"a","customer_id":"k","leader_id":"x"}}'),
	(1, 13, 11, 'e-nobody', 'order.settled', '2026-03-01 03:00:00+00', '2026-03-01', '2026-11-29 01:03:33.871559+00', '\x1e3ea12489080e37065ee91c121bae16', '{"type":"order.settled","id":"e-nobody","occurred_at":"2026-03-01T03:00:00Z","order":{"id":"o-nobody","currency":"CNY","paid_at":"2026-03-01T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":1000}],"channel":"retail"}}'),
	(1, 15, 12, 'e-own', 'order.settled', '2026-03-04 03:00:00+00', '2026-03-04', '2026-11-29 01:03:33.871559+00', '\x755cb10a7a7a84409db5feaf6ca3b638', '{"type":"order.settled","id":"e-own","occurred_at":"2026-03-04T03:00:00Z","order":{"id":"o-own","currency":"CNY","paid_at":"2026-03-04T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":5000}],"channel":"retail","shop_id":"c","customer_id":"c"}}'),
	(1, 16, 13, 'e-plain', 'order.settled', '2026-03-01 03:00:00+00', '2026-03-01', '2026-11-29 01:03:33.871559+00', '\xb0dcbf06131130aa6f3ef33874a63b8b', '{"type":"order.settled","id":"e-plain","occurred_at":"2026-03-01T03:00:00Z","order":{"id":"o-plain","currency":"CNY","paid_at":"2026-03-01T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":10000},{"id":"2","sku":"sku-2","quantity":3,"paid_minor":3333}],"channel":"retail","shop_id":"c","customer_id":"k"}}'),
	(1, 17, 14, 'e-rooms', 'order.settled', '2026-03-03 03:00:00+00', '2026-03-03', '2026-11-29 01:03:33.871559+00', '\xbd2bfc1dc5acb161a86da081be7ea743', '{"type":"order.settled","id":"e-rooms","occurred_at":"2026-03-03T03:00:00Z","order":{"id":"o-rooms","currency":"CNY","paid_at":"2026-03-03T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":30000}],"channel":"retail","shop_id":"c","customer_id":"k"}}'),
	(1, 19, 15, 'e-waits', 'order.settled', '2026-03-08 03:00:00+00', '2026-03-08', '2026-11-29 01:03:33.871559+00', '\xa21c8cd4dba3263fefe87c90d6e901df', '{"type":"order.settled","id":"e-waits","occurred_at":"2026-03-08T03:00:00Z","order":{"id":"o-waits","currency":"CNY","paid_at":"2026-03-08T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":2000}],"channel":"retail","shop_id":"nobody","customer_id":"k"}}'),
	(1, 6, 16, 'p-dropped', 'order.paid', '2026-03-08 02:00:00+00', '2026-03-08', '2026-11-29 01:03:33.871559+00', '\xea47e736a3dc73bb869af7fd94789d47', '{"type":"order.paid","id":"p-dropped","occurred_at":"2026-03-08T02:00:00Z","order":{"id":"o-dropped","currency":"CNY","paid_at":"2026-03-08T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":2000}],"channel":"retail","shop_id":"b","customer_id":"k"}}'),
	(1, 7, 17, 'p-early', 'order.paid', '2026-03-07 02:00:00+00', '2026-03-07', '2026-11-29 01:03:33.871559+00', '\x51d1b7ad59e138c2b6d3d159d56330b4', '{"type":"order.paid","id":"p-early","occurred_at":"2026-03-07T02:00:00Z","order":{"id":"o-early","currency":"CNY","paid_at":"2026-03-07T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":4000},{"id":"2","sku":"sku-2","quantity":1,"paid_minor":1000}],"channel":"retail","shop_id":"b","customer_id":"k"}}'),
	(1, 14, 18, 'p-open', 'order.paid', '2026-03-07 02:00:00+00', '2026-03-07', '2026-11-29 01:03:33.871559+00', '\x148e4661d97fa6daf797483a411afe52', '{"type":"order.paid","id":"p-open","occurred_at":"2026-03-07T02:00:00Z","order":{"id":"o-open","currency":"CNY","paid_at":"2026-03-07T02:00:00Z","lines":[{"id":"1","sku":"sku-1","quantity":1,"paid_minor":4000},{"id":"2","sku":"sku-2","quantity":1,"paid_minor":1000}],"channel":"retail","shop_id":"c","customer_id":"k"}}'),
	(1, 3, 19, 'r-back', 'order.refunded', '2026-03-10 02:00:00+00', '2026-03-10', '2026-11-29 01:03:33.871559+00', '\x54b3f7a5ba2f12ede553174404c40380', '{"type":"order.refunded","id":"r-back","occurred_at":"2026-03-10T02:00:00Z","refund":{"id":"r-back","order_id":"o-back"}}'),
	(1, 7, 20, 'r-early', 'order.refunded', '2026-03-08 02:00:00+00', '2026-03-08', '2026-11-29 01:03:33.871559+00', '\x1b6ea23833cdde77939f4b1e02b25294', '{"type":"order.refunded","id":"r-early","occurred_at":"2026-03-08T02:00:00Z","refund":{"id":"r-early","order_id":"o-early","lines":[{"line_id":"1","amount_minor":1500}]}}'),
	(1, 10, 21, 'r-much', 'order.refunded', '2026-03-10 02:00:00+00', '2026-03-10', '2026-11-29 01:03:33.871559+00', '\xa8913dbda7912ff6c657088369ba5873', '{"type":"order.refunded","id":"r-much","occurred_at":"2026-03-10T02:00:00Z","refund":{"id":"r-much","order_id":"o-group","lines":[{"line_id":"1","amount_minor":9999}]}}'),
	(1, 16, 22, 'r-part', 'order.refunded', '2026-03-09 02:00:00+00', '2026-03-09', '2026-11-29 01:03:33.871559+00', '\xde114fff3e0b3fe1a8a050bafbc3fd76', '{"type":"order.refunded","id":"r-part","occurred_at":"2026-03-09T02:00:00Z","refund":{"id":"r-part","order_id":"o-plain","lines":[{"line_id":"1","amount_minor":2500},{"line_id":"2","amount_minor":1111}]}}'),
	(1, 18, 23, 'r-waits', 'order.refunded', '2026-03-10 02:00:00+00', '2026-03-10', '2026-11-29 01:03:33.871559+00', '\x601e47e3d15c8c90b9bcf74e2e1508b7', '{"type":"order.refunded","id":"r-waits","occurred_at":"2026-03-10T02:00:00Z","refund":{"id":"r-waits","order_id":"o-unknown"}}'),
	(1, 2, 24, 'e-g', 'group.succeeded', '2026-03-07 02:00:00+00', '2026-03-07', '2026-11-29 01:03:33.871559+00', '\xdcd9a13cd2e2a79727050f3027b3a2f9', '{"type":"group.succeeded","id":"e-g","occurred_at":"2026-03-07T02:00:00Z","group_id":"g"}');
INSERT INTO public.expected_changes VALUES
	(1, 7, 1, 17, 'expected', 2, '1', 'own', 0, 4000, 100000, 400, '2026-03-07 02:00:00+00'),
	(1, 7, 2, 17, 'expected', 1, '1', 'up-1', 1, 4000, 50000, 200, '2026-03-07 02:00:00+00'),
	(1, 7, 3, 17, 'expected', 2, '2', 'own', 0, 1000, 100000, 100, '2026-03-07 02:00:00+00'),
	(1, 7, 4, 17, 'expected', 1, '2', 'up-1', 1, 1000, 50000, 50, '2026-03-07 02:00:00+00'),
	(1, 7, 5, 20, 'refunded', 2, '1', 'own', 0, 4000, 100000, -150, '2026-03-08 02:00:00+00'),
	(1, 7, 6, 20, 'refunded', 1, '1', 'up-1', 1, 4000, 50000, -75, '2026-03-08 02:00:00+00'),
	(1, 14, 1, 18, 'expected', 3, '1', 'own', 0, 4000, 120000, 480, '2026-03-07 02:00:00+00'),
	(1, 14, 2, 18, 'expected', 2, '1', 'up-1', 1, 4000, 50000, 200, '2026-03-07 02:00:00+00'),
	(1, 14, 3, 18, 'expected', 1, '1', 'up-2', 2, 4000, 20000, 80, '2026-03-07 02:00:00+00'),
	(1, 14, 4, 18, 'expected', 3, '2', 'own', 0, 1000, 120000, 120, '2026-03-07 02:00:00+00'),
	(1, 14, 5, 18, 'expected', 2, '2', 'up-1', 1, 1000, 50000, 50, '2026-03-07 02:00:00+00'),
	(1, 14, 6, 18, 'expected', 1, '2', 'up-2', 2, 1000, 20000, 20, '2026-03-07 02:00:00+00'),
	(1, 6, 1, 16, 'expected', 2, '1', 'own', 0, 2000, 100000, 200, '2026-03-08 02:00:00+00'),
	(1, 6, 2, 16, 'expected', 1, '1', 'up-1', 1, 2000, 50000, 100, '2026-03-08 02:00:00+00'),
	(1, 6, 3, 2, 'ended', 2, '1', 'own', 0, 2000, 100000, -200, '2026-03-10 02:00:00+00'),
	(1, 6, 4, 2, 'ended', 1, '1', 'up-1', 1, 2000, 50000, -100, '2026-03-10 02:00:00+00');
INSERT INTO public.expecting_orders VALUES
	(1, 7),
	(1, 14);
INSERT INTO public.frozen_commissions VALUES
	(1, 9, 2, 1, 5, '2026-03-05 03:00:00+00');
INSERT INTO public.group_decisions VALUES
	(1, 2, 24, true, '2026-03-07 02:00:00+00', '2026-03-07');
INSERT INTO public.group_orders VALUES
	(1, 2, 10);
INSERT INTO public.groups VALUES
	(1, 2, 'g');
INSERT INTO public.order_ends VALUES
	(1, 6, 'order_cancelled', 2, 'b', '2026-03-10 02:00:00+00'),
	(1, 4, 'order_cancelled', 1, 'b', '2026-03-10 02:00:00+00');
INSERT INTO public.orders VALUES
	(1, 3, 'o-back'),
	(1, 4, 'o-cancel'),
	(1, 5, 'o-capped'),
	(1, 6, 'o-dropped'),
	(1, 7, 'o-early'),
	(1, 8, 'o-free'),
	(1, 9, 'o-frozen'),
	(1, 10, 'o-group'),
	(1, 11, 'o-inactive'),
	(1, 12, 'o-led'),
	(1, 13, 'o-nobody'),
	(1, 14, 'o-open'),
	(1, 15, 'o-own'),
	(1, 16, 'o-plain'),
	(1, 17, 'o-rooms'),
	(1, 18, 'o-unknown'),
	(1, 19, 'o-waits');
INSERT INTO public.paid_orders VALUES
	(1, 7, 17, 1, 2, '2026-03-07 02:00:00+00', 5000, '[[2,"member",1],[[1,"member",1]],0,null,null,300000,"open@1970-01-01",1,1,3]'),
	(1, 14, 18, 1, 3, '2026-03-07 02:00:00+00', 5000, '[[3,"gold",1],[[2,"member",1],[1,"member",1]],0,null,null,300000,"open@1970-01-01",1,1,3]'),
	(1, 6, 16, 1, 2, '2026-03-08 02:00:00+00', 2000, '[[2,"member",1],[[1,"member",1]],0,null,null,300000,"open@1970-01-01",1,1,3]');
INSERT INTO public.plan_publications VALUES
	(1, 1, '2020-01-01 00:00:00+00', '2026-11-29 01:03:33.633965+00', 'cli', 'Li Lei');
INSERT INTO public.plan_versions VALUES
	(1, 1, 'kept', 1, '{"code":"kept","currency":"CNY","hold_days":7,"order_cap":"0.30","policy":"open","ranks":[{"code":"member"},{"code":"gold"}],"rules":[{"cap":{"per_customer_minor":4000,"per_month_minor":5000,"per_order_minor":3000},"id":"own","pay":"seller","rate":{"gold":"0.12","member":"0.10"}},{"id":"up-1","pay":"upline","rate":"0.05","tier":1},{"id":"up-2","pay":"upline","rate":"0.02","requires":{"min_personal_sales_minor":1000,"window_days":30},"tier":2},{"id":"lead","pay":"leader","rate":"0.01"},{"amount_minor":88,"id":"open","pay":"opener"}],"self_purchase":"shift","tiers":2}', '\x82f3156fea03ae0bc7fb0f853ff5c738f4bf2372cc48dc7651e7e270a25e4127', '2026-11-29 01:03:33.633965+00', 'cli');
INSERT INTO public.referrals OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 1, '2020-01-01 00:00:00+00', NULL, 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 2, 2, '2020-01-01 00:00:00+00', 1, 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 3, 3, '2020-01-01 00:00:00+00', 2, 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 4, 4, '2020-01-01 00:00:00+00', NULL, 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 5, 5, '2020-01-01 00:00:00+00', 4, 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 6, 6, '2020-01-01 00:00:00+00', 5, 'joined', '2026-11-29 01:03:33.711463+00', 'cli');
INSERT INTO public.refund_lines VALUES
	(1, 16, 'r-part', '1', 22, 2500, 2500, 3, '2026-03-01 03:00:00+00', '2026-03-09 02:00:00+00'),
	(1, 16, 'r-part', '2', 22, 1111, 1111, 3, '2026-03-01 03:00:00+00', '2026-03-09 02:00:00+00'),
	(1, 3, 'r-back', '1', 19, 2000, 2000, 3, '2026-03-08 03:00:00+00', '2026-03-10 02:00:00+00'),
	(1, 4, '/cancelled', '1', 1, 2000, 2000, 2, '2026-03-08 03:00:00+00', '2026-03-10 02:00:00+00');
INSERT INTO public.rule_customers VALUES
	(1, 'own', 1, 'k', 910),
	(1, 'own', 2, 'c', 500),
	(1, 'own', 2, 'k', 1578),
	(1, 'own', 3, 'k', 4000),
	(1, 'own', 6, 'k', 800);
INSERT INTO public.rule_months VALUES
	(1, 'own', 1, 202603, 910),
	(1, 'own', 2, 202603, 2078),
	(1, 'own', 3, 202603, 4000),
	(1, 'own', 6, 202603, 800);
INSERT INTO public.settlements VALUES
	(1, 13, 11, 1, NULL, '2026-03-01 03:00:00+00', '2026-03-01 02:00:00+00', 1000, 0, NULL, '[null,[],0,null,null,300000,"open@1970-01-01",1,1,3]'),
	(1, 16, 13, 1, 3, '2026-03-01 03:00:00+00', '2026-03-01 02:00:00+00', 13333, 13333, 'k', '[[3,"gold",1],[[2,"member",1,[2]],[1,"member",1,[2]]],0,null,null,300000,"open@1970-01-01",1,1,3,[[0,3,5000,4000]]]'),
	(1, 5, 5, 1, 3, '2026-03-02 03:00:00+00', '2026-03-02 02:00:00+00', 50000, 50000, 'k', '[[3,"gold",1],[[2,"member",1,[2]],[1,"member",1,[2]]],0,null,null,300000,"open@1970-01-01",1,1,3,[[0,3,3400,2400]]]'),
	(1, 17, 14, 1, 3, '2026-03-03 03:00:00+00', '2026-03-03 02:00:00+00', 30000, 30000, 'k', '[[3,"gold",1],[[2,"member",1,[2]],[1,"member",1,[2]]],0,null,null,300000,"open@1970-01-01",1,1,3,[[0,3,1000,0]]]'),
	(1, 8, 6, 1, 3, '2026-03-04 03:00:00+00', '2026-03-04 02:00:00+00', 0, 0, 'c', '[[3,"gold",1],[[2,"member",1,[2]],[1,"member",1,[2]]],1,null,null,300000,"open@1970-01-01",1,1,3]'),
	(1, 15, 12, 1, 3, '2026-03-04 03:00:00+00', '2026-03-04 02:00:00+00', 5000, 0, 'c', '[[3,"gold",1],[[2,"member",1,[2]],[1,"member",1,[2]]],1,null,null,300000,"open@1970-01-01",1,1,3,[[0,2,5000,4000]]]'),
	(1, 9, 7, 1, 6, '2026-03-05 03:00:00+00', '2026-03-05 02:00:00+00', 8000, 8000, 'k', '[[6,"member",1],[[5,"member",1,[2]],[4,"member",1,[2]]],0,null,null,300000,"open@1970-01-01",1,1,3,[[0,6,5000,4000]],1]'),
	(1, 11, 9, 1, 2, '2026-03-05 03:00:00+00', '2026-03-05 02:00:00+00', 7777, 7777, 'k', '[[2,"member",1],[[1,"member",1,[2]]],0,null,null,300000,"open@1970-01-01",1,1,3,[[0,2,4500,4000]]]'),
	(1, 10, 8, 1, 2, '2026-03-07 02:00:00+00', '2026-03-06 02:00:00+00', 6000, 6000, 'k', '[[2,"member",1],[[1,"member",1,[2]]],0,null,[5,"member",1],300000,"open@1970-01-01",1,1,3,[[0,2,3722,3222]]]'),
	(1, 12, 10, 1, 1, '2026-03-06 03:00:00+00', '2026-03-06 02:00:00+00', 9100, 9000, 'k', '[[1,"member",1],[],0,[4,"member",1],null,300000,"open@1970-01-01",1,1,3,[[0,1,5000,4000]]]'),
	(1, 3, 3, 1, 3, '2026-03-08 03:00:00+00', '2026-03-08 02:00:00+00', 2000, 2000, 'k', '[[3,"gold",1],[[2,"member",1],[1,"member",1]],0,null,null,300000,"open@1970-01-01",1,1,3,[[0,3,1000,0]]]'),
	(1, 4, 4, 1, 2, '2026-03-08 03:00:00+00', '2026-03-08 02:00:00+00', 2000, 2000, 'k', '[[2,"member",1],[[1,"member",1]],0,null,null,300000,"open@1970-01-01",1,1,3,[[0,2,3122,2622]]]');
INSERT INTO public.shop_ranks OVERRIDING SYSTEM VALUE VALUES
	(1, 3, 1, '2020-01-02 00:00:00+00', 'gold', 'hand', 'by hand', '2026-11-29 01:03:33.774907+00', 'cli');
INSERT INTO public.shop_statuses OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 1, '2020-01-01 00:00:00+00', 'active', 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 2, 2, '2020-01-01 00:00:00+00', 'active', 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 3, 3, '2020-01-01 00:00:00+00', 'active', 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 4, 4, '2020-01-01 00:00:00+00', 'active', 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 5, 5, '2020-01-01 00:00:00+00', 'active', 'joined', '2026-11-29 01:03:33.711463+00', 'cli'),
	(1, 6, 6, '2020-01-01 00:00:00+00', 'active', 'joined', '2026-11-29 01:03:33.711463+00', 'cli');
INSERT INTO public.shops VALUES
	(1, 1, 'a', '\x1a9b077b89f32f8d0e2f4210807d4c237efed502e94914aa2061a578d04f056f', NULL, NULL, NULL, '65D3QSE6D6', NULL, NULL, '{}', 1, '2020-01-01 00:00:00+00', '2020-01-01 00:00:00+00', 'active', '2020-01-01 00:00:00+00', NULL, '0001-01-02 00:00:00+00', '2026-11-29 01:03:33.711463+00', NULL),
	(1, 2, 'b', '\xb870dc0fb7f8ea628fd97a2a358787acabc84ac12fd9891cd8d6d1951753afca', NULL, NULL, NULL, 'EFZX4BP4SE', 1, NULL, '{1}', 2, '2020-01-01 00:00:00+00', '2020-01-01 00:00:00+00', 'active', '2020-01-01 00:00:00+00', NULL, '0001-01-02 00:00:00+00', '2026-11-29 01:03:33.711463+00', NULL),
	(1, 4, 'x', '\x58fa1103a6e0a9d4a6bc52b2a5791de2f6b68c70a2cec10120278e31a45fab07', NULL, NULL, NULL, 'Z6B3XNUV77', NULL, NULL, '{}', 1, '2020-01-01 00:00:00+00', '2020-01-01 00:00:00+00', 'active', '2020-01-01 00:00:00+00', NULL, '0001-01-02 00:00:00+00', '2026-11-29 01:03:33.711463+00', NULL),
	(1, 5, 'y', '\x1cbd93c139b50f1537336f2d79d736c09302edc311b060ed14a1335d0bc293be', NULL, NULL, NULL, '4UMA2Q82Q2', 4, NULL, '{4}', 2, '2020-01-01 00:00:00+00', '2020-01-01 00:00:00+00', 'active', '2020-01-01 00:00:00+00', NULL, '0001-01-02 00:00:00+00', '2026-11-29 01:03:33.711463+00', NULL),
	(1, 6, 'z', '\xdfa7ab89e916602c1578f38fcf38d6e5c288c39e5a26de18d0e8c4e9ee9888f2', NULL, NULL, NULL, 'H5J6YE55RD', 5, NULL, '{5,4}', 3, '2020-01-01 00:00:00+00', '2020-01-01 00:00:00+00', 'active', '2020-01-01 00:00:00+00', NULL, '0001-01-02 00:00:00+00', '2026-11-29 01:03:33.711463+00', NULL),
	(1, 3, 'c', '\x6a3d8a55e26fcf8c2faf7caf3d60d95a738df8f31cc6c32a7bfe7707c90f3a6a', NULL, NULL, NULL, 'SDGA8Q2QCP', 2, NULL, '{2,1}', 3, '2020-01-01 00:00:00+00', '2020-01-01 00:00:00+00', 'active', '2020-01-01 00:00:00+00', 'gold', '2020-01-02 00:00:00+00', '2026-11-29 01:03:33.711463+00', NULL);
INSERT INTO public.transfers VALUES
	(1, 16, 1, -1, 3, 1200, 'earned', 13, 0, 10000, 120000, 1, '2026-03-01 03:00:00+00', '2026-03-08 03:00:00+00', 202603, NULL, NULL, '1', 'own', DEFAULT, 1),
	(1, 16, 2, -1, 2, 500, 'earned', 13, 1, 10000, 50000, 1, '2026-03-01 03:00:00+00', '2026-03-08 03:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 16, 3, -1, 3, 400, 'earned', 13, 0, 3333, 120000, 1, '2026-03-01 03:00:00+00', '2026-03-08 03:00:00+00', 202603, NULL, NULL, '2', 'own', DEFAULT, 1),
	(1, 16, 4, -1, 2, 167, 'earned', 13, 1, 3333, 50000, 1, '2026-03-01 03:00:00+00', '2026-03-08 03:00:00+00', 202603, NULL, NULL, '2', 'up-1', DEFAULT, 1),
	(1, 16, 5, 3, -1, 300, 'reversed', 22, 0, 10000, 120000, 1, '2026-03-09 02:00:00+00', '2026-03-08 03:00:00+00', 202603, NULL, 1, '1', 'own', DEFAULT, 1),
	(1, 16, 6, 2, -1, 125, 'reversed', 22, 1, 10000, 50000, 1, '2026-03-09 02:00:00+00', '2026-03-08 03:00:00+00', 202603, NULL, 2, '1', 'up-1', DEFAULT, 1),
	(1, 16, 7, 3, -1, 133, 'reversed', 22, 0, 3333, 120000, 1, '2026-03-09 02:00:00+00', '2026-03-08 03:00:00+00', 202603, NULL, 3, '2', 'own', DEFAULT, 1),
	(1, 16, 8, 2, -1, 56, 'reversed', 22, 1, 3333, 50000, 1, '2026-03-09 02:00:00+00', '2026-03-08 03:00:00+00', 202603, NULL, 4, '2', 'up-1', DEFAULT, 1),
	(1, 5, 1, -1, 3, 2400, 'earned', 5, 0, 30000, 120000, 1, '2026-03-02 03:00:00+00', '2026-03-09 03:00:00+00', 202603, NULL, NULL, '1', 'own', DEFAULT, 1),
	(1, 5, 2, -1, 2, 1500, 'earned', 5, 1, 30000, 50000, 1, '2026-03-02 03:00:00+00', '2026-03-09 03:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 5, 3, -1, 2, 1000, 'earned', 5, 1, 20000, 50000, 1, '2026-03-02 03:00:00+00', '2026-03-09 03:00:00+00', 202603, NULL, NULL, '2', 'up-1', DEFAULT, 1),
	(1, 17, 1, -1, 2, 1500, 'earned', 14, 1, 30000, 50000, 1, '2026-03-03 03:00:00+00', '2026-03-10 03:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 15, 1, -1, 2, 500, 'earned', 12, 0, 5000, 100000, 1, '2026-03-04 03:00:00+00', '2026-03-11 03:00:00+00', 202603, NULL, NULL, '1', 'own', DEFAULT, 1),
	(1, 15, 2, -1, 1, 250, 'earned', 12, 1, 5000, 50000, 1, '2026-03-04 03:00:00+00', '2026-03-11 03:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 9, 1, -1, 6, 800, 'earned', 7, 0, 8000, 100000, 1, '2026-03-05 03:00:00+00', '2026-03-12 03:00:00+00', 202603, NULL, NULL, '1', 'own', DEFAULT, 1),
	(1, 9, 2, -1, 5, 400, 'earned', 7, 1, 8000, 50000, 1, '2026-03-05 03:00:00+00', '2026-03-12 03:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 11, 1, -1, 2, 778, 'earned', 9, 0, 7777, 100000, 1, '2026-03-05 03:00:00+00', '2026-03-12 03:00:00+00', 202603, NULL, NULL, '1', 'own', DEFAULT, 1),
	(1, 11, 2, -1, 1, 389, 'earned', 9, 1, 7777, 50000, 1, '2026-03-05 03:00:00+00', '2026-03-12 03:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 10, 1, -1, 2, 600, 'earned', 8, 0, 6000, 100000, 1, '2026-03-07 02:00:00+00', '2026-03-14 02:00:00+00', 202603, NULL, NULL, '1', 'own', DEFAULT, 1),
	(1, 10, 2, -1, 1, 300, 'earned', 8, 1, 6000, 50000, 1, '2026-03-07 02:00:00+00', '2026-03-14 02:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 10, 3, -1, 5, 88, 'earned', 8, 0, 6000, NULL, 1, '2026-03-07 02:00:00+00', '2026-03-14 02:00:00+00', 202603, NULL, NULL, '1', 'open', DEFAULT, 1),
	(1, 12, 1, -1, 1, 900, 'earned', 10, 0, 9000, 100000, 1, '2026-03-06 03:00:00+00', '2026-03-13 03:00:00+00', 202603, NULL, NULL, '1', 'own', DEFAULT, 1),
	(1, 12, 2, -1, 4, 90, 'earned', 10, 0, 9000, 10000, 1, '2026-03-06 03:00:00+00', '2026-03-13 03:00:00+00', 202603, NULL, NULL, '1', 'lead', DEFAULT, 1),
	(1, 12, 3, -1, 1, 10, 'earned', 10, 0, 100, 100000, 1, '2026-03-06 03:00:00+00', '2026-03-13 03:00:00+00', 202603, NULL, NULL, '2', 'own', DEFAULT, 1),
	(1, 3, 1, -1, 2, 100, 'earned', 3, 1, 2000, 50000, 1, '2026-03-08 03:00:00+00', '2026-03-15 03:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 3, 2, -1, 1, 40, 'earned', 3, 2, 2000, 20000, 1, '2026-03-08 03:00:00+00', '2026-03-15 03:00:00+00', 202603, NULL, NULL, '1', 'up-2', DEFAULT, 1),
	(1, 3, 3, 2, -1, 100, 'reversed', 19, 1, 2000, 50000, 1, '2026-03-10 02:00:00+00', '2026-03-15 03:00:00+00', 202603, NULL, 1, '1', 'up-1', DEFAULT, 1),
	(1, 3, 4, 1, -1, 40, 'reversed', 19, 2, 2000, 20000, 1, '2026-03-10 02:00:00+00', '2026-03-15 03:00:00+00', 202603, NULL, 2, '1', 'up-2', DEFAULT, 1),
	(1, 4, 1, -1, 2, 200, 'earned', 4, 0, 2000, 100000, 1, '2026-03-08 03:00:00+00', '2026-03-15 03:00:00+00', 202603, NULL, NULL, '1', 'own', DEFAULT, 1),
	(1, 4, 2, -1, 1, 100, 'earned', 4, 1, 2000, 50000, 1, '2026-03-08 03:00:00+00', '2026-03-15 03:00:00+00', 202603, NULL, NULL, '1', 'up-1', DEFAULT, 1),
	(1, 4, 3, 2, -1, 200, 'reversed', 1, 0, 2000, 100000, 1, '2026-03-10 02:00:00+00', '2026-03-15 03:00:00+00', 202603, NULL, 1, '1', 'own', DEFAULT, 1),
	(1, 4, 4, 1, -1, 100, 'reversed', 1, 1, 2000, 50000, 1, '2026-03-10 02:00:00+00', '2026-03-15 03:00:00+00', 202603, NULL, 2, '1', 'up-1', DEFAULT, 1);
SELECT pg_catalog.setval('public.audits_audit_no_seq', 1, false);
SELECT pg_catalog.setval('public.bindings_seq_seq', 1, false);
SELECT pg_catalog.setval('public.cause_no_seq', 19, true);
SELECT pg_catalog.setval('public.close_proposals_proposal_no_seq', 1, false);
SELECT pg_catalog.setval('public.compliance_findings_finding_no_seq', 1, false);
SELECT pg_catalog.setval('public.compliance_runs_run_no_seq', 1, false);
SELECT pg_catalog.setval('public.customer_shops_seq_seq', 1, false);
SELECT pg_catalog.setval('public.event_no_seq', 24, true);
SELECT pg_catalog.setval('public.outbox_message_no_seq', 1, false);
SELECT pg_catalog.setval('public.penalties_penalty_no_seq', 1, false);
SELECT pg_catalog.setval('public.policy_sign_offs_sign_off_no_seq', 1, false);
SELECT pg_catalog.setval('public.posting_no_seq', 1, true);
SELECT pg_catalog.setval('public.program_changes_seq_seq', 1, false);
SELECT pg_catalog.setval('public.programs_program_id_seq', 1, true);
SELECT pg_catalog.setval('public.referrals_seq_seq', 6, true);
SELECT pg_catalog.setval('public.shop_no_seq', 6, true);
SELECT pg_catalog.setval('public.shop_organisers_seq_seq', 1, false);
SELECT pg_catalog.setval('public.shop_ranks_seq_seq', 1, true);
SELECT pg_catalog.setval('public.shop_statuses_seq_seq', 6, true);
SELECT pg_catalog.setval('public.webhook_deliveries_delivery_no_seq', 1, false);
SELECT pg_catalog.setval('public.webhooks_webhook_no_seq', 1, false);

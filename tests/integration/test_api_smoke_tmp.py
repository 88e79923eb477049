from tests.api_fixtures import Api, api  # noqa: F401
from tests.worlds import line, settled, refunded, SELLER_TEN_PERCENT


def test_smoke(api: Api):
    a = api.caller()
    print(a.get("/v1/program"))
    print(a.post("/v1/plans", SELLER_TEN_PERCENT))
    print(a.post("/v1/plans/plain/1/publish", {"effective_from": "2020-01-01T00:00:00Z"}))
    print(a.post("/v1/shops", {"id": "s1", "joined_at": "2020-01-01T00:00:00Z"}))
    print(a.post("/v1/shops/batch", {"shops": [{"id": "s3", "sponsor_id": "s2"}, {"id": "s2", "sponsor_id": "s1"}, {"id": 7}]}))
    print(a.post("/v1/events", settled("e1", "o1", "s1", line(1000))))
    print(a.post("/v1/events", {"events": [settled("e1", "o1", "s1", line(1000)), refunded("e2", "o1", {"1": 500}), {"id": "x"}]}))
    api.world.drain()
    for path in ["/v1/events", "/v1/events/e1", "/v1/orders", "/v1/orders/o1", "/v1/orders/o1/explanation", "/v1/commissions?limit=1",
        "/v1/shops/s1", "/v1/shops/s1/downline", "/v1/shops/s3/upline", "/v1/shops/s1/balance", "/v1/shops/s1/ranks", "/v1/shops/s1/commissions",
        "/v1/statements?period=2026-03", "/v1/statements/2026-03/shops/s1", "/v1/keys", "/v1/plans", "/v1/plans/plain/1", "/v1/openapi.json", "/readyz"]:
        print(path, str(a.get(path))[:600])
    for detail in ("shops", "lines"):
        r = a.call("GET", f"/v1/statements/2026-03/export?detail={detail}")
        print(r.headers, r.text)
    print(a.post("/v1/audit"))
    print(a.problem("GET", "/v1/audit"))
    print(a.call("GET", "/docs").text[:200], a.call("GET", "/docs/errors").status, a.call("GET", "/").status)
    print(a.call("GET", "/metrics").text[-600:])

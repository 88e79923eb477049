// From a plan to a statement, with the types that openapi-typescript makes of the description: `node built/walk.js URL KEY`.
import type { components, paths } from "./distrib.js";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Good<R> = Json<R[keyof R & (200 | 201 | 202)]>;
type Posts = { [P in keyof paths]: paths[P] extends { post: { responses: unknown } } ? P : never }[keyof paths];
type Gets = { [P in keyof paths]: paths[P] extends { get: { responses: unknown } } ? P : never }[keyof paths];
type Sent<P extends Posts> = paths[P] extends { post: { requestBody?: infer Body } } ? Json<NonNullable<Body>> : never;
type Made<P extends Posts> = paths[P] extends { post: { responses: infer R } } ? Good<R> : never;
type Read<P extends Gets> = paths[P] extends { get: { responses: infer R } } ? Good<R> : never;

declare const process: { argv: string[] };
const [url = "", key = ""] = process.argv.slice(2);

async function call(method: string, path: string, names: Record<string, string>, body?: unknown): Promise<unknown> {
  const [filled, query] = [path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? "")), names["?"]];
  const answer = await fetch(`${url}${filled}${query ? `?${query}` : ""}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const told: unknown = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(told)}`);
  return told;
}
const post = <P extends Posts>(path: P, body: Sent<P>, names: Record<string, string> = {}): Promise<Made<P>> =>
  call("POST", path, names, body) as Promise<Made<P>>;
const get = <P extends Gets>(path: P, names: Record<string, string> = {}): Promise<Read<P>> =>
  call("GET", path, names) as Promise<Read<P>>;

const plan: components["schemas"]["PlanDocument"] = {
  code: "typed",
  currency: "CNY",
  hold_days: 7,
  tiers: 1,
  rules: [
    { id: "seller", pay: "seller", rate: "0.12" },
    { id: "upline-1", pay: "upline", tier: 1, rate: "0.03" },
  ],
};
const made = await post("/v1/plans", plan);
const effective = { effective_from: "2026-01-01T00:00:00+08:00", signed_off_by: "Li Lei, counsel" };
await post("/v1/plans/{code}/{version}/publish", effective, { code: made.code, version: String(made.version) });
await post("/v1/shops", { id: "lin", name: "Lin", joined_at: "2026-01-05T09:00:00+08:00" });
await post("/v1/shops", { id: "mei", name: "Mei", sponsor_id: "lin", joined_at: "2026-01-06T09:00:00+08:00" });
const accepted = await post("/v1/events", {
  id: "evt-1",
  type: "order.settled",
  occurred_at: "2026-03-09T10:00:00+08:00",
  order: {
    id: "o-1",
    shop_id: "mei",
    currency: "CNY",
    paid_at: "2026-03-01T10:00:00+08:00",
    lines: [{ id: "1", sku: "oolong", quantity: 2, paid_minor: 19900 }],
  },
});
if (accepted.accepted !== 1) throw new Error(JSON.stringify(accepted));
for (let event = await get("/v1/events/{event_id}", { event_id: "evt-1" }); event.status !== "done"; ) {
  if (event.status === "failed") throw new Error(JSON.stringify(event));
  await new Promise((resume) => setTimeout(resume, 100));
  event = await get("/v1/events/{event_id}", { event_id: "evt-1" });
}
const statement = await get("/v1/statements", { "?": "period=2026-03" });
console.log(JSON.stringify(statement.data.map((row) => [row.shop_id, row.earned_minor])));

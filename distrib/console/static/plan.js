/* Checks while somebody types, and keeps the text in this browser. Without it the page works by its buttons. */
"use strict";
(() => {
  const KEPT = "distrib.plan", PAUSE_MS = 400;
  const form = document.getElementById("plan-form");
  const text = document.getElementById("text");
  const status = document.getElementById("status");
  const answer = document.getElementById("answer");
  let timer = 0, asking = null;

  function keep() {
    try { localStorage.setItem(KEPT, text.value); } catch { /* a browser that keeps nothing */ }
  }

  function kept() {
    try { return localStorage.getItem(KEPT); } catch { return null; }
  }

  async function check() {
    clearTimeout(timer);
    if (asking) asking.abort();
    const mine = asking = new AbortController();
    status.textContent = form.dataset.checking;
    try {
      const response = await fetch(form.dataset.result, { method: "POST", body: new FormData(form), signal: mine.signal });
      if (!(response.headers.get("Content-Type") || "").startsWith("text/html")) throw new Error(response.status);
      show(await response.text());
      status.textContent = "";
    } catch (error) {
      if (error.name === "AbortError") return;
      status.textContent = form.dataset.unreachable;
      answer.classList.add("stale");
    }
  }

  /* What somebody is typing into is left alone: then only the outcome below it is new. */
  function show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const isTrying = document.getElementById("trial").contains(document.activeElement);
    for (const id of ["result", isTrying ? "outcome" : "trial"]) {
      document.getElementById(id).replaceWith(fresh.getElementById(id));
    }
    answer.classList.remove("stale");
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MS);
  }

  function select(number) {
    if (!text.dispatchEvent(new CustomEvent("showline", { detail: number, cancelable: true }))) return; // the editor did
    const lines = text.value.split("\n");
    const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[number - 1] || "").length);
    const height = text.scrollHeight / lines.length;
    text.scrollTop = Math.max(0, (number - 4) * height);
  }

  form.addEventListener("input", (event) => {
    if (event.target === text) keep();
    soon();
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.name === "lang") return;
    event.preventDefault();
    check();
  });
  answer.addEventListener("click", (event) => {
    const line = event.target.closest("[data-line]");
    if (!line) return;
    event.preventDefault();
    select(Number(line.dataset.line));
  });
  /* A sample takes the place of what somebody wrote only if they say so. */
  const sample = document.getElementById("sample");
  sample.form.addEventListener("submit", (event) => {
    const isOwn = form.dataset.own === "yes" || text.value !== text.defaultValue;
    if (isOwn && !confirm(form.dataset.replace)) event.preventDefault();
  });
  sample.addEventListener("change", () => sample.form.requestSubmit());

  const last = kept();
  if (form.dataset.fresh === "yes" && last !== null && last !== text.value) {
    text.value = last;
    check().then(() => { status.textContent = status.textContent || form.dataset.restored; });
  } else {
    keep();
  }
})();

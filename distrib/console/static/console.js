// What every page does: copying ids, ticking rows, unfolding them, choosing columns, asking before what is grave.
document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
      copy.classList.add("copied");
      setTimeout(() => copy.classList.remove("copied"), 1200);
    });
    return;
  }
  const asking = event.target.closest("a[data-asks], button[data-asks]");
  if (asking && !confirm(asking.dataset.asks)) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  const unfold = event.target.closest(".unfold");
  if (unfold) {
    const row = unfold.closest("tr").nextElementSibling;
    const opens = row.hidden;
    row.hidden = !opens;
    unfold.setAttribute("aria-expanded", String(opens));
  }
}, true);

document.addEventListener("submit", (event) => {
  const asks = event.target.dataset.asks;
  if (asks && !confirm(asks)) {
    event.preventDefault();
    event.stopPropagation();
  }
}, true);

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches("[data-tick-all]")) {
    for (const one of box.closest("table").querySelectorAll("td.tick input")) one.checked = box.checked;
  }
  if (box.matches("td.tick input, [data-tick-all]")) {
    const form = box.closest("form");
    const count = form.querySelectorAll("td.tick input:checked").length;
    const bar = form.querySelector(".bulk-bar");
    bar.hidden = count === 0;
    const words = bar.querySelector(".ticked");
    words.textContent = words.dataset.words.replace("{count}", count);
  }
  const menu = box.closest(".columns-menu");
  if (menu) {
    const boxes = [...menu.querySelectorAll("input[type=checkbox]")];
    const sent = new URLSearchParams({ csrf_token: menu.dataset.csrf, list: menu.dataset.list });
    for (const one of boxes) if (one.checked && !one.value.startsWith(":")) sent.append("column", one.value);
    if (boxes.some((one) => one.value === ":roomy" && one.checked)) sent.append("roomy", "1");
    fetch(menu.dataset.href, { method: "POST", body: sent, credentials: "same-origin" }).then((answer) => {
      if (answer.ok) location.reload();
    });
  }
});

// A file dropped on its zone is chosen as if by the button in it.
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const zone = event.target.closest?.(".drop-zone");
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) zone.querySelector("input[type=file]").files = event.dataTransfer.files;
  });
}

// What changes by itself is said to screen readers: the words of a place, whenever they are others than before.
for (const line of document.querySelectorAll("[data-says]")) {
  const place = document.querySelector(line.dataset.says);
  new MutationObserver(() => {
    const words = place.querySelector("[data-said]")?.dataset.said ?? "";
    if (line.textContent !== words) line.textContent = words;
  }).observe(place, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-said"] });
}

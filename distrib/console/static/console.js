// What every page does: copying ids, ticking rows, unfolding them, choosing columns, asking before what is grave.
let meant = null;

// Asks in the page's language; what was asked for is done again once it is meant. Escape and the other button do nothing.
function ask(about, words, again, button = about) {
  const dialog = document.getElementById("asking");
  dialog.querySelector("p").textContent = words;
  dialog.querySelector("[value=yes]").textContent = button.textContent.trim();
  dialog.returnValue = "";
  dialog.onclose = () => {
    if (dialog.returnValue !== "yes") return;
    meant = about;
    again();
    meant = null;
  };
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
      copy.classList.add("copied");
      setTimeout(() => copy.classList.remove("copied"), 1200);
    });
    return;
  }
  const insert = event.target.closest("[data-insert]");
  if (insert) {
    const field = document.getElementById(insert.dataset.insert);
    field.value = field.value.trim() ? `${field.value.trim()}\n${insert.dataset.words}` : insert.dataset.words;
    field.focus();
    return;
  }
  const asked = event.target.closest("a[data-asks], button[data-asks]");
  if (asked && asked !== meant) {
    event.preventDefault();
    event.stopPropagation();
    if (!asked.form || asked.form.reportValidity()) ask(asked, asked.dataset.asks, () => asked.click());
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
  const form = event.target, button = event.submitter;
  if (form.dataset.asks && form !== meant) {
    event.preventDefault();
    event.stopPropagation();
    ask(form, form.dataset.asks, () => form.requestSubmit(button), button);
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

/* Copies the invite code. Without it the code is read, or held down and copied. */
"use strict";
for (const button of document.querySelectorAll(".copy")) {
  const words = button.textContent;

  /* Works within apps and on pages without TLS, which have no clipboard; and shows what was copied. */
  function copySelected() {
    getSelection().selectAllChildren(button.parentElement.querySelector(".code"));
    return document.execCommand("copy");
  }

  async function copy() {
    if (copySelected()) return true;
    try {
      await navigator.clipboard.writeText(button.dataset.code);
      return true;
    } catch {
      return false;
    }
  }

  button.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (!await copy()) return;
    button.textContent = button.dataset.copied;
    button.classList.add("done");
    setTimeout(() => { button.textContent = words; button.classList.remove("done"); }, 2500);
  });
}

/* Copies the invite code. Without it the code is read, or held down and copied. */
"use strict";
for (const button of document.querySelectorAll(".copy")) {
  const words = button.textContent;

  function select() {
    const range = document.createRange();
    range.selectNodeContents(button.parentElement.querySelector(".code"));
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  }

  button.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    let isCopied = false;
    try {
      await navigator.clipboard.writeText(button.dataset.code);
      isCopied = true;
    } catch {
      isCopied = select(); /* browsers within apps, and pages without TLS, have no clipboard */
    }
    if (!isCopied) return;
    button.textContent = button.dataset.copied;
    button.classList.add("done");
    setTimeout(() => { button.textContent = words; button.classList.remove("done"); }, 2500);
  });
}

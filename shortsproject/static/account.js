"use strict";

/* Copies a new API key, and offers the time zone of this device. Both pages work without. */

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
  } catch {
    // Without https, or without leave, there is no clipboard: then the text is selected at least.
    select(element);
    return false;
  }
  return true;
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  const label = button.querySelector("span");
  const before = label.textContent;
  button.addEventListener("click", async () => {
    if (!await copy(document.getElementById(button.dataset.copy))) return;
    label.textContent = document.getElementById("copy-status").textContent = button.dataset.done;
    setTimeout(() => { label.textContent = before; }, 2000);
  });
}

for (const button of document.querySelectorAll("[data-zone-for]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const field = document.getElementById(button.dataset.zoneFor);
  if (!zone || field.value === zone) continue;
  button.textContent += ` (${zone})`;
  button.closest("[hidden]").hidden = false;
  button.addEventListener("click", () => {
    field.value = zone;
    field.focus();
  });
}

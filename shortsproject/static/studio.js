/* The studio's live parts: choosing a picture, sending it, and figures that stay fresh.

   The form works without all of this. Every word and every price comes from the server: sentences
   stand in <template>s of the page, and prices in parts of it that htmx asks for again. */
(() => {
  "use strict";

  const by = (id) => document.getElementById(id);
  const form = by("order");
  if (!form || !window.htmx) return;

  const MEGABYTE = 1024 * 1024;
  const FRESH_ENOUGH_MS = 2000;
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel("tokens") : null;
  const language = document.documentElement.lang;
  let busy = false;
  let begun = false;

  const sentence = (name, values = {}) =>
    Object.entries(values).reduce(
      (text, [key, value]) => text.replace(`{${key}}`, value),
      by(`say-${name}`).content.textContent.trim(),
    );

  /* Say something to those who can't see it. */
  const hear = (text) => { if (by("heard")) by("heard").textContent = text; };

  /* The picture */

  const picture = by("picture") && choosePicture(by("picture"));

  function choosePicture(box) {
    const part = (name) => box.querySelector(`.${name}`);
    const input = box.querySelector("input[type=file]");
    const most = Number(box.dataset.mostBytes);
    let chosen = null;

    function why(files) {
      if (files.length > 1) return sentence("several");
      const [{ size, type }] = files;
      if (size > most) {
        const actual = Math.floor(size / MEGABYTE) + 1;
        return sentence("too-large", { actual, limit: Math.floor(most / MEGABYTE) });
      }
      if (size === 0) return sentence("empty");
      /* What the browser does not know the server looks at. */
      const known = type && type !== "application/octet-stream";
      return known && !type.startsWith("image/") ? sentence("no-picture") : "";
    }

    /* Take what was dropped, pasted or picked; of a refused file nothing is kept, and what was
       chosen before stays. */
    function take(files) {
      const refused = files.length ? why(files) : "";
      by("image_said").textContent = refused;
      input.setAttribute("aria-invalid", Boolean(refused));
      if (files.length && !refused) [chosen] = files;
      put();
      show();
    }

    function put() {
      const all = new DataTransfer();
      if (chosen) all.items.add(chosen);
      input.files = all.files;
    }

    function show() {
      const image = part("seen");
      if (image.src) URL.revokeObjectURL(image.src);
      image.removeAttribute("src");
      box.classList.toggle("has-picture", Boolean(chosen));
      part("preview").hidden = !chosen;
      frame("");
      if (!chosen) return;
      part("name").textContent = chosen.name;
      part("size").textContent = inMegabytes(chosen.size);
      seen(true);
      image.src = URL.createObjectURL(chosen);
    }

    function seen(can) {
      part("seen").hidden = !can;
      part("unseen").hidden = can;
    }

    part("seen").addEventListener("load", ({ target: { naturalWidth: wide, naturalHeight: tall } }) => {
      part("size").textContent = `${inMegabytes(chosen.size)} · ${wide} × ${tall}`;
      frame(wide >= tall ? "16:9" : "9:16");
    });
    part("seen").addEventListener("error", () => seen(false));
    part("remove").addEventListener("click", () => { remove(); input.focus(); });
    /* As long as the attribute stands, a phone opens its camera and nothing else. */
    part("camera").addEventListener("click", () => {
      input.setAttribute("capture", "environment");
      input.click();
      input.removeAttribute("capture");
    });
    input.addEventListener("change", () => take([...input.files]));

    function remove() {
      chosen = null;
      take([]);
    }

    /* A browser that goes back may have kept the file. */
    if (input.files.length) take([...input.files]);
    return { take, remove };
  }

  /* Which frame "as the picture" means. */
  function frame(which) {
    form.querySelectorAll(".as-picture").forEach((one) => { one.hidden = one.dataset.frame !== which; });
  }

  function inMegabytes(bytes) {
    const small = bytes < MEGABYTE / 10;
    return new Intl.NumberFormat(language, {
      style: "unit",
      unit: small ? "kilobyte" : "megabyte",
      maximumFractionDigits: small ? 0 : 1,
    }).format(bytes / (small ? 1024 : MEGABYTE));
  }

  /* Dropped anywhere: otherwise the browser would open the file and leave the page. */
  const brings = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (on) => form.classList.toggle("drag", on);
  ["dragenter", "dragover"].forEach((name) => addEventListener(name, (event) => {
    if (!picture || !brings(event)) return;
    event.preventDefault();
    over(true);
  }));
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); });
  addEventListener("drop", (event) => {
    if (!picture || !brings(event)) return;
    event.preventDefault();
    over(false);
    if (!busy) picture.take([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const isText = event.target.matches?.("textarea, input") && event.clipboardData.getData("text/plain");
    if (!picture || busy || !files.length || isText) return;
    event.preventDefault();
    picture.take(files);
  });

  /* Choices */

  const shown = () => [...form.querySelectorAll(".sum")].find((one) => one.getClientRects().length);
  const hearPrice = () => hear(shown()?.innerText ?? "");

  form.addEventListener("change", ({ target }) => {
    if (target.type === "radio") hearPrice();
    if (form.elements.again && target.name === "prompt") refresh(true);
  });
  form.addEventListener("click", (event) => {
    const link = event.target.closest("a.choose");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    new URL(link.href).searchParams.forEach((value, name) => {
      if (form.elements[name] instanceof RadioNodeList) form.elements[name].value = value;
    });
    by("send").focus();
    hearPrice();
  });

  /* Sending */

  function sending(on) {
    busy = on;
    form.classList.toggle("busy", on);
    form.setAttribute("aria-busy", on);
    by("sending").hidden = !on;
    if (by("totals")) by("totals").hidden = on;
  }

  function phase(name, percent) {
    const part = new Intl.NumberFormat(language, { style: "percent" }).format(percent / 100);
    by("sending-words").textContent = sentence(name, { percent: part });
    by("sending-bar").value = percent;
    form.querySelector(".stop").hidden = name !== "uploading";
  }

  function note(name) {
    by("said").replaceChildren(by(`note-${name}`).content.cloneNode(true));
    look();
  }

  /* Lead to what was said; the log-in that is asked for stands with the brakes. */
  function look() {
    const place = by("said").childElementCount ? by("said") : by("brakes");
    place.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
  }

  const ofForm = (name, heard) => document.addEventListener(name, ({ detail }) => {
    if (detail.requestConfig?.elt === form) heard(detail);
  });

  ofForm("htmx:beforeSend", ({ xhr }) => {
    by("said").replaceChildren();
    sending(true);
    if (!picture) return phase("checking", 100);
    phase("uploading", 0);
    hear(sentence("upload"));
    xhr.upload.addEventListener("progress", ({ loaded, total }) => {
      if (loaded < total) phase("uploading", Math.floor((100 * loaded) / total));
    });
    xhr.upload.addEventListener("load", () => {
      phase("checking", 100);
      hear(sentence("checking"));
    });
  });

  /* With DEBUG django-htmx would show any refusal as a page of its own. */
  form.addEventListener("htmx:beforeOnLoad", (event) => event.stopPropagation());

  /* Also a refusal is an answer, and shown where it belongs; what is no answer of ours is not. */
  ofForm("htmx:beforeSwap", (detail) => {
    detail.shouldSwap = detail.serverResponse.includes('id="said"');
    detail.isError = false;
    if (!detail.shouldSwap) note("unexpected");
  });

  ofForm("htmx:afterRequest", ({ xhr }) => {
    if (xhr.getResponseHeader("HX-Redirect")) {
      begun = true;
      phase("begun", 100);
      hear(sentence("begun"));
      tabs?.postMessage("spent");
      return;
    }
    sending(false);
    if (xhr.status) look();
    refresh(true);
  });

  ofForm("htmx:sendError", () => note("lost"));
  ofForm("htmx:sendAbort", () => note("stopped"));
  form.querySelector(".stop")?.addEventListener("click", () => {
    htmx.trigger(form, "htmx:abort");
    by("send").focus();
  });

  /* Fresh figures: when this tab is looked at again, and when another one has spent tokens. */

  let asked = Date.now();

  function refresh(now = false) {
    if (document.hidden || busy || (!now && Date.now() - asked < FRESH_ENOUGH_MS)) return;
    asked = Date.now();
    htmx.trigger("#fresh", "refresh");
  }

  by("fresh").addEventListener("htmx:configRequest", ({ detail }) => {
    const words = by("id_prompt");
    if (form.elements.again && words.value !== words.dataset.before) detail.parameters.other_words = "1";
  });
  addEventListener("focus", () => refresh());
  document.addEventListener("visibilitychange", () => refresh());
  tabs?.addEventListener("message", () => refresh(true));

  /* Back from the video's page: a form whose key is used up is not shown again. */
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && begun) location.reload();
  });
  addEventListener("pagehide", () => {
    if (!begun) return;
    form.reset();
    picture?.remove();
  });

  form.classList.add("live");
})();

// The page of a short: clocks that run, a word while the connection is lost, and few questions from
// a tab that nobody sees. Everything else htmx does, by the attributes of #short-poll.
(() => {
  "use strict";
  const HIDDEN_PAUSE = 30_000;
  const poll = () => document.getElementById("short-poll");
  let skew = 0;
  let asked = 0;
  let hadFocus = false;

  function tick() {
    const now = Date.now() + skew;
    for (const clock of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((now - Date.parse(clock.dataset.since)) / 1000));
      const parts = [Math.floor(seconds / 60), seconds % 60];
      if (parts[0] >= 60) parts.splice(0, 1, Math.floor(parts[0] / 60), parts[0] % 60);
      clock.textContent = parts.map((n, i) => (i ? String(n).padStart(2, "0") : n)).join(":");
    }
  }

  function settle() {
    // The server's clock counts: that of a phone may be minutes off.
    skew = Date.parse(poll().dataset.now) - Date.now();
    tick();
    // What had the focus is gone, with the part that it stood in.
    if (hadFocus && document.activeElement === document.body) {
      document.getElementById("heading").focus({ preventScroll: true });
    }
    hadFocus = false;
  }

  const look = () => document.hidden || htmx.trigger(poll(), "look");
  // Not the event's own element: by the end of a request that one has been replaced.
  const isPoll = (event) => event.detail.requestConfig.elt.id === "short-poll";

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isPoll(event)) return;
    if (document.hidden && Date.now() - asked < HIDDEN_PAUSE) event.preventDefault();
    else asked = Date.now();
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    hadFocus ||= event.detail.target.contains(document.activeElement);
  });
  document.addEventListener("htmx:afterSettle", () => settle());
  document.addEventListener("htmx:afterRequest", (event) => {
    if (isPoll(event)) document.getElementById("short-lost").hidden = !!event.detail.successful;
  });
  document.addEventListener("visibilitychange", look);
  window.addEventListener("online", look);
  setInterval(tick, 1000);
  settle();
})();

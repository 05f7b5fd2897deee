// Opens the source a mark [n] names, brings it into view, and returns to the answer. No other request than the page's own.
(() => {
  "use strict";
  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const motion = () => (calm() ? "auto" : "smooth");

  function openSource(id) {
    const card = document.getElementById(id);
    if (!card) return;
    for (let up = card; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    document.querySelectorAll("#panel details.kilde[open]").forEach((other) => {
      if (other !== card) other.open = false;
    });
    document.querySelectorAll("#panel .chosen").forEach((other) => other.classList.remove("chosen"));
    card.classList.add("chosen");
    const summary = card.querySelector("summary");
    summary.focus({ preventScroll: true });
    requestAnimationFrame(() => bringIntoView(card));
  }

  // The card to the top of its panel; further down only if the marked words would not be seen.
  function bringIntoView(card) {
    const mark = card.querySelector("mark");
    const panel = document.getElementById("sources");
    const scrolls = getComputedStyle(panel).overflowY === "auto" && panel.scrollHeight > panel.clientHeight;
    const room = scrolls ? panel.clientHeight : window.innerHeight;
    const far = mark && mark.getBoundingClientRect().bottom - card.getBoundingClientRect().top > room - 40;
    (far ? mark : card).scrollIntoView({ block: far ? "center" : "start", behavior: motion() });
  }

  let asked = null;
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href]");
    if (!link) return;
    const href = link.getAttribute("href");
    if (href.startsWith("#kilde-")) {
      event.preventDefault();
      asked = link;
      openSource(href.slice(1));
    } else if (href === "#svar") {
      event.preventDefault();
      const back = asked && asked.isConnected ? asked : document.querySelector("#chat .bot a, #chat");
      back.scrollIntoView({ block: "center", behavior: motion() });
      back.focus({ preventScroll: true });
    } else if (link.closest("#language")) {
      event.preventDefault();
      window.location.href = href;
    }
  });

  // A new question goes to the top of the conversation and stays there while its answer grows under it, so that a
  // long answer is read from its beginning; whoever scrolls is left alone.
  let questions = 0;
  let following = false;
  const stop = () => { following = false; };
  ["wheel", "touchmove", "keydown", "pointerdown"].forEach((kind) => document.addEventListener(kind, stop, { passive: true }));

  function follow() {
    const said = document.querySelectorAll("#chat [data-testid=user]");
    if (said.length !== questions) {
      following = said.length > questions;
      questions = said.length;
    }
    if (!following) return;
    const log = document.querySelector("#chat [role=log]");
    const top = said[said.length - 1].getBoundingClientRect().top - log.getBoundingClientRect().top;
    log.scrollTop += top - 14;
  }

  // Names that Gradio leaves out or gives in English only.
  function label() {
    const root = document.documentElement;
    if (root.lang !== window.askamu.language) root.lang = window.askamu.language;
    const log = document.querySelector("#chat [role=log]");
    if (log && log.getAttribute("aria-label") !== window.askamu.conversation) {
      log.setAttribute("aria-label", window.askamu.conversation);
    }
    document.querySelectorAll("#chat [data-testid=user][aria-label], #chat [data-testid=bot][aria-label]").forEach((said) => {
      said.removeAttribute("aria-label"); // it repeats the message as raw Markdown, in English
    });
    document.querySelectorAll("#chat a[href^='#kilde-'], #language a").forEach((a) => {
      if (a.target) a.removeAttribute("target");
    });
    document.querySelectorAll(".toast-body .toast-text").forEach((toast) => {
      if (/queue is full/i.test(toast.textContent)) toast.textContent = window.askamu.busy;
    });
  }
  const changed = () => { label(); follow(); };
  new MutationObserver(changed).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["lang", "aria-label", "target"] });
  document.addEventListener("DOMContentLoaded", changed);
})();

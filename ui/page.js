// Opens the source a mark [n] names, brings it into view, and returns to the answer. No other request than the page's own.
(() => {
  "use strict";
  document.documentElement.classList.add("gradio");
  if (new URLSearchParams(location.search).has("indlejret")) document.documentElement.classList.add("embedded");
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

  // The card to the top of what scrolls it; further down only if the marked words would not be seen.
  function bringIntoView(card) {
    const mark = card.querySelector("mark");
    let scroller = card.parentElement;
    while (scroller && !(/auto|scroll/.test(getComputedStyle(scroller).overflowY) && scroller.scrollHeight > scroller.clientHeight)) {
      scroller = scroller.parentElement;
    }
    const room = Math.min(scroller ? scroller.clientHeight : window.innerHeight, window.innerHeight);
    const far = mark && mark.getBoundingClientRect().bottom - card.getBoundingClientRect().top > room - 60;
    (far ? mark : card).scrollIntoView({ block: far ? "center" : "start", behavior: motion() });
  }

  // A conversation is kept by the tab that holds it, not by all tabs of the browser, unless the operator says so.
  if (window.askamu.conversation_in === "tab") {
    const keys = window.askamu.kept_as;
    const native = { get: Storage.prototype.getItem, set: Storage.prototype.setItem };
    Storage.prototype.getItem = function (name) { return native.get.call(keys.includes(name) ? sessionStorage : this, name); };
    Storage.prototype.setItem = function (name, value) { native.set.call(keys.includes(name) ? sessionStorage : this, name, value); };
  }

  // What is said to those who hear the page, and shown for a moment to those who see it.
  function say(words) {
    let place = document.getElementById("said");
    if (!place) {
      place = document.createElement("div");
      place.id = "said";
      place.setAttribute("role", "status");
      document.body.append(place);
    }
    place.textContent = "";
    setTimeout(() => { place.textContent = words; place.classList.add("seen"); }, 50);
    clearTimeout(say.timer);
    say.timer = setTimeout(() => place.classList.remove("seen"), 4000);
  }

  async function copy(words) {
    try {
      await navigator.clipboard.writeText(words);
      say(window.askamu.copied);
    } catch {
      const shown = document.createElement("dialog");
      const area = document.createElement("textarea");
      const close = document.createElement("button");
      close.textContent = window.askamu.close;
      close.addEventListener("click", () => shown.close());
      shown.addEventListener("close", () => shown.remove());
      area.value = words;
      area.readOnly = true;
      area.setAttribute("aria-label", window.askamu.copy_by_hand);
      shown.append(area, close);
      document.body.append(shown);
      shown.showModal();
      area.select();
    }
  }

  // An answer as text: what is said, and the sources of its marks in full, with addresses that hold outside this page.
  function answerText(link) {
    const said = link.closest(".prose").cloneNode(true);
    said.querySelectorAll("a[href^='#kopier-']").forEach((a) => a.closest("p").remove());
    said.style.position = "absolute";
    said.style.left = "-99999px";
    document.body.append(said); // innerText knows lines only of what is laid out
    const words = said.innerText.trim();
    const marks = [...new Set([...said.querySelectorAll("a[href^='#kilde-']")].map((a) => a.getAttribute("href").slice(1)))];
    said.remove();
    const references = marks.map((id) => document.getElementById(id)).filter(Boolean).map(reference);
    return references.length ? `${words}\n\n${window.askamu.sources}\n${references.join("\n")}\n` : `${words}\n`;
  }

  function reference(card) {
    const n = card.querySelector(".n").textContent.trim();
    return `[${n}] ${card.querySelector(".ref").textContent.trim()} ${card.querySelector("a.own-page").href}`;
  }

  function quoteText(card) {
    const quote = card.querySelector(".citat").textContent.trim();
    return `»${quote}«\n${card.querySelector(".ref").textContent.trim()}\n${card.querySelector("a.own-page").href}\n`;
  }

  const KINDS = ["helpful", "wrong_source", "wrong_answer", "missing"];

  // What a reader thinks of an answer: one of four, a free line, and whether words may be kept. Goes to this server only.
  function askOpinion(link) {
    const words = window.askamu.opinion;
    const [, turn, id, phrased] = link.getAttribute("href").split("-");
    const form = document.createElement("form");
    form.method = "dialog";
    const shown = document.createElement("dialog");
    const title = document.createElement("h2");
    title.textContent = words.title;
    title.id = "opinion-title";
    shown.setAttribute("aria-labelledby", title.id);
    const kinds = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = words.kind;
    kinds.append(legend, ...KINDS.map((kind, n) => choice("radio", "kind", kind, words[kind], n === 0)));
    const comment = document.createElement("textarea");
    comment.maxLength = 1000;
    const commentLabel = document.createElement("label");
    commentLabel.append(words.comment, comment);
    const consent = choice("checkbox", "consent", "yes", words.consent, false);
    const sends = document.createElement("p");
    const send = document.createElement("button");
    send.textContent = words.send;
    send.className = "main";
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.textContent = window.askamu.close;
    cancel.addEventListener("click", () => shown.close());
    sends.append(send, cancel);
    form.append(title, kinds, commentLabel, consent, sends);
    form.addEventListener("submit", () => {
      const agreed = consent.querySelector("input").checked;
      sendOpinion(link, {
        kind: form.elements.kind.value, answer_id: id, consent: agreed, phrased: phrased === "llm",
        comment: agreed ? comment.value : "", question: agreed ? questionOf(link) : "",
      }, turn);
    });
    shown.append(form);
    shown.addEventListener("close", () => { shown.remove(); link.focus(); });
    document.body.append(shown);
    shown.showModal();
  }

  function choice(type, name, value, words, checked) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type, name, value, checked });
    label.append(input, " ", words);
    return label;
  }

  function questionOf(link) {
    const said = [...document.querySelectorAll("#chat [data-testid=user], #chat [data-testid=bot]")];
    const at = said.findIndex((message) => message.contains(link));
    const before = said.slice(0, at).reverse().find((message) => message.dataset.testid === "user");
    return before ? before.textContent.trim().slice(0, 2000) : "";
  }

  async function sendOpinion(link, given, turn) {
    const share = new URL(link.closest("p").querySelector("a[href^='/svar']").href);
    const cards = [...document.querySelectorAll(`#panel [id^="kilde-${turn}-"] a.own-page`)];
    const citations = cards.slice(0, 40).map((a) => {
      const at = new URL(a.href);
      const [, , cited, item] = at.pathname.split("/");
      return { document: cited, item: decodeURIComponent(item), start: Number(at.searchParams.get("fra")), end: Number(at.searchParams.get("til")) };
    });
    const body = { ...given, citations, generation: share.searchParams.get("generation"), lang: window.askamu.language };
    try {
      const sent = await fetch("/api/feedback", {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
      });
      say(sent.ok ? window.askamu.opinion.thanks : (await sent.json()).detail);
    } catch {
      say(window.askamu.opinion.failed);
    }
  }

  // The last question again, as if it were typed.
  function askAgain() {
    const said = [...document.querySelectorAll("#chat [data-testid=user]")].pop();
    const box = document.querySelector("#question textarea");
    if (!said || !box) return;
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, said.textContent.trim());
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => document.querySelector("#send").click(), 50);
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
    } else if (href === "#kopier-citat") {
      event.preventDefault();
      copy(quoteText(link.closest("details.kilde")));
    } else if (href.startsWith("#kopier-")) {
      event.preventDefault();
      copy(answerText(link));
    } else if (href.startsWith("#mening-")) {
      event.preventDefault();
      askOpinion(link);
    } else if (href === "#igen") {
      event.preventDefault();
      askAgain();
    } else if (link.closest("#language, #places")) {
      event.preventDefault();
      window.location.href = href;
    }
  });

  // A new question goes to the top of the conversation and stays there while its answer grows under it, so that a
  // long answer is read from its beginning; whoever scrolls is left alone.
  // Room is kept below the question from the start, so that it stands still while a model writes.
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
    const row = said[said.length - 1].closest(".message-row");
    const answer = row && row.nextElementSibling;
    if (answer) {
      const below = parseFloat(getComputedStyle(answer.parentElement).paddingBottom) || 0;
      const room = log.clientHeight - 14 - below - (answer.getBoundingClientRect().top - said[said.length - 1].getBoundingClientRect().top);
      document.querySelectorAll("#chat .message-row[style]").forEach((other) => { if (other !== answer) other.style.minHeight = ""; });
      const least = `${Math.max(0, Math.floor(room))}px`;
      if (answer.style.minHeight !== least) answer.style.minHeight = least;
    }
    const top = said[said.length - 1].getBoundingClientRect().top - log.getBoundingClientRect().top;
    log.scrollTop += top - 14;
  }

  // While a language model writes, what it has so far is not read out sentence by sentence: that it begins and ends is.
  let writing = false;
  function announce() {
    const log = document.querySelector("#chat [role=log]");
    const now = Boolean(document.getElementById("stop"));
    if (!log || now === writing) return;
    writing = now;
    log.setAttribute("aria-live", now ? "off" : "polite");
    log.setAttribute("aria-busy", String(now));
    let heard = document.getElementById("heard");
    if (!heard) {
      heard = document.createElement("div");
      heard.id = "heard";
      heard.setAttribute("role", "status");
      document.body.append(heard);
    }
    clearTimeout(announce.timer); // a conversation that is emptied was not answered
    announce.timer = setTimeout(() => {
      heard.textContent = document.querySelector("#chat [data-testid=user]") ? window.askamu[now ? "writing" : "written"] : "";
    }, 200);
  }

  // A new question takes the place of one that a model still writes on, which then gets its answer without it.
  function interrupt() {
    const stop = document.getElementById("stop");
    const box = document.querySelector("#question textarea");
    if (stop && box && box.value.trim()) stop.click();
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && event.target.closest && event.target.closest("#question")) interrupt();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("#send")) interrupt();
  }, true);

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
    document.querySelectorAll("#chat a[href^='#kopier-'], #chat a[href^='#mening-'], #chat a[href='#igen'], #panel a[href^='#kopier'], #panel a[href^='#notat/']").forEach((a) => {
      if (a.getAttribute("role") !== "button") a.setAttribute("role", "button");
    });
    document.querySelectorAll("#chat a[href^='#'], #panel a[href^='#'], #language a, #places a").forEach((a) => {
      if (a.target) a.removeAttribute("target");
    });
    const choice = document.querySelector("#use-llm input");
    const about = document.querySelector("#use-llm .info-text");
    if (choice && about && !choice.hasAttribute("aria-describedby")) {
      about.id = "about-llm";
      choice.setAttribute("aria-describedby", about.id);
    }
    const here = document.querySelector("#places a");
    if (here && !here.hasAttribute("aria-current")) here.setAttribute("aria-current", "page");
    document.querySelectorAll(".toast-body .toast-text").forEach((toast) => {
      if (/queue is full/i.test(toast.textContent)) toast.textContent = window.askamu.busy;
    });
  }
  const changed = () => { label(); announce(); follow(); };
  new MutationObserver(changed).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["lang", "aria-label", "target"] });
  document.addEventListener("DOMContentLoaded", changed);
})();

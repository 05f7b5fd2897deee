// The basket (notat), kept in this browser only. Any page may hold an element with
//   data-memo='{"document": …, "start": …, "end": …}' or '{"question": …, "filters": {…}}', or a link to
//   #notat/DOCUMENT/START/END or #notat?q=QUESTION&municipality=…  : a click puts it into the basket;
//   data-copy="text"  : a click copies it.
// What is said stands in <meta name="askamu-basket">. memo.js gets at the stored memo by the event "askamu-basket".
(() => {
  "use strict";
  const KEY = "askamu-notat";
  const MOST = 200; // entries
  const BYTES = 62000; // of what is sent; the server takes 64 kB
  const FILTERS = ["municipality", "committee", "date_from", "date_to"];
  const meta = document.querySelector('meta[name="askamu-basket"]');
  const words = meta ? JSON.parse(meta.content) : {};
  const say = (key, values) => (words[key] || "").replace(/\$(\w+)/g, (_, name) => values[name]);

  // -- what is stored -----------------------------------------------------------------------

  const isText = (value, most) => typeof value === "string" && value.length <= most;
  const isPlace = (value) => Number.isInteger(value) && value >= 0 && value < 1e9;
  const newId = () => Date.now().toString(36) + Math.random().toString(36).slice(2, 8);

  // An entry of known form out of anything, or null.
  function entryOf(given) {
    if (!given || typeof given !== "object") return null;
    const id = isText(given.id, 40) && given.id ? given.id : newId();
    const note = isText(given.note, 5000) ? given.note : "";
    if (isText(given.document, 300) && isPlace(given.start) && isPlace(given.end) && given.start < given.end) {
      const entry = { id, type: "passage", document: given.document, start: given.start, end: given.end, note };
      if (isText(given.quote, 1000)) entry.quote = given.quote;
      return entry;
    }
    if (isText(given.question, 5000) && given.question.trim()) {
      const filters = {};
      for (const name of FILTERS) {
        const value = given.filters && given.filters[name];
        if (isText(value, 300) && value) filters[name] = value;
      }
      return { id, type: "answer", question: given.question, filters, note };
    }
    if ((given.type === "heading" || given.type === "text") && isText(given.text, 5000) && given.text.trim()) {
      return { id, type: given.type, text: given.text };
    }
    return null;
  }

  const empty = () => ({ title: "", author: "", entries: [] });

  function read() {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY) || "{}");
      const entries = Array.isArray(stored.entries) ? stored.entries.slice(0, MOST).map(entryOf).filter(Boolean) : [];
      return {
        title: isText(stored.title, 300) ? stored.title : "",
        author: isText(stored.author, 300) ? stored.author : "",
        entries,
      };
    } catch {
      return empty();
    }
  }

  // Returns whether it was stored; says why not.
  function write(memo) {
    try {
      if (memo.entries.length || memo.title || memo.author) localStorage.setItem(KEY, JSON.stringify(memo));
      else localStorage.removeItem(KEY);
    } catch (error) {
      tell(say(error && error.name === "SecurityError" ? "forbidden" : "full"));
      return false;
    }
    count();
    return true;
  }

  const sent = (memo) => ({ ...memo, entries: memo.entries.map(({ id, ...entry }) => entry) });
  const size = (memo) => new Blob([JSON.stringify(sent(memo))]).size;
  const same = (a, b) =>
    a.type === b.type &&
    (a.type === "passage"
      ? a.document === b.document && a.start === b.start && a.end === b.end
      : a.type === "answer" && a.question === b.question && JSON.stringify(a.filters) === JSON.stringify(b.filters));

  // Returns whether the basket holds the entry now.
  function add(given) {
    const entry = entryOf(given);
    if (!entry) return false;
    const memo = read();
    if (memo.entries.some((other) => same(other, entry))) {
      tell(say("already"), true);
      return true;
    }
    const grown = { ...memo, entries: [...memo.entries, entry] };
    if (grown.entries.length > MOST || size(grown) > BYTES) {
      tell(say("too_large"), true);
      return false;
    }
    if (!write(grown)) return false;
    tell(say("added", { n: grown.entries.length }), true);
    document.dispatchEvent(new CustomEvent("askamu-basket-changed"));
    return true;
  }

  // -- what is said -------------------------------------------------------------------------

  let said = null;
  let fading = 0;

  function region() {
    if (!said || !said.isConnected) {
      said = document.createElement("div");
      said.id = "askamu-said";
      said.setAttribute("role", "status");
      said.setAttribute("aria-live", "polite");
      document.body.append(said);
    }
    return said;
  }

  function tell(sentence, linked) {
    const where = region();
    where.textContent = "";
    const line = document.createElement("span");
    line.textContent = sentence;
    where.append(line);
    if (linked && words.address && !location.pathname.startsWith("/notat")) {
      const link = document.createElement("a");
      link.href = words.address;
      link.textContent = say("open");
      where.append(" ", link);
    }
    where.classList.add("shown");
    clearTimeout(fading);
    fading = setTimeout(function fade() {
      if (where.matches(":hover, :focus-within")) fading = setTimeout(fade, 4000);
      else {
        where.classList.remove("shown");
        where.textContent = "";
      }
    }, 12000);
  }

  // »Notat (3)« wherever a navigation leads to the memo.
  const names = new WeakMap();
  function count() {
    const n = read().entries.length;
    for (const link of document.querySelectorAll('a[href="/notat"]:not([hreflang]), a[href^="/notat?"]:not([hreflang])')) {
      if (said && said.contains(link)) continue;
      if (!names.has(link)) names.set(link, link.textContent);
      const shown = n ? `${names.get(link)} (${n})` : names.get(link);
      if (link.textContent !== shown) link.textContent = shown;
    }
  }

  async function copy(button) {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
      tell(say("copied"));
    } catch {
      let box = button.parentElement.querySelector("textarea.copied");
      if (!box) {
        box = document.createElement("textarea");
        box.className = "copied";
        box.readOnly = true;
        box.rows = 5;
        box.setAttribute("aria-label", say("copy_text"));
        button.parentElement.append(box);
      }
      box.value = text;
      box.focus();
      box.select();
      tell(say("copy_yourself"));
    }
  }

  // -- clicks, wherever they fall -----------------------------------------------------------

  function fromHash(hash) {
    const place = /^#notat\/([^/?]+)\/(\d{1,9})\/(\d{1,9})$/.exec(hash);
    try {
      if (place) return { document: decodeURIComponent(place[1]), start: Number(place[2]), end: Number(place[3]) };
      if (!hash.startsWith("#notat?")) return null;
      const query = new URLSearchParams(hash.slice("#notat?".length));
      return { question: query.get("q") || "", filters: Object.fromEntries(query) };
    } catch {
      return null;
    }
  }

  document.addEventListener(
    "click",
    (event) => {
      const from = event.target.closest && event.target.closest("[data-memo], [data-copy], a[href*='#notat']");
      if (!from) return;
      if (from.dataset.copy !== undefined) {
        event.preventDefault();
        copy(from);
        return;
      }
      let given = null;
      if (from.dataset.memo !== undefined) {
        try {
          given = JSON.parse(from.dataset.memo);
        } catch {
          given = null;
        }
      } else {
        given = fromHash(from.hash);
        if (!given) return;
      }
      event.preventDefault();
      if (!entryOf(given)) tell(say("unfit"));
      else if (add(given)) from.setAttribute("data-added", "");
    },
    true,
  );

  window.addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) count();
  });
  document.addEventListener("askamu-basket", (event) => event.detail({ KEY, BYTES, MOST, read, write, add, tell, sent, size, newId }));

  function ready() {
    region();
    document.querySelectorAll("[data-memo][hidden], [data-copy][hidden]").forEach((button) => { button.hidden = false; });
    count();
    const here = document.querySelector("nav [aria-current]");
    const places = here && here.closest("nav");
    if (places) places.scrollLeft = here.offsetLeft - (places.clientWidth - here.offsetWidth) / 2; // on a phone they scroll
    // Gradio draws its page after this, and anew
    let asked = 0;
    new MutationObserver(() => {
      asked = asked || requestAnimationFrame(() => { asked = 0; count(); });
    }).observe(document.body, { childList: true, subtree: true });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();

// The page /notat: the stored memo as a list to order and annotate, each entry as the server verified it.
(() => {
  "use strict";
  let store = null;
  document.dispatchEvent(new CustomEvent("askamu-basket", { detail: (given) => { store = given; } }));
  const root = document.getElementById("notat");
  if (!store || !root) return;
  const words = JSON.parse(root.dataset.words);
  const say = (key, values) => (words[key] || "").replace(/\$(\w+)/g, (_, name) => values[name]);
  const language = document.documentElement.lang;
  const list = root.querySelector("#entries");
  const status = root.querySelector("#memo-status");
  const size = root.querySelector("#memo-size");
  const title = root.querySelector("#memo-title");
  const author = root.querySelector("#memo-author");
  const day = root.querySelector("#memo-date");
  const rows = new Map(); // id -> the entry's elements

  const make = (tag, values = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(values)) {
      if (name === "text") element.textContent = value;
      else if (name === "class") element.className = value;
      else if (value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const button = (key, action, values = {}) => {
    const made = make("button", { type: "button", text: say(key), ...values });
    made.addEventListener("click", action);
    return made;
  };
  const kindOf = (entry) => say(`kind_${entry.type}`);

  function announce(sentence, ...more) {
    status.textContent = "";
    status.append(make("span", { text: sentence }), ...more);
  }

  // -- changes ------------------------------------------------------------------------------

  // Read anew, change, store: another tab may have written meanwhile.
  function change(edit) {
    const memo = store.read();
    edit(memo);
    const stored = store.write(memo);
    measure(memo);
    return stored;
  }

  function move(id, by) {
    let place = -1;
    let all = 0;
    change((memo) => {
      const at = memo.entries.findIndex((e) => e.id === id);
      const to = at + by;
      if (at < 0 || to < 0 || to >= memo.entries.length) return;
      const [entry] = memo.entries.splice(at, 1);
      memo.entries.splice(to, 0, entry);
      place = to;
      all = memo.entries.length;
    });
    if (place < 0) return;
    show();
    const row = rows.get(id);
    const pressed = by < 0 ? row.up : row.down;
    (pressed.disabled ? (by < 0 ? row.down : row.up) : pressed).focus();
    row.item.scrollIntoView({ block: "nearest" });
    announce(say("moved", { place: place + 1, all }));
    check();
  }

  function remove(id) {
    const before = store.read();
    if (!change((memo) => { memo.entries = memo.entries.filter((e) => e.id !== id); })) return;
    show();
    offerUndo(say("removed"), before);
    check();
  }

  function clear() {
    const before = store.read();
    if (!before.entries.length && !before.title) return;
    if (!change((memo) => { memo.entries = []; memo.title = ""; })) return;
    show();
    offerUndo(say("cleared", { n: before.entries.length }), before);
    check();
  }

  function offerUndo(sentence, before) {
    const undo = button("undo", () => {
      change((memo) => {
        const kept = new Set(before.entries.map((e) => e.id));
        memo.entries = [...before.entries, ...memo.entries.filter((e) => !kept.has(e.id))];
        memo.title = memo.title || before.title;
      });
      show();
      announce(say("undone"));
      title.focus();
      check();
    });
    announce(sentence, " ", undo);
    undo.focus();
  }

  let saving = 0;
  let pending = null;
  function noteLater(id, field, value) {
    clearTimeout(saving);
    const save = () => {
      pending = null;
      change((memo) => {
        const entry = memo.entries.find((e) => e.id === id);
        if (entry) entry[field] = value;
      });
    };
    saving = setTimeout(save, 250);
    pending = save;
  }
  const settle = () => {
    clearTimeout(saving);
    if (pending) pending();
  };
  window.addEventListener("pagehide", settle);

  // -- the list -----------------------------------------------------------------------------

  function rowOf(entry) {
    const heading = make("h2", { class: "kind" });
    const body = make("div", { class: "verified" });
    const up = button("up", () => move(entry.id, -1));
    const down = button("down", () => move(entry.id, 1));
    const gone = button("remove", () => remove(entry.id));
    const item = make("li", { class: `entry ${entry.type}` }, heading, body);
    let note = null;
    const own = entry.type === "heading" || entry.type === "text";
    const label = make("label", { class: "field" }, make("span", { text: say(own ? "own_text" : "note") }));
    note = make("textarea", { rows: own && entry.type === "heading" ? "1" : "2", maxlength: "5000" });
    note.addEventListener("input", () => noteLater(entry.id, own ? "text" : "note", note.value));
    note.addEventListener("blur", settle);
    label.append(note);
    item.append(label, make("div", { class: "actions" }, up, down, gone));
    return { item, heading, body, up, down, gone, note, own, verified: "" };
  }

  function show() {
    const memo = store.read();
    const seen = new Set(memo.entries.map((e) => e.id));
    for (const [id, row] of rows) {
      if (!seen.has(id)) {
        row.item.remove();
        rows.delete(id);
      }
    }
    memo.entries.forEach((entry, at) => {
      if (!rows.has(entry.id)) rows.set(entry.id, rowOf(entry));
      const row = rows.get(entry.id);
      if (list.children[at] !== row.item) list.insertBefore(row.item, list.children[at] || null);
      const name = say("entry", { place: at + 1, kind: kindOf(entry) });
      row.heading.textContent = name;
      for (const [key, pressed] of [["up", row.up], ["down", row.down], ["remove", row.gone]]) {
        pressed.setAttribute("aria-label", `${say(key)}: ${name}`);
      }
      row.up.disabled = at === 0;
      row.down.disabled = at === memo.entries.length - 1;
      const kept = row.own ? entry.text : entry.note;
      if (document.activeElement !== row.note && row.note.value !== kept) row.note.value = kept;
      if (!row.body.childElementCount && !row.own) {
        row.body.append(make("p", { class: "lead", text: entry.type === "answer" ? entry.question : say("checking") }));
      }
    });
    if (document.activeElement !== title) title.value = memo.title;
    if (document.activeElement !== author) author.value = memo.author;
    root.querySelector("#empty").hidden = memo.entries.length > 0;
    root.querySelectorAll(".needs-entries").forEach((element) => { element.hidden = memo.entries.length === 0; });
    measure(memo);
  }

  function measure(memo) {
    const bytes = store.size(memo);
    const near = bytes > 0.8 * store.BYTES || memo.entries.length > 0.9 * store.MOST;
    const key = bytes > store.BYTES ? "too_large" : "filling";
    size.textContent = near ? say(key, { used: Math.ceil(bytes / 1000), most: store.BYTES / 1000 }) : "";
    return bytes <= store.BYTES;
  }

  // -- what the server says -----------------------------------------------------------------

  const request = () => {
    const memo = store.sent(store.read());
    return { ...memo, date: day.value || null, lang: language };
  };

  async function post(path) {
    const asked = JSON.stringify(request());
    if (new Blob([asked]).size > store.BYTES + 1000) throw new Error(size.textContent || say("failed"));
    let answer;
    try {
      answer = await fetch(`${path}?lang=${language}`, {
        method: "POST", headers: { "content-type": "application/json" }, body: asked,
      });
    } catch {
      throw new Error(say("offline"));
    }
    if (answer.ok) return answer;
    let detail = "";
    try {
      detail = (await answer.json()).detail;
    } catch {
      detail = "";
    }
    throw new Error(typeof detail === "string" && detail ? detail : say("failed"));
  }

  let turn = 0;
  let waiting = 0;
  function check() {
    clearTimeout(waiting);
    waiting = setTimeout(checkNow, 150);
  }

  async function checkNow() {
    settle();
    const mine = ++turn;
    const asked = store.read().entries;
    if (!asked.length) return;
    let found;
    try {
      found = await (await post("/api/memo/check")).json();
    } catch (error) {
      if (mine === turn) announce(error.message, " ", button("again", checkNow));
      return;
    }
    if (mine !== turn) return;
    const quotes = new Map();
    asked.forEach((entry, at) => {
      const row = rows.get(entry.id);
      const part = found.entries[at];
      if (!row || !part) return;
      const shown = JSON.stringify(part);
      if (row.verified !== shown) {
        row.verified = shown;
        row.body.replaceChildren(...bodyOf(entry, part));
        row.item.classList.toggle("unconfirmed", part.status === "unconfirmed");
      }
      if (part.status === "confirmed" && !entry.quote && part.quote.length <= 1000) quotes.set(entry.id, part.quote);
    });
    if (quotes.size) {
      change((memo) => {
        for (const entry of memo.entries) if (quotes.has(entry.id)) entry.quote = quotes.get(entry.id);
      });
    }
  }

  // A path within this site, or nothing: an address is only taken from the server.
  const inside = (address) => {
    const there = new URL(address, location.href);
    return there.origin === location.origin ? there.pathname + there.search : null;
  };
  const linkTo = (key, address) => {
    const there = inside(address);
    const joint = there && there.includes("?") ? "&" : "?";
    return there ? [make("a", { href: `${there}${joint}lang=${language}#citat`, text: say(key) })] : [];
  };

  function bodyOf(entry, part) {
    if (part.status === "confirmed") {
      const caution = part.caution ? [make("p", {}, make("span", { class: "tag caution", text: part.caution }))] : [];
      return [
        ...caution,
        make("blockquote", { text: `»${part.quote}«` }),
        make("p", { class: "where", text: `[${part.n}] ${part.reference}. ` }, ...linkTo("see", part.permalink)),
        ...(part.adopted.length ? [make("p", { text: say("adopted") })] : []),
        ...part.adopted.map((other) => make("blockquote", { class: "adopted", text: `»${other.quote}« [${other.n}]` })),
      ];
    }
    if (part.status === "answered") {
      return [
        make("p", { class: "asked", text: entry.question }),
        ...part.remarks.map((remark) => make("p", { class: "where", text: remark })),
        make("p", { class: "answer", text: part.plain }),
      ];
    }
    if (part.status === "unconfirmed") {
      const shown = [make("p", { class: "note", text: `${say("unconfirmed")} ${part.reason}` })];
      if (part.claim) shown.push(make("p", { class: "where", text: `${say("claimed")} ${part.claim}` }));
      if (part.where) shown.push(make("p", { class: "where", text: part.where }));
      if (part.newer) {
        const newer = part.newer;
        const also = make("p", {}, ...linkTo("see_newer", newer.permalink));
        if (newer.start !== null) {
          also.append(" ", button("use_newer", () => {
            change((memo) => {
              const mine = memo.entries.find((e) => e.id === entry.id);
              if (mine) Object.assign(mine, { document: newer.document, start: newer.start, end: newer.end });
            });
            announce(say("used_newer"));
            rows.get(entry.id).up.focus();
            check();
          }));
        }
        shown.push(also);
      }
      return shown;
    }
    return [];
  }

  async function download(kind) {
    settle();
    announce(say("making"));
    try {
      const answer = await post(`/api/memo.${kind}`);
      const named = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("content-disposition") || "");
      const address = URL.createObjectURL(await answer.blob());
      const link = make("a", { href: address, download: named ? decodeURIComponent(named[1]) : `notat.${kind}` });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
      announce(say("made"));
    } catch (error) {
      announce(error.message);
    }
  }

  // -- the page -----------------------------------------------------------------------------

  const now = new Date();
  day.value = `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
  title.addEventListener("input", () => change((memo) => { memo.title = title.value; }));
  author.addEventListener("input", () => change((memo) => { memo.author = author.value; }));
  root.querySelector("#as-docx").addEventListener("click", () => download("docx"));
  root.querySelector("#as-md").addEventListener("click", () => download("md"));
  root.querySelector("#clear").addEventListener("click", clear);
  root.querySelector("#own").addEventListener("submit", (event) => {
    event.preventDefault();
    const kind = root.querySelector("#own-kind").value;
    const text = root.querySelector("#own-text");
    if (!text.value.trim()) {
      announce(say("write_first"));
      text.focus();
      return;
    }
    const given = kind === "answer" ? { question: text.value, filters: {} } : { type: kind, text: text.value };
    if (store.add(given)) text.value = "";
    text.focus();
  });
  const refresh = () => { show(); check(); };
  document.addEventListener("askamu-basket-changed", refresh);
  window.addEventListener("storage", (event) => {
    if (event.key === store.KEY || event.key === null) refresh();
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
  document.getElementById("needs-script").hidden = true;
  root.hidden = false;
  refresh();
})();

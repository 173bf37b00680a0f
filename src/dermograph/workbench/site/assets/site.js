"use strict";
(() => {
  const root = document.body.dataset.root;

  // --- light and dark

  const button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const html = document.documentElement;
    const dark = html.dataset.theme ? html.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    html.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("dermograph-theme", html.dataset.theme);
    } catch { /* not kept, then */ }
  });

  // --- print everything

  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("main details:not([open])")) {
      fold.dataset.folded = "";
      fold.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const fold of document.querySelectorAll("details[data-folded]")) fold.open = false;
  });

  // --- search

  const field = document.getElementById("search");
  const results = document.getElementById("results");
  const found = document.getElementById("found");
  const shown = 20;
  let rows = null;

  const fold = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const load = () => {
    if (document.getElementById("index")) return;
    const script = document.createElement("script");
    script.id = "index";
    script.src = root + "search-index.js";
    script.onload = () => {
      rows = window.dermographIndex.map(([path, label, kind, text, iri]) =>
        ({ path, label, kind, text, iri, head: fold(label + " " + iri), all: fold([label, iri, kind, text].join(" ")) }));
      ask();
    };
    document.head.append(script);
  };

  const score = (row, words, whole) => {
    let total = 0;
    for (const word of words) {
      const place = row.head.indexOf(word);
      if (place >= 0) total += place === 0 ? 12 : /[\s:-]/.test(row.head[place - 1]) ? 8 : 4;
      else if (row.all.includes(word)) total += 1;
      else return 0;
    }
    if (fold(row.label) === whole || fold(row.iri) === whole) total += 60;
    if (row.kind === "therapy" || row.kind === "guideline") total += 6;
    return total - Math.min(row.label.length, 200) / 100;
  };

  const close = () => { results.hidden = true; };

  const ask = () => {
    const whole = fold(field.value.trim());
    if (!rows || whole.length < 2) {
      found.textContent = "";
      return close();
    }
    const words = whole.split(/\s+/);
    const hits = rows.map(row => [score(row, words, whole), row]).filter(([s]) => s > 0).sort((a, b) => b[0] - a[0]);
    results.replaceChildren(...hits.slice(0, shown).map(([, row]) => {
      const link = document.createElement("a");
      link.href = root + row.path;
      const parts = [["b", row.label], ["i", row.kind], ["span", row.text.slice(0, 140)]];
      link.append(...parts.map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text })));
      return link;
    }));
    const more = hits.length > shown ? `, the first ${shown} are shown` : "";
    found.textContent = hits.length ? `${hits.length} found${more}` : "Nothing found";
    if (!hits.length) results.append(Object.assign(document.createElement("p"), { textContent: "Nothing found" }));
    results.hidden = false;
  };

  const step = (event, way) => {
    const links = [...results.querySelectorAll("a")];
    if (results.hidden || !links.length) return;
    event.preventDefault();
    const place = links.indexOf(document.activeElement) + way;
    (place < 0 ? field : links[Math.min(place, links.length - 1)]).focus();
  };

  field.addEventListener("focus", load);
  field.addEventListener("input", () => { load(); ask(); });
  field.form.addEventListener("submit", event => {
    event.preventDefault();
    const first = results.querySelector("a");
    if (first && !results.hidden) location.href = first.href;
  });
  field.form.addEventListener("keydown", event => {
    if (event.key === "ArrowDown") step(event, 1);
    else if (event.key === "ArrowUp") step(event, -1);
    else if (event.key === "Escape") { close(); field.focus(); }
  });
  addEventListener("click", event => { if (!field.form.contains(event.target)) close(); });
  addEventListener("keydown", event => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      field.focus();
    }
  });
})();

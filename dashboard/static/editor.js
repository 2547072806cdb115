// The script editor: line numbers, examples, files, and a draft that survives a reload.
(() => {
  const form = document.getElementById("script");
  const source = document.getElementById("source");
  const kind = document.getElementById("kind");
  const gutter = document.getElementById("gutter");
  const drop = document.getElementById("drop");
  const draft = document.getElementById("draft");
  const DRAFT = "reelyard-draft";
  const MOST_BYTES = 1_000_000;

  const kept = (work) => { try { return work(); } catch { return null; } };
  const keep = () => kept(() => localStorage.setItem(DRAFT, JSON.stringify({ source: source.value, kind: kind.value })));

  const wrongLines = () => new Set([...document.querySelectorAll("#verdict [data-line]")].map((b) => Number(b.dataset.line)));
  const number = () => {
    const wrong = wrongLines();
    const lines = source.value.split("\n").length;
    gutter.replaceChildren(...Array.from({ length: lines }, (_, at) => {
      const line = document.createElement(wrong.has(at + 1) ? "mark" : "span");
      line.textContent = `${at + 1}\n`;
      return line;
    }));
    gutter.scrollTop = source.scrollTop;
  };
  const check = () => window.htmx.trigger(source, "check");
  const fill = (text, chosen) => {
    source.value = text;
    kind.value = chosen;
    number();
    keep();
    check();
  };

  const take = async (file) => {
    if (!file) return;
    if (file.size > MOST_BYTES) { draft.textContent = `${file.name} is larger than a script may be (1 MB).`; return; }
    const ending = file.name.toLowerCase().split(".").pop();
    fill(await file.text(), { yaml: "yaml", yml: "yaml", json: "json", txt: "plain" }[ending] || "");
    draft.textContent = `${file.name} is open. Changes stay in this browser, not in the file.`;
  };

  source.addEventListener("input", () => { number(); keep(); });
  source.addEventListener("scroll", () => { gutter.scrollTop = source.scrollTop; });
  kind.addEventListener("change", () => { keep(); check(); });
  document.querySelector(".when-where").addEventListener("change", check);
  document.getElementById("file").addEventListener("change", (event) => take(event.target.files[0]));
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.dataset.over = ""; });
  drop.addEventListener("dragleave", () => { delete drop.dataset.over; });
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    delete drop.dataset.over;
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("htmx:after:swap", number);
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-example], [data-line]");
    if (target?.dataset.example) fill(target.dataset.example, "");
    if (target?.dataset.line) show(Number(target.dataset.line));
  });
  const show = (line) => {
    const lines = source.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    source.focus();
    source.setSelectionRange(start, start + (lines[line - 1] || "").length);
    source.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(source).lineHeight));
  };
  form.addEventListener("htmx:after:request", (event) => {
    if (event.detail.ctx.hx?.redirect) kept(() => localStorage.removeItem(DRAFT));
  });
  // A page from the browser's memory has a key that was used: a fresh one comes with a fresh page.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  const before = kept(() => JSON.parse(localStorage.getItem(DRAFT)));
  if (before?.source && !source.value) {
    source.value = before.source;
    kind.value = before.kind || "";
    draft.textContent = "Your draft is back.";
  }
  number();
  // Not before htmx listens: it takes its time after the page has loaded.
  document.addEventListener("htmx:after:process", () => { if (source.value.trim()) check(); }, { once: true });
})();

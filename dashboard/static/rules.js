// The editor of the house rules: line numbers, lines that are wrong, and a warning before leaving.
(() => {
  const form = document.getElementById("rules-form");
  const source = document.getElementById("source");
  const gutter = document.getElementById("gutter");
  const before = source.value;
  let isDone = false;

  const wrongLines = () => new Set([...document.querySelectorAll("#verdict [data-line]")].map((b) => Number(b.dataset.line)));
  const number = () => {
    const wrong = wrongLines();
    const lines = source.value.split("\n").length;
    gutter.replaceChildren(...Array.from({ length: lines }, (_, at) => {
      const line = document.createElement(wrong.has(at + 1) ? "mark" : "span");
      line.textContent = at + 1;
      return line;
    }));
    gutter.scrollTop = source.scrollTop;
  };
  const show = (line) => {
    const lines = source.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    source.focus();
    source.setSelectionRange(start, start + (lines[line - 1] || "").length);
    source.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(source).lineHeight));
  };

  source.addEventListener("input", number);
  source.addEventListener("scroll", () => { gutter.scrollTop = source.scrollTop; });
  document.addEventListener("htmx:after:swap", number);
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-line]");
    if (target) show(Number(target.dataset.line));
  });
  form.addEventListener("htmx:after:request", (event) => {
    if (event.detail.ctx.hx?.redirect) isDone = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!isDone && source.value !== before) event.preventDefault();
  });
  number();
})();

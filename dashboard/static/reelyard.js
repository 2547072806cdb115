// What every page does in the browser: times in the reader's zone, dialogs, keys, the state in the
// tab. Whatever shows the farm is HTML from the server; nothing here asks the farm.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const swapped = (work) => document.addEventListener("htmx:after:swap", work);

  // Times

  const span = (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 86400) return `${Math.floor(s / 3600)} h`;
    return `${Math.floor(s / 86400)} d`;
  };
  const exactSpan = (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    const two = (n) => String(n).padStart(2, "0");
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
    return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  };
  const clock = (then) => {
    const isToday = then.toDateString() === new Date().toDateString();
    const day = isToday ? {} : { day: "numeric", month: "short" };
    return then.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit", second: isToday ? "2-digit" : undefined, hourCycle: "h23" });
  };
  const about = (then) => {
    const isToday = then.toDateString() === new Date().toDateString();
    const day = isToday ? {} : { weekday: "short", day: "numeric", month: "short" };
    return then.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  };
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const writeTimes = () => {
    for (const element of all("time[datetime]")) {
      const then = new Date(element.dateTime);
      const age = (Date.now() - then) / 1000;
      if ("ago" in element.dataset) write(element, age < 5 ? "just now" : `${span(age)} ago`);
      else if ("since" in element.dataset) write(element, exactSpan(age));
      else if ("clock" in element.dataset) write(element, clock(then));
      else if ("about" in element.dataset) write(element, about(then));
      element.title = then.toLocaleString();
    }
  };
  writeTimes();
  setInterval(writeTimes, 1000);
  swapped(writeTimes);

  // Moments in forms: the server writes them in UTC and is told which zone is meant.

  const writeMoments = () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
    for (const field of all("input[data-zone]")) field.value = zone;
    for (const field of all("input[data-moment]")) {
      const then = new Date(field.value);
      delete field.dataset.moment;
      if (Number.isNaN(then.getTime())) continue;
      const two = (n) => String(n).padStart(2, "0");
      field.value = `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())} ${two(then.getHours())}:${two(then.getMinutes())}`;
    }
  };
  writeMoments();
  swapped(writeMoments);

  // The farm's state in the tab, and whether the page is live

  const showState = () => {
    const state = $("#pulse [data-state]")?.dataset.state || "idle";
    const icon = $("#favicon");
    const address = `${icon.dataset.base}${state}.svg`;
    if (icon.getAttribute("href") !== address) icon.setAttribute("href", address);
  };
  showState();
  swapped(showState);
  const live = (isLive) => { document.documentElement.dataset.live = isLive ? "on" : "off"; };
  document.addEventListener("htmx:sse:after:connection", () => live(true));
  document.addEventListener("htmx:sse:error", () => live(false));

  // Dialogs

  const open = (name) => {
    const dialog = document.getElementById(name);
    if (dialog && !dialog.open) dialog.showModal();
  };
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-dialog], [data-close], [data-copy], [data-example]");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (target.dataset.dialog) open(target.dataset.dialog);
    if ("close" in target.dataset) target.closest("dialog")?.close();
    if (target.dataset.copy) copy(target.dataset.copy);
  });
  // A whole row may be clicked; its link is what the keyboard finds.
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-open]");
    if (row && !event.target.closest("a, button")) $("a", row)?.click();
  });
  for (const dialog of all("dialog")) {
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => {
      const body = $(`#${dialog.id}-body`, dialog);
      if (body) body.replaceChildren();
    });
  }
  document.addEventListener("reelyard:close-dialog", () => all("dialog[open]").forEach((d) => d.close()));

  // Copying

  let toastTimer;
  const say = (text) => {
    const toast = $("#toast");
    toast.textContent = text;
    toast.dataset.shown = "";
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { delete toast.dataset.shown; toast.textContent = ""; }, 2000);
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      say(`Copied ${text}`);
    } catch {
      say("This browser does not allow copying here");
    }
  };

  // Theme

  const button = $("#theme");
  const nameTheme = () => {
    if (!button) return;
    button.title = `Theme: ${window.reelyardTheme.now()} (t)`;
    button.setAttribute("aria-label", `Theme: ${window.reelyardTheme.now()}`);
  };
  button?.addEventListener("click", () => window.reelyardTheme.next());
  document.addEventListener("reelyard:theme", () => { nameTheme(); say(`Theme: ${window.reelyardTheme.now()}`); });
  nameTheme();

  // Keys

  const go = { o: "/", j: "/jobs", q: "/queue", m: "/models", w: "/workers", r: "/rules" };
  let isGoing = false;
  const move = (by) => {
    const rows = all("[data-row]").filter((row) => row.offsetParent !== null);
    const at = rows.indexOf(document.activeElement);
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const search = () => {
    const field = $("#search");
    if (field) { field.focus(); field.select(); } else location.href = "/jobs#search";
  };
  const keys = {
    j: () => move(1), k: () => move(-1), n: () => { location.href = "/new"; },
    "/": search, "?": () => open("keys"), t: () => window.reelyardTheme.next(),
    g: () => { isGoing = true; setTimeout(() => { isGoing = false; }, 1500); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, video") || $("dialog[open]") || !button) return;
    const isTarget = isGoing && go[event.key];
    if (isTarget) location.href = go[event.key];
    else if (keys[event.key]) keys[event.key]();
    else return;
    if (isTarget) isGoing = false;
    event.preventDefault();
  });
  if (location.hash === "#search") search();
})();

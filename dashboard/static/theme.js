// Runs before the page is painted: the theme that was chosen here, or the system's own.
(() => {
  const chosen = () => {
    try { return localStorage.getItem("reelyard-theme"); } catch { return null; }
  };
  const apply = () => {
    const theme = chosen();
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  apply();
  window.reelyardTheme = {
    now: () => chosen() || "automatic",
    next: () => {
      const theme = { automatic: "light", light: "dark", dark: "" }[chosen() || "automatic"];
      try {
        if (theme) localStorage.setItem("reelyard-theme", theme);
        else localStorage.removeItem("reelyard-theme");
      } catch { /* a browser that keeps nothing: the theme lasts as long as the page */ }
      apply();
      document.dispatchEvent(new Event("reelyard:theme"));
    },
  };
})();

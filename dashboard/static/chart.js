// The throughput chart: seconds of video as bars, tasks as a line, drawn from the numbers in the page.
(() => {
  const place = document.getElementById("throughput");
  const source = document.getElementById("throughput-data");
  let chart = null;
  let drawn = "";

  const colour = (selector) => getComputedStyle(document.querySelector(selector)).color;
  const faint = (selector) => colour(selector).replace(/^rgb\((.*)\)$/, "rgba($1, 0.28)");

  const tooltip = () => {
    const tip = document.createElement("div");
    tip.className = "tip";
    return {
      hooks: {
        init: (u) => { u.over.append(tip); u.over.addEventListener("mouseleave", () => { tip.hidden = true; }); },
        setCursor: (u) => {
          const at = u.cursor.idx;
          tip.hidden = at == null;
          if (at == null) return;
          const when = new Date(u.data[0][at] * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
          tip.textContent = `${when}  ${u.data[1][at]} s of video, ${u.data[2][at]} tasks`;
          const left = u.valToPos(u.data[0][at], "x");
          const isRight = left > u.over.clientWidth / 2;
          tip.style.left = isRight ? "auto" : `${left + 10}px`;
          tip.style.right = isRight ? `${u.over.clientWidth - left + 10}px` : "auto";
        },
      },
    };
  };

  const options = (width) => {
    const text = colour("#throughput-data .hint");
    const axis = { stroke: text, font: "11px Inter, sans-serif", ticks: { show: false }, grid: { show: false } };
    const around = (moments, low, high) => {
      const half = moments.length > 1 ? (moments[1] - moments[0]) / 2 : 60;
      return [low - half, high + half];
    };
    const atLeast = (least) => (_u, _low, high) => [0, Math.max(least, high * 1.1)];
    return {
      width, height: 190, padding: [10, 4, 0, 4], legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: true, range: (u, low, high) => around(u.data[0], low, high) }, video: { range: atLeast(5) }, tasks: { range: atLeast(5) } },
      axes: [
        { ...axis, space: 70, size: 26, gap: 4, values: [[3600, "{HH}:{mm}"], [60, "{HH}:{mm}"], [1, "{HH}:{mm}:{ss}"]] },
        { ...axis, scale: "video", size: 40, grid: { stroke: faint("#throughput-data .hint"), width: 1 } },
        { ...axis, scale: "tasks", side: 1, size: 32, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      ],
      series: [
        {},
        { scale: "video", stroke: colour(".key-video"), fill: faint(".key-video"), width: 1.5, paths: window.uPlot.paths.bars({ size: [0.72, 28], radius: 0.25 }), points: { show: false } },
        { scale: "tasks", stroke: colour(".key-tasks"), width: 2, dash: [5, 4], points: { show: false }, paths: window.uPlot.paths.spline() },
      ],
      plugins: [tooltip()],
    };
  };

  const draw = (isAnew) => {
    const points = source.querySelector("[data-points]")?.dataset.points || "[[],[],[]]";
    if (points === drawn && !isAnew) return;
    const data = JSON.parse(points);
    place.hidden = !data[0].length;
    if (place.hidden) return;
    if (chart && !isAnew) chart.setData(data);
    else {
      chart?.destroy();
      chart = new window.uPlot(options(place.clientWidth), data, place);
    }
    drawn = points;
  };

  draw(true);
  document.addEventListener("htmx:after:swap", () => draw(false));
  document.addEventListener("reelyard:theme", () => draw(true));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(true));
  new ResizeObserver(() => chart?.setSize({ width: place.clientWidth, height: 190 })).observe(place);
})();

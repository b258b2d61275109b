// Draws every figure of the page with the style sheet's colours, and again when the reader changes between light and dark.
(() => {
  "use strict";
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { responsive: true, displayModeBar: false, showTips: false };

  const coloured = (part) => {
    if (typeof part === "string") return part.replace(/^<([\w-]+)>$/, (_, name) => variable(`--${name}`));
    if (Array.isArray(part)) return part.map(coloured);
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, coloured(value)]));
  };

  const template = () => {
    const axis = {
      gridcolor: variable("--grid"), linecolor: variable("--grid"), zerolinecolor: variable("--grid"),
      tickcolor: variable("--grid"), tickfont: { color: variable("--faint") },
    };
    return {
      layout: {
        font: { family: variable("--font"), size: 12.5, color: variable("--ink") },
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        xaxis: axis, yaxis: axis,
        hoverlabel: { bgcolor: variable("--paper"), bordercolor: variable("--grid"), font: { color: variable("--ink") } },
      },
    };
  };

  const draw = (place) => {
    const drawn = coloured(JSON.parse(place.nextElementSibling.textContent));
    drawn.layout.template = template();
    Plotly.react(place, drawn.data, drawn.layout, config);
  };
  const visible = (place) => place.closest("details:not([open])") === null;
  const drawAll = () => [...document.querySelectorAll(".drawing")].filter(visible).forEach(draw);

  drawAll();
  dark.addEventListener("change", drawAll);
  for (const folded of document.querySelectorAll("details")) {
    folded.addEventListener("toggle", () => folded.open && folded.querySelectorAll(".drawing").forEach(draw));
  }
})();

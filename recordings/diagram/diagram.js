"use strict";
// Zooms a sequence diagram, and lets the arrow keys go from message to message.
(() => {
  // below FAR nothing can be read any more: then only the rows move together, as an overview
  const STEP = 1.25, LEAST = 0.02, MOST = 4, FAR = 0.55;

  function prepare(diagram) {
    const scroll = diagram.querySelector(".scroll");
    const heads = scroll.querySelector("svg.heads"), rows = scroll.querySelector("svg.rows");
    const messages = [...rows.querySelectorAll("a.m")];
    const width = rows.width.baseVal.value, height = rows.height.baseVal.value;
    const headHeight = heads.height.baseVal.value;
    let zoom = 1;

    function show(next) {
      next = Math.min(MOST, Math.max(LEAST, next));
      const middle = scroll.scrollTop + scroll.clientHeight / 2;
      const across = Math.max(next, FAR);
      heads.setAttribute("width", width * across);
      heads.setAttribute("height", headHeight * across);
      rows.setAttribute("width", width * across);
      rows.setAttribute("height", height * next);
      rows.classList.toggle("far", next < FAR);
      scroll.scrollTop = (middle * next) / zoom - scroll.clientHeight / 2;
      zoom = next;
      diagram.dataset.zoomed = zoom.toFixed(3);
    }

    const ways = {
      in: () => show(zoom * STEP),
      out: () => show(zoom / STEP),
      whole: () => show(Math.min(1, (scroll.clientWidth - 2) / width)),
    };
    const keys = { "+": ways.in, "=": ways.in, "-": ways.out, 0: ways.whole };

    for (const button of diagram.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", ways[button.dataset.zoom]);
    }
    diagram.querySelector(".zoom").hidden = false;
    scroll.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      show(zoom * (event.deltaY < 0 ? STEP : 1 / STEP));
    }, { passive: false });

    // one message at a time is in the order of the Tab key
    let current = 0;
    messages.forEach((message, i) => message.setAttribute("tabindex", i ? -1 : 0));
    rows.addEventListener("focusin", (event) => {
      const found = messages.indexOf(event.target.closest("a.m"));
      if (found < 0) return;
      messages[current].setAttribute("tabindex", -1);
      current = found;
      messages[current].setAttribute("tabindex", 0);
    });
    function go(to) {
      if (!messages.length) return;
      const message = messages[Math.min(messages.length - 1, Math.max(0, to))];
      message.setAttribute("tabindex", 0);
      message.focus({ preventScroll: true });
      message.scrollIntoView({ block: "center", inline: "nearest" });
    }
    const inside = () => rows.contains(document.activeElement);
    const moves = {
      ArrowDown: () => go(inside() ? current + 1 : current),
      ArrowUp: () => go(inside() ? current - 1 : current),
      Home: () => go(0),
      End: () => go(messages.length - 1),
    };
    scroll.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const action = keys[event.key] || moves[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
    if (scroll.clientWidth < width) show(Math.max(0.6, scroll.clientWidth / width));
    if (new URLSearchParams(location.search).has("follow")) scroll.scrollTop = scroll.scrollHeight;
    diagram.dataset.ready = "yes";
  }

  document.querySelectorAll("section.diagram").forEach(prepare);
})();
